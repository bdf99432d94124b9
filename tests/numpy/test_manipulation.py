"""Views, joining, splitting, turning, padding, selecting: against NumPy's values and central differences."""

from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from array_checks import agrees
from wengert.errors import AbstractValueError, ConcretizationError, ShapeError, UnsupportedFunctionError

RNG = np.random.default_rng(3)
M = RNG.normal(size=(2, 3))
V = RNG.normal(size=5)
C = RNG.normal(size=(3, 4, 2))
BITS = np.array([[1, 0, 1], [0, 1, 0]], bool)

ON_MATRIX: dict[str, Any] = {
    "reshape": lambda x, n: n.reshape(x, (3, 2)),
    "reshape order F": lambda x, n: n.reshape(x, (3, 2), order="F"),
    "reshape order A": lambda x, n: n.reshape(x.T, (2, 3), order="A"),
    "reshape -1": lambda x, n: x.reshape(3, -1),
    "reshape tuple": lambda x, n: x.reshape((1, 6)),
    "ravel": lambda x, n: n.ravel(x),
    "ravel F": lambda x, n: n.ravel(x, "F"),
    "ravel K": lambda x, n: n.ravel(x.T, "K"),
    "flatten": lambda x, n: x.flatten(),
    "flatten F": lambda x, n: x.flatten("F"),
    "T": lambda x, n: x.T,
    "mT": lambda x, n: x.mT,
    "transpose": lambda x, n: n.transpose(x, (1, 0)),
    "transpose method": lambda x, n: x.transpose(1, 0),
    "permute_dims": lambda x, n: n.permute_dims(x, (-1, 0)),
    "matrix_transpose": lambda x, n: n.matrix_transpose(x),
    "moveaxis": lambda x, n: n.moveaxis(x, 0, -1),
    "rollaxis": lambda x, n: n.rollaxis(x, 1),
    "swapaxes": lambda x, n: x.swapaxes(0, 1),
    "squeeze": lambda x, n: n.squeeze(x[None, :, None]),
    "squeeze axis": lambda x, n: x[None, :, None].squeeze(axis=(0,)),
    "expand_dims": lambda x, n: n.expand_dims(x, (0, -1)),
    "broadcast_to": lambda x, n: n.broadcast_to(x, (4, 2, 3)),
    "broadcast_arrays": lambda x, n: n.broadcast_arrays(x, x[:, :1], 1.0),
    "atleast_1d": lambda x, n: n.atleast_1d(x[0, 0], x),
    "atleast_2d": lambda x, n: n.atleast_2d(x[0]),
    "atleast_3d": lambda x, n: n.atleast_3d(x[0, 0], x[0], x),
    "diagonal": lambda x, n: n.diagonal(x, 1),
    "diagonal method": lambda x, n: x.diagonal(-1),
    "trace": lambda x, n: n.trace(x),
    "trace method": lambda x, n: x.trace(1),
    "concatenate": lambda x, n: n.concatenate([x, x * 2, np.ones((1, 3))]),
    "concatenate None": lambda x, n: n.concatenate([x, x * 2], axis=None),
    "concatenate int": lambda x, n: n.concatenate([x, np.arange(3)[None]]),
    "concat": lambda x, n: n.concat((x, x), axis=-1),
    "stack": lambda x, n: n.stack([x, x * 2], -1),
    "stack of array": lambda x, n: n.stack(x, 1),
    "vstack": lambda x, n: n.vstack([x, x[0]]),
    "hstack": lambda x, n: n.hstack([x, x]),
    "hstack vectors": lambda x, n: n.hstack([x[0], x[1], 1.0]),
    "dstack": lambda x, n: n.dstack([x, x]),
    "column_stack": lambda x, n: n.column_stack([x[0], x[1]]),
    "block": lambda x, n: n.block([[x, x], [x * 2, np.zeros((2, 3))]]),
    "block vectors": lambda x, n: n.block([x[0], 1.0, x[1]]),
    "append": lambda x, n: n.append(x, [1.0, 2.0]),
    "append axis": lambda x, n: n.append(x, x[:1] * 2, axis=0),
    "r_": lambda x, n: n.r_[x[0], 1.0, 0:3],
    "c_": lambda x, n: n.c_[x[0], x[1]],
    "r_ of matrices": lambda x, n: n.r_[x, x],
    "r_ of vectors and lists": lambda x, n: n.r_[x[:, 0], [1.0, 2.0]],
    "c_ of matrices": lambda x, n: n.c_[x, x[:, :1]],
    "c_ of a matrix and a vector": lambda x, n: n.c_[x, x[:, 0]],
    "split": lambda x, n: n.split(x, 3, axis=1),
    "split at": lambda x, n: n.split(x, [1], axis=1),
    "array_split": lambda x, n: n.array_split(x, 2, axis=1),
    "hsplit": lambda x, n: n.hsplit(x, 3),
    "vsplit": lambda x, n: n.vsplit(x, 2),
    "dsplit": lambda x, n: n.dsplit(x[None], [1, 2]),
    "unstack": lambda x, n: n.unstack(x, axis=1) if n is wnp else tuple(n.moveaxis(x, 1, 0)),
    "tile": lambda x, n: n.tile(x, (2, 1, 2)),
    "tile number": lambda x, n: n.tile(x, 2),
    "repeat": lambda x, n: n.repeat(x, 2, axis=1),
    "repeat flat": lambda x, n: x.repeat(3),
    "repeat each": lambda x, n: n.repeat(x, [1, 0, 2], axis=1),
    "flip": lambda x, n: n.flip(x),
    "flip axis": lambda x, n: n.flip(x, 1),
    "fliplr": lambda x, n: n.fliplr(x),
    "flipud": lambda x, n: n.flipud(x),
    **{f"rot90 {k}": lambda x, n, k=k: n.rot90(x, k) for k in (-1, 0, 1, 2, 3)},
    "roll": lambda x, n: n.roll(x, 2),
    "roll axes": lambda x, n: n.roll(x, (1, -1), (0, 1)),
    "roll twice": lambda x, n: n.roll(x, 1, (0, 0)),
    "insert flat": lambda x, n: n.insert(x, 1, 5.0),
    "insert column": lambda x, n: n.insert(x, 1, x[:, 0], axis=1),
    "insert columns": lambda x, n: n.insert(x, [1, 2], x[:, :2], axis=1),
    "insert unordered": lambda x, n: n.insert(x, [2, 0, 2], [7.0, 8.0, 9.0], axis=1),
    "insert one-element list": lambda x, n: n.insert(x, [1], x[:, :2], axis=1),
    "insert slice": lambda x, n: n.insert(x, slice(0, 2), -1.0, axis=1),
    "insert row": lambda x, n: n.insert(x, -1, x[0], axis=0),
    "delete": lambda x, n: n.delete(x, 1, axis=1),
    "delete flat": lambda x, n: n.delete(x, [0, 3]),
    "delete slice": lambda x, n: n.delete(x, slice(0, 2), axis=1),
    "resize": lambda x, n: n.resize(x, (3, 4)),
    "resize smaller": lambda x, n: n.resize(x, (2,)),
    "take": lambda x, n: n.take(x, [0, 4, -1]),
    "take axis": lambda x, n: x.take([[0, 1], [1, 2]], axis=1),
    "take wrap": lambda x, n: n.take(x, [7, -9], mode="wrap"),
    "take clip": lambda x, n: n.take(x, [7, -9], mode="clip"),
    "take_along_axis": lambda x, n: n.take_along_axis(x, np.array([[1], [0]]), axis=1),
    "take_along_axis flat": lambda x, n: n.take_along_axis(x, np.array([1, 0]), axis=None),
    "compress": lambda x, n: n.compress([True, False, True], x, axis=1),
    "compress flat": lambda x, n: n.compress([True, False, True], x),
    "extract": lambda x, n: n.extract(BITS, x),
    "choose": lambda x, n: n.choose(np.array([1, 0, 1]), [x[0], x[1]]),
    "select": lambda x, n: n.select([x > 0.5, x > 0], [x * 2, x**2], default=x),
    "piecewise": lambda x, n: n.piecewise(x, [x < 0, x >= 0], [lambda t: t**2, lambda t: t**3]),
    "piecewise default": lambda x, n: n.piecewise(x, [x < 0], [3.0, lambda t: t**3]),
    "piecewise one condition": lambda x, n: n.piecewise(x[0], x[0] < 0, [lambda t, a: a * t, 5.0], 2.0),
    "where": lambda x, n: n.where(x > 0, x, 2 * x),
    "where number": lambda x, n: n.where(x > 0, x, 0),
    "apply_along_axis": lambda x, n: n.apply_along_axis(lambda r: r * r[0], 1, x),
    "apply_along_axis to number": lambda x, n: n.apply_along_axis(lambda r: r.sum(), 0, x),
    "apply_along_axis to matrix": lambda x, n: n.apply_along_axis(lambda r: r[:, None] * r[None], 0, x),
    "apply_over_axes": lambda x, n: n.apply_over_axes(n.sum, x, [0, 1]),
    "nan_to_num": lambda x, n: n.nan_to_num(x),
    "real": lambda x, n: n.real(x),
    "imag": lambda x, n: x.imag,
    "flat": lambda x, n: x.flat[1:4],
    "astype": lambda x, n: x.astype(float),
    "tolist": lambda x, n: n.array(x.tolist()),
}

