"""What the tests of wengert.scipy ask of each function: SciPy's value, both modes to order two, lanes, native code."""

import numpy as np

import wengert as wg


def leaves(y):
    """Results as a list of floating-point arrays."""
    results = y if isinstance(y, tuple | list) else [y]
    return [x for x in results if x.dtype.kind in "fc"]


def close(found, expected, rtol=1e-9, atol=1e-10):
    """The same shapes and numbers."""
    for a, b in zip(found, expected, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def agrees(ours, theirs, *args, order=2, lanes=True, native=True, gradient=True, rtol=1e-5, **kwargs):
    """ours(*args) is theirs(*args) when traced; derivatives against differences, wg.vmap against a loop, wg.jit.

    native: the compiled program calls nothing back. gradient: that of the sum of squares is compiled too. Arguments are
    differentiated; kwargs are not.
    """
    f = lambda *xs: leaves(ours(*xs, **kwargs))
    values = wg.vjp(f, *args)[0]
    close(values, leaves(theirs(*args, **kwargs)))
    wg.check_grads(f, args, order=order, rtol=rtol)
    compiled = wg.jit(f)
    close(compiled(*args), values)
    assert ("calls back" in str(compiled.report(*args))) != native
    if gradient and all(x.dtype.kind == "f" for x in args):
        slopes = wg.grad(lambda *xs: sum(np.sum(np.abs(y) ** 2) for y in f(*xs)), tuple(range(len(args))))
        close(wg.jit(slopes)(*args), slopes(*args), rtol=1e-7, atol=1e-8)
    if lanes:
        two = [np.stack([x, 1.01 * x]) for x in args]
        close(wg.vmap(f)(*two), [np.stack(ys) for ys in zip(f(*args), f(*(1.01 * x for x in args)), strict=True)])
