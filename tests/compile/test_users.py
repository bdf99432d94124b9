"""Programs as users of NumPy write them: compiled, with derivatives, against eager evaluation and differences."""

import numpy as np

import wengert as wg

RNG = np.random.default_rng(0)


def close(got, want, rtol=1e-9, atol=1e-11):
    """Each result is what it should be, of the same dtype and shape."""
    got, want = (x if isinstance(x, tuple) else (x,) for x in (got, want))
    for a, b in zip(got, want, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_allclose(a, b, rtol, atol)


def along(f, args, directions, h=1e-3):
    """The derivative of f along directions, by differences of sixth order."""
    weights = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}
    at = lambda s: f(*(a + s * h * v for a, v in zip(args, directions, strict=True)))
    return sum(w * (at(k) - at(-k)) for k, w in weights.items()) / h


# what was once wrong -----------------------------------------------------------------------------------------------
def test_state_that_is_written_over_is_not_read_again():
    def f(A, b):
        total = 0.0
        for _ in range(20):
            a = b + 1
            b = b * 0.9
            total = total + np.sum(a / np.sum(b**2)) + np.sum(A @ a)
        return total

    A, b = RNG.standard_normal((20, 20)), RNG.random(20)
    close(wg.jit(f)(A, b), f(A, b))