PADS: dict[str, dict[str, Any]] = {
    "constant": {},
    "constant values": {"mode": "constant", "constant_values": ((3, 4), (5, 6))},
    "edge": {"mode": "edge"},
    "reflect": {"mode": "reflect"},
    "reflect odd": {"mode": "reflect", "reflect_type": "odd"},
    "symmetric": {"mode": "symmetric"},
    "symmetric odd": {"mode": "symmetric", "reflect_type": "odd"},
    "wrap": {"mode": "wrap"},
    "linear_ramp": {"mode": "linear_ramp"},
    "linear_ramp to": {"mode": "linear_ramp", "end_values": ((1, 2), (3, -4))},
    "mean": {"mode": "mean"},
    "mean of two": {"mode": "mean", "stat_length": 2},
    "maximum": {"mode": "maximum"},
    "maximum of some": {"mode": "maximum", "stat_length": ((1, 2), (2, 1))},
    "minimum": {"mode": "minimum"},
    "median": {"mode": "median"},
}

ON_CUBE: dict[str, Any] = {
    "moveaxis": lambda x, n: n.moveaxis(x, (0, 1), (-1, 0)),
    "rollaxis": lambda x, n: n.rollaxis(x, 2, 1),
    "transpose": lambda x, n: x.transpose(2, 0, 1),
    "transpose default": lambda x, n: n.transpose(x),
    "reshape F": lambda x, n: x.reshape((4, 6), order="F"),
    "ravel K": lambda x, n: n.ravel(x.transpose(1, 2, 0), "K"),
    "diagonal": lambda x, n: n.diagonal(x, 1, 0, 2),
    "diagonal axes": lambda x, n: n.diagonal(x, -1, 2, 1),
    "trace": lambda x, n: n.trace(x, axis1=1, axis2=2),
    "tril": lambda x, n: n.tril(x, 1),
    "triu": lambda x, n: n.triu(x),
    "rot90": lambda x, n: n.rot90(x, 1, (1, 2)),
    "stack": lambda x, n: n.stack([x, x], 2),
    "tile": lambda x, n: n.tile(x, (2, 1)),
    "roll": lambda x, n: n.roll(x, -3),
    "flip": lambda x, n: n.flip(x, (0, 2)),
    "split": lambda x, n: n.array_split(x, [1, 3, 9], axis=1),
    "pad mean": lambda x, n: n.pad(x, 2, mode="mean"),
    "pad edge": lambda x, n: n.pad(x, (1, 2), mode="edge"),
    "apply_along_axis": lambda x, n: n.apply_along_axis(lambda r: r[::2] * r[0], 1, x),
    "compress": lambda x, n: x.compress([0, 1, 0, 1], axis=1),
    "take": lambda x, n: n.take(x, [[0, 3]], axis=1),
    "take_along_axis": lambda x, n: n.take_along_axis(x, np.argsort(C, axis=1), axis=1),
}


