"""Assignment and views: the same program on plain arrays and on traced ones; derivatives against differences."""

import operator
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg
import wengert.numpy as wnp
from array_checks import agrees, same, slope
from wengert.errors import ConcretizationError, LeakedTracerError, ShapeError

X = np.array([[0.3, -0.7, 1.1], [0.9, 0.2, -0.4]])
V = np.array([0.5, -1.0, 2.0, 0.25])


def program(body: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """A program on a copy of its argument, as a function of it: the copy is what it returns."""

    def f(x: Any, n: Any) -> Any:
        y = x.copy()
        z = body(y, n)
        return y if z is None else (y, z)

    return f


def run(*lines: str) -> Callable[[Any, Any], Any]:
    """The lines of a program on y, a copy of x; the arrays y, and z where it is assigned, are the results."""
    code = compile("\n".join(lines), "<program>", "exec")

    def f(x: Any, n: Any) -> Any:
        names = {"y": x.copy(), "x": x, "n": n, "np": np}
        exec(code, names)
        return (names["y"], names["z"]) if "z" in names else names["y"]

    return f


PROGRAMS = {
    "element": ["y[0, 1] = x[1, 1] ** 2"],
    "row": ["y[1] = 2 * y[0]"],
    "number into all": ["y[...] = x[0, 0]"],
    "whole": ["y[:] = x * x"],
    "column with a slice": ["y[:, 0] = x[:, 2] * 3"],
    "negative step": ["y[:, ::-1] = x * x[0]"],
    "new axis": ["y[None] = x[None] * 2"],
    "leading ones": ["y[0] = (x * x)[None, :1]"],
    "broadcast": ["y[...] = x[:, :1] * 2"],
    "list": ["y[...] = [1, x[0, 0], 2.5]"],
    "index array": ["y[:, [2, 0]] = x[:, :2] ** 2"],
    "repeated index": ["y[:, [1, 1]] = x[:, :2] ** 2"],
    "separated index arrays": ["y[None][[0, 0], :, [1, 2]] = x.T[:2, :] * 3"],
    "mask and number": ["y[x > 0] = x[0, 0]"],
    "mask and array": ["y[x > 0] = x[x > 0] ** 2"],
    "mask of rows": ["y[x[:, 0] > 0.5] = x[1] * x[0, 0]"],
    "mask of rows, number": ["y[x[:, 0] > 0.5] = 3.0"],
    "overlapping": ["y[:, 1:] = y[:, :-1]"],
    "swap": ["y[0], y[1] = y[1].copy(), y[0].copy()"],
    "add to element": ["y[0, 0] += x[1, 1]"],
    "add to row": ["y[0] += x[1] * x[0]"],
    "add to index array": ["y[:, [0, 0, 1]] += x"],
    "multiply mask": ["y[y > 0] *= y[1, 0]"],
    "in place": ["y += x", "y *= 2", "y -= 1.0", "y /= x[0, 1]", "y **= 2"],
    "in place, broadcast": ["y += x[0]"],
    "in place through a view": ["t = y.T", "t *= x[0, 0]", "t[0] += 1"],
    "in place under another name": ["z = y", "z += x"],
    "not in place": ["z = y", "z = z + x"],
    "numbers do not change": ["z = y[0, 0]", "z += 1.0"],
    "a row does": ["z = y[0]", "z += 1.0"],
    "view of a view": ["z = y[1:][0]", "z[1] = x[0, 0]"],
    "base seen through views": ["z = y.T[1:]", "y[0, 1] = x[0, 0] ** 2", "y *= x"],
    "sibling views": ["a = y[0]", "z = y[:, 0]", "a[0] = 5 * x[1, 1]", "z += 1"],
    "reshape is a view": ["z = y.reshape(3, 2)", "z[0, 1] = x[0, 0]"],
    "ravel is a view": ["z = y.ravel()", "z[3] *= 2"],
    "reshape of a transpose is not": ["z = y.T.reshape(-1)", "z[0] = 9.0", "y[0] = 0.0"],
    "flatten is not": ["z = y.flatten()", "z[0] = x[1, 1]"],
    "copy is not": ["z = y.copy()", "z[0] = x[1, 1]", "y[1] = 0"],
    "an index array copies": ["z = y[[0, 1]]", "z[0] = x[1, 1]"],
    "expand_dims and squeeze": ["z = y[None].swapaxes(0, 1).squeeze()", "z[0, 0] = x[1, 1]"],
    "moveaxis": ["z = n.moveaxis(y, 0, 1)", "z[2] = x[:, 0] * 2"],
    "flip": ["z = n.flip(y)", "z[0] = x[1] * 2"],
    "split": ["z = n.split(y, 3, axis=1)[1]", "z *= 2"],
    "atleast_3d": ["z = n.atleast_3d(y)", "z[0] = x[0, 0]"],
    "diagonal sees the base": ["z = y.diagonal()", "y[1, 1] = x[0, 0]"],
    "flat": ["y.flat[2] = x[0, 0]", "y.flat[3:] = x[0, :2]", "z = y.flat[::2]"],
    "flat, all": ["y.flat = x[0]"],
    "real is the array": ["z = y.real", "z[0] = x[1]"],
    "fill": ["y.fill(x[0, 0])"],
    "iteration gives views": ["for row in y: row *= row[0]"],
    "put": ["n.put(y, [0, 4, -1], [x[0, 0], 2.0])"],
    "put, wrapped": ["y.put([7, -8], x[0], mode='wrap')"],
    "place": ["n.place(y, x > 0, [x[0, 0], 5.0])"],
    "place a number": ["n.place(y, x > 0, x[0, 0])"],
    "putmask": ["n.putmask(y, x > 0, x[1] * 2)"],
    "putmask, number": ["n.putmask(y, x > 0, 7.0)"],
    "copyto": ["n.copyto(y, x * 2)"],
    "copyto where": ["n.copyto(y, x[0] * 2, where=np.array([True, False, True]))"],
    "fill_diagonal": ["n.fill_diagonal(y, x[0, 0])"],
    "fill_diagonal, several": ["n.fill_diagonal(y, [x[0, 0], 2.0])"],
    "fill_diagonal, tall": ["z = n.concatenate([y.T, y.T])", "n.fill_diagonal(z, x[0, 0], wrap=True)"],
    "put_along_axis": ["n.put_along_axis(y, np.array([[2], [0]]), x[:, :1] * 2, axis=1)"],
    "put_along_axis, flat": ["n.put_along_axis(y, np.array([4, 0]), x[0, :2], axis=None)"],
    "add.at": ["np.add.at(y, (slice(None), [0, 0, 2]), x * x)"],
    "add.at a slice": ["np.add.at(y, 0, x[1])"],
    "subtract.at": ["np.subtract.at(y, [0, 0], x[1])"],
    "multiply.at": ["np.multiply.at(y, (slice(None), [0, 0, 2]), x + 2)"],
    "maximum.at": ["np.maximum.at(y, (0, [0, 0, 1]), x[1])"],
    "negative.at": ["np.negative.at(y, (0, [0, 1]))"],
    "out": ["np.multiply(x, 2.0, out=y)"],
    "zeros": ["z = n.zeros((2, 2))", "z[0, 0] = x[0, 1]", "z[1] += x[1, :2]"],
    "zeros and a view of it": ["z = n.zeros(4)", "t = z[1:3]", "t[0] = x[0, 0]", "t *= 2"],
    "zeros_like": ["z = np.zeros_like(x)", "z[:, 1] = x[:, 0]"],
    "empty": ["z = n.empty(2)", "z[0] = x[0, 0]", "z[1] = 1.0"],
    "ones, full": ["z = n.ones(3) * n.full(3, 2.0)", "z *= x[0]"],
    "array of numbers": ["z = n.array([1.0, 2.0, 3.0])", "z[1] = x[0, 0]"],
    "array of a traced array": ["z = n.array(y)", "z[1] = x[0]"],
    "0-d array": ["z = n.zeros(())", "t = z", "t += x[0, 0]", "z[...] *= 2"],
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_do_what_numpys_do(name: str) -> None:
    by_value = name in ("mask and array", "mask of rows", "place", "multiply mask")
    agrees(run(*PROGRAMS[name]), X, lanes=not by_value)


@pytest.mark.parametrize("name", PROGRAMS)
def test_recorded_and_second_order(name: str) -> None:
    f = run(*PROGRAMS[name])
    loss = lambda x: sum((r**3).sum() for r in (f(x, wnp) if isinstance(f(x, wnp), tuple) else (f(x, wnp),)))
    np.testing.assert_allclose(wg.trace(loss)(X)(X), loss(X), rtol=1e-12)
    gradient = wg.grad(loss)
    d = np.cos(np.arange(6.0)).reshape(2, 3)
    truth = (gradient(X + 1e-6 * d) - gradient(X - 1e-6 * d)) / 2e-6
    np.testing.assert_allclose(wg.jvp(gradient, (X,), (d,))[1], truth, rtol=1e-6, atol=1e-6)
    found = wg.grad(lambda x: (gradient(x) * d).sum())(X)
    np.testing.assert_allclose(found, truth, rtol=1e-6, atol=1e-6)


# random programs on views --------------------------------------------------------------------------------------------
VIEWS: list[Callable[[Any], Any]] = [
    lambda t: t.T,
    lambda t: t.reshape(-1),
    lambda t: t.ravel(),
    lambda t: t[1:] if t.ndim and t.shape[0] > 1 else t[...],
    lambda t: t[::-1] if t.ndim else t[...],
    lambda t: t[..., ::2] if t.ndim else t[...],
    lambda t: t[None],
    lambda t: t[-1] if t.ndim > 1 else t[...],
    lambda t: t.swapaxes(0, -1) if t.ndim else t[...],
    lambda t: t.reshape(2, -1) if t.ndim and t.size % 2 == 0 else t[...],
    lambda t: t.squeeze(),
]
STEPS = [
    "view", "view", "copy", "new", "gather", "set", "set array", "add", "scale", "power", "shift", "flat", "at", "mask",
]  # fmt: skip
unit = st.floats(0, 0.999, allow_nan=False)
steps = st.lists(st.tuples(st.sampled_from(STEPS), unit, unit, unit), min_size=2, max_size=10)


def aliasing(moves: list[tuple[str, float, float, float]], x: Any) -> tuple[Any, list[Any]]:
    """A program on a growing set of arrays and views of them; a number that depends on all of them, and the arrays."""
    pool = [x]
    of = lambda r: pool[int(r * len(pool))]
    for kind, a, b, c in moves:
        t = of(a)
        if not t.ndim:
            continue
        i = int(c * t.shape[0])
        if kind == "view":
            pool.append(VIEWS[int(c * len(VIEWS))](t))
        elif kind == "copy":
            pool.append(t.copy())
        elif kind == "new":
            pool.append(t * 1.5)
        elif kind == "gather":
            pool.append(t[[0, -1, 0]])
        elif kind == "set":
            t[i] = of(b).sum() * 0.3
        elif kind == "set array":
            t[[0, i]] = of(b).sum() * np.array([1.0, -0.5]).reshape(2, *(1,) * (t.ndim - 1))
        elif kind == "add":
            t[i] += of(b).mean()
        elif kind == "scale":
            t *= 0.5 + of(b).mean()
        elif kind == "power":
            t **= 2
        elif kind == "shift":
            t[1:] = t[:-1]
        elif kind == "flat":
            t.flat[int(c * t.size)] = of(b).sum() * 0.2
        elif kind == "at":
            np.add.at(t, [0, i, 0], of(b).sum() * 0.1)
        else:
            t[t > 0.4] = 0.25
    return sum((p * np.cos(np.arange(p.size) + k).reshape(p.shape)).sum() for k, p in enumerate(pool)), pool


@settings(max_examples=250)
@given(steps, st.sampled_from([(3,), (4,), (2, 3), (3, 2), (2, 2, 2)]), st.booleans())
def test_random_programs_on_views(moves: Any, shape: tuple[int, ...], fortran: bool) -> None:
    x = np.random.default_rng(0).uniform(0.1, 0.9, size=shape)
    if fortran:
        x = np.asfortranarray(x)
    expected, arrays = aliasing(moves, x.copy(order="K"))
    if not np.isfinite(expected) or abs(expected) > 1e3:
        return

    def f(t: Any) -> Any:
        y, pool = aliasing(moves, t)
        same(pool, arrays)
        return y

    before = x.copy()
    value, g = wg.value_and_grad(f)(x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(value, expected, rtol=1e-11)
    d = np.asarray(np.sin(np.arange(x.size) + 1.0).reshape(shape), order="F" if fortran else "C")
    truth, coarse = (slope(lambda x: aliasing(moves, x)[0], x, d, h) for h in (1e-6, 2e-6))
    if abs(truth - coarse) < 1e-6 * max(1.0, abs(truth)):  # no threshold was crossed
        np.testing.assert_allclose((g * d).sum(), truth, rtol=3e-6, atol=3e-6)
        np.testing.assert_allclose(wg.jvp(f, (x,), (d,))[1], truth, rtol=3e-6, atol=3e-6)


@settings(max_examples=60)
@given(steps, st.sampled_from([(4,), (2, 3), (3, 2)]))
def test_random_programs_on_views_of_lanes(moves: Any, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).uniform(0.1, 0.9, size=(2, *shape))
    expected = [aliasing(moves, lane.copy())[0] for lane in x]
    if np.all(np.abs(expected) < 1e3):
        np.testing.assert_allclose(wg.vmap(lambda t: aliasing(moves, t)[0])(x), expected, rtol=1e-10)


# what belongs to whom ------------------------------------------------------------------------------------------------
def test_the_argument_of_the_user_is_never_changed() -> None:
    x = V.copy()

    def f(t: Any) -> Any:
        t *= 2
        t[0] = 7
        return (t * t).sum()

    for transformed in (wg.grad(f), lambda x: wg.jvp(f, (x,), (x,)), lambda x: wg.vmap(f)(x[None]), wg.trace(f)):
        transformed(x)
        np.testing.assert_array_equal(x, V)


def test_arrays_that_were_changed_keep_what_derivatives_need() -> None:
    """y * y needs y as it was, though y is overwritten afterwards."""

    def f(x: Any, n: Any) -> Any:
        y = x * 1.0
        z = y * y
        y[0] = 100.0
        y *= z
        z += y
        return y, z

    agrees(f, V)


def test_a_plain_array_of_the_outside_may_change_later() -> None:
    c = np.array([1.0, 2.0, 3.0, 4.0])

    def f(x: Any) -> Any:
        y = x * c
        c[...] = 0.0
        return y.sum()

    np.testing.assert_array_equal(wg.grad(f)(V), [1, 2, 3, 4])


def test_an_outer_array_assigned_inside_does_not_reach_what_an_inner_function_saw() -> None:
    def f(x: Any) -> Any:
        _, pull_back = wg.vjp(lambda z: z * z, x)
        x[0] = 1000.0
        return pull_back(np.ones(4))[0].sum()

    np.testing.assert_array_equal(wg.grad(f)(V), [2, 2, 2, 2])


def test_an_inner_value_kept_in_an_outer_array_is_a_leak() -> None:
    def f(x: Any) -> Any:
        z = wnp.zeros(2)

        def inner(t: Any) -> Any:
            z[0] = t * t
            return t

        wg.grad(inner)(x[0])
        return z.sum()

    with pytest.raises(LeakedTracerError):
        wg.grad(f)(V)


def test_nested_levels_in_one_array() -> None:
    """Each level assigns into an array of the outermost."""

    def f(x: Any) -> Any:
        z = wnp.zeros(3)
        z[0] = x * x

        def g(t: Any) -> Any:
            w = z.copy()
            w[1] = t * x
            w[2] = w[0] * w[1]
            return w.sum()

        return wg.grad(g)(x)  # x + x^3

    np.testing.assert_allclose(wg.grad(f)(2.0), 1 + 3 * 4.0)


def test_a_constant_result_is_a_plain_array() -> None:
    def f(x: Any) -> Any:
        z = wnp.zeros(3)
        return x.sum(), z

    (_, z), _ = wg.value_and_grad(f, has_aux=True)(V)
    assert type(z) is np.ndarray
    y, _ = wg.vjp(lambda x: wnp.zeros(3), V)
    assert type(y) is np.ndarray


def test_a_handle_of_a_constant_turns_into_plain_numbers() -> None:
    def f(x: Any) -> Any:
        z = wnp.zeros(3)
        assert float(z[0]) == 0.0 and np.asarray(z).shape == (3,)
        with pytest.raises(ValueError):
            np.asarray(z)[0] = 1.0
        z[0] = x[0]
        with pytest.raises(ConcretizationError):
            np.asarray(z)
        return z.sum()

    wg.grad(f)(V)


# errors --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: x.__setitem__(9, 1.0), IndexError),
        (lambda x: x.__setitem__((0, 0), 1.0), IndexError),
        (lambda x: x.__setitem__(slice(0, 2), x), ValueError),
        (lambda x: operator.setitem(x[0], (), 1.0), TypeError),
        (lambda x: x.__setitem__(0, 1j), TypeError),
        (lambda x: x.__setitem__(np.array([True, False]), 1.0), IndexError),
        (lambda x: x.__iadd__(1j), TypeError),
        (lambda x: x.__iadd__(np.ones((2, 4))), ValueError),
        (lambda x: np.diagonal(x.reshape(2, 2)).__setitem__(0, 1.0), ValueError),
        (lambda x: np.broadcast_to(x, (3, 4)).__setitem__(0, 1.0), ValueError),
        (lambda x: np.broadcast_to(x, (3, 4))[0].__iadd__(1.0), ValueError),
    ],
)
def test_errors_are_numpys(f: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        f(V.copy())
    with pytest.raises(error):
        wg.grad(lambda x: [f(x), x.sum()][1])(V)


@pytest.mark.parametrize(
    "f",
    [
        lambda c, x: c.__setitem__(0, x[0]),
        lambda c, x: np.put(c, [0], x[0]),
        lambda c, x: np.copyto(c, x),
        lambda c, x: np.add.at(c, 0, x[0]),
        lambda c, x: np.fill_diagonal(c, x[0]),
        lambda c, x: np.add(x, x, out=c),
        lambda c, x: np.putmask(c, c > 0, x),
        lambda c, x: c.__iadd__(x),
    ],
)
def test_a_plain_array_cannot_hold_a_derivative(f: Any) -> None:
    with pytest.raises(ConcretizationError):
        wg.grad(lambda x: f(np.zeros((4, 4)), x))(V)


def test_a_complex_value_into_a_real_array() -> None:
    with pytest.raises(ShapeError):
        wg.vjp(lambda z: wnp.zeros(2).__setitem__(0, z[0]), np.array([1j]))


def test_real_and_imag_are_views(rng: np.random.Generator) -> None:
    z = rng.normal(size=3) + 1j * rng.normal(size=3)

    def f(z: Any) -> Any:
        w = z.copy()
        w.real = w.imag * 2
        w.imag[0] = w.real[1] ** 2
        w.imag += 1.0
        return w

    y, y_dot = wg.jvp(f, (z,), (z * 1j,))
    np.testing.assert_allclose(y, f(z))
    h = 1e-6
    np.testing.assert_allclose(y_dot, (f(z + h * z * 1j) - f(z - h * z * 1j)) / (2 * h), rtol=1e-8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_assignment_casts_to_the_arrays_dtype(dtype: Any) -> None:
    def f(x: Any, n: Any) -> Any:
        z = n.zeros(4, dtype)
        z[1:3] = x[:2]
        z += np.float64(2)
        z[0] = np.float64(1) / 3
        return z

    y, pull_back = wg.vjp(lambda x: f(x, wnp), V)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, f(V, np))
    np.testing.assert_array_equal(pull_back(np.ones(4, dtype))[0], [1, 1, 0, 0])


# cost ----------------------------------------------------------------------------------------------------------------
def test_a_loop_that_fills_an_array_costs_memory_and_time_in_proportion() -> None:
    """The array is overwritten forwards, its adjoint backwards: no copy for each element."""

    def f(x: Any) -> Any:
        y = wnp.zeros(len(x))
        y[0] = x[0]
        for i in range(1, len(x)):
            y[i] = 0.5 * y[i - 1] + x[i]
        return y.sum()

    def peak(n: int) -> int:
        tracemalloc.start()
        wg.grad(f)(np.ones(n))
        bytes_used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return bytes_used

    peak(10)
    assert peak(2000) < 6 * peak(500)
    np.testing.assert_allclose(wg.grad(f)(np.ones(5)), [1.9375, 1.875, 1.75, 1.5, 1.0])