@pytest.mark.parametrize("name", ON_MATRIX)
def test_of_a_matrix(name: str) -> None:
    agrees(ON_MATRIX[name], M)


@pytest.mark.parametrize("name", ON_CUBE)
def test_of_three_axes(name: str) -> None:
    agrees(ON_CUBE[name], C)


@pytest.mark.parametrize("name", PADS)
@pytest.mark.parametrize("width", [1, ((1, 0), (2, 2)), 0])
def test_pad(name: str, width: Any) -> None:
    agrees(lambda x, n: n.pad(x, width, **PADS[name]), M)


def test_pad_with_traced_values() -> None:
    agrees(lambda x, n: n.pad(x[0], (1, 2), constant_values=n.stack([x[1, 0], x[1, 1]])), M)


def test_pad_refuses_functions() -> None:
    with pytest.raises(UnsupportedFunctionError):
        wg.grad(lambda x: wnp.pad(x, 1, mode=lambda *_: None).sum())(V)


# whose shapes depend on values: not for lanes that differ
BY_VALUE: dict[str, Any] = {
    "unique": lambda x, n: n.unique(n.concatenate([x, x])),
    "unique with the rest": lambda x, n: n.unique(n.concatenate([x, x]), True, True, True),
    "unique rows": lambda x, n: n.unique(n.stack([x, x, 2 * x]), axis=0),
    "union1d": lambda x, n: n.union1d(x, [5.0, 1.0]),
    "intersect1d": lambda x, n: n.intersect1d(x, x[1:], return_indices=True),
    "setdiff1d": lambda x, n: n.setdiff1d(x, x[1:3]),
    "setxor1d": lambda x, n: n.setxor1d(x[:3], x[1:]),
    "isin": lambda x, n: n.isin(x, x[1:3]),
    "trim_zeros": lambda x, n: n.trim_zeros(n.concatenate([[0.0, 0.0], x, [0.0]])),
    "trim_zeros front": lambda x, n: n.trim_zeros(n.concatenate([[0.0], x, [0.0]]), "f"),
    "mask": lambda x, n: x[x > 0],
    "nonzero": lambda x, n: (x[n.nonzero(x > 0)], n.flatnonzero(x > 0), n.argwhere(x > 0)),
    "where": lambda x, n: x[n.where(x > 0)],
    "vectorize": lambda x, n: n.vectorize(lambda a, b: a * b if a > b else a + b)(x, 0.1),
}


@pytest.mark.parametrize("name", BY_VALUE)
def test_by_value(name: str) -> None:
    agrees(BY_VALUE[name], V, lanes=False)


@pytest.mark.parametrize("name", ["unique", "mask", "trim_zeros", "nonzero"])
def test_shapes_that_differ_between_lanes_are_refused(name: str) -> None:
    with pytest.raises(AbstractValueError):
        wg.vmap(lambda x: BY_VALUE[name](x, wnp))(np.stack([V, V]))


@pytest.mark.parametrize("name", ["unique", "mask", "nonzero", "trim_zeros", "setdiff1d"])
def test_a_recorded_program_finds_them_anew(name: str) -> None:
    """The number of elements is assumed, which they are is not."""
    program = wg.trace(lambda x: BY_VALUE[name](x, wnp))(V)
    other = V[::-1] * 1.5
    for found, expected in zip(_listed(program(other)), _listed(BY_VALUE[name](other, np)), strict=True):
        np.testing.assert_array_equal(found, expected)


def _listed(y: Any) -> list[Any]:
    return list(y) if isinstance(y, tuple | list) else [y]


AT_PLACES: dict[str, Any] = {
    "delete": lambda x, i: np.delete(x, i),
    "delete column": lambda x, i: np.delete(x, i, axis=1),
    "insert": lambda x, i: np.insert(x, i, [5.0, 6.0]),
    "insert column": lambda x, i: np.insert(x, i, x[:, 0], axis=1),
    "insert number": lambda x, i: np.insert(x, i, 7.0, axis=1),
}


@pytest.mark.parametrize("name", AT_PLACES)
def test_at_traced_places(name: str) -> None:
    f = AT_PLACES[name]
    places = np.array([0, 2, -1, -3])
    expected = np.stack([f(M, i) for i in places])
    np.testing.assert_array_equal([wg.jit(f)(M, i) for i in places], expected)
    np.testing.assert_array_equal(wg.vmap(f, in_axes=(None, 0))(M, places), expected)
    gradient = wg.grad(lambda x, i: np.sum(f(x, i) ** 2))
    np.testing.assert_allclose(wg.jit(gradient)(M, -1), gradient(M, -1))
    with pytest.raises(IndexError, match="out of bounds"):
        wg.jit(f)(M, 7)


@pytest.mark.parametrize("name", AT_PLACES)
def test_traced_places_that_are_several_are_refused(name: str) -> None:
    for places in (np.array([0, 1]), np.array([True, False, True])):
        with pytest.raises(ConcretizationError, match="plain NumPy array"):
            wg.jit(AT_PLACES[name])(M, places)


def test_piecewise_under_vmap() -> None:
    found = wg.vmap(lambda x: wnp.piecewise(x, [x < 0, x >= 0], [lambda t: t**2, lambda t: t**3]))(np.stack([V, -V]))
    np.testing.assert_allclose(found, np.where(np.stack([V, -V]) < 0, np.stack([V, -V]) ** 2, np.stack([V, -V]) ** 3))


def test_queries() -> None:
    def f(x: Any) -> Any:
        assert wnp.shape(x) == np.shape(x) == (2, 3)
        assert np.ndim(x) == 2 and np.size(x) == 6 and np.size(x, 1) == 3
        assert np.result_type(x, 1.0) == np.float64 and np.result_type(x, 1j) == np.complex128
        assert np.isrealobj(x) and not np.iscomplexobj(x)
        assert np.allclose(x, M) and np.array_equal(x, M) and np.array_equiv(x, M[None])
        assert not np.array_equal(x, M + 1) and not np.array_equal(x, V)
        assert not wnp.isscalar(x) and wnp.isscalar(x[0, 0])
        assert np.shares_memory(x, x[0]) and not np.shares_memory(x[0], x[1]) and np.may_share_memory(x[0], x[1])
        assert not np.shares_memory(x, x.copy())
        assert np.real_if_close(x + 0j).dtype == np.float64
        assert wnp.common_type(x) is np.float64 and 3.0 not in x and len(x) == 2
        assert [row.shape for row in x] == [(3,), (3,)]
        return x.sum()

    wg.grad(f)(M)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.reshape(4, 2),
        lambda x: wnp.concatenate([x, x[0][None, :2]]),
        lambda x: wnp.stack([x[0], x[0, :2]]),
        lambda x: wnp.broadcast_to(x, (2, 4)),
    ],
)
def test_shapes_that_do_not_fit(f: Any) -> None:
    with pytest.raises(ShapeError):
        wg.grad(lambda x: f(x).sum())(M)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, n: n.squeeze(x, 0),
        lambda x, n: n.moveaxis(x, 0, 5),
        lambda x, n: n.transpose(x, (0, 0)),
        lambda x, n: n.split(x, 2, axis=1),
        lambda x, n: n.diagonal(x[0]),
        lambda x, n: n.fliplr(x[0]),
        lambda x, n: n.take(x, [9], axis=1),
        lambda x, n: n.stack([]),
        lambda x, n: n.rot90(x, axes=(0, 0)),
        lambda x, n: n.expand_dims(x, 7),
    ],
)
def test_errors_are_numpys(f: Any) -> None:
    with pytest.raises(Exception) as theirs:
        f(M, np)
    with pytest.raises(theirs.type):
        wg.grad(lambda x: wnp.sum(f(x, wnp)))(M)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble, np.complex64])
def test_dtypes_are_kept(dtype: Any) -> None:
    x = M.astype(dtype)
    for f in (ON_MATRIX["tile"], ON_MATRIX["where number"], ON_MATRIX["concatenate"], ON_MATRIX["roll"]):
        expected = f(abs(x) if dtype == np.complex64 else x, np)
        value, _ = wg.vjp(lambda t, f=f: f(abs(t) if dtype == np.complex64 else t, wnp), x)
        assert value.dtype == expected.dtype
        np.testing.assert_array_equal(value, expected)


def test_joined_tracers_and_constants_have_one_equation() -> None:
    program = wg.trace(lambda x: wnp.array([[x[0], 1.0], [x[1], x[2]]]))(V)
    assert [eq.primitive.name for eq in program.equations].count("stack") == 1
