"""Universal functions: each against NumPy over dtypes and arguments, by both names and through NumPy's protocol."""

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from function_checks import check, results, same
from wengert.errors import ConcretizationError, ShapeError, UnsupportedFunctionError
from wengert.numpy.ufuncs import ON_TRACERS

UFUNCS = sorted({f for f in vars(np).values() if isinstance(f, np.ufunc)}, key=lambda f: f.__name__)
WITHOUT_MEANING = {np.isnat}  # of times only
HERE = [f for f in UFUNCS if f in ON_TRACERS and f.signature is None]
X = {1: [0.3, 0.7, 0.45], 2: [0.6, -0.2, 0.5]}  # inside every domain that lies around 0.5


def operands(ufunc: np.ufunc, dtype: str) -> list[np.ndarray]:
    """Arguments for a ufunc in a dtype."""
    x = np.array(X[1]) + (1 if ufunc is np.arccosh else 0)
    if np.dtype(dtype).kind in "iub":
        x = np.array([1, 3, 2])
    args = [x.astype(dtype), (x[::-1] if np.dtype(dtype).kind in "iub" else np.array(X[2])).astype(dtype)][: ufunc.nin]
    if ufunc is np.ldexp:
        args[1] = np.array([1, 2, 3])
    return args


def test_every_ufunc_is_differentiated_or_excused() -> None:
    assert {f for f in UFUNCS if f not in ON_TRACERS} == WITHOUT_MEANING


@pytest.mark.parametrize("ufunc", HERE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "longdouble", "complex128", "complex64"])
@pytest.mark.filterwarnings("ignore:.*encountered in")
def test_values_and_dtypes_of_floating_point(ufunc, dtype) -> None:
    args = operands(ufunc, dtype)
    try:
        expected = ufunc(*args)
    except TypeError:
        with pytest.raises(TypeError):
            results(ufunc, *[a for a in args if a.dtype.kind in "fc"])
        return
    active = [i for i, a in enumerate(args) if a.dtype.kind in "fc"]

    def call(*xs):
        return ufunc(*[xs[i] if i in active else a for i, a in enumerate(args)])

    if np.dtype(dtype).kind == "c" and ufunc in (np.maximum, np.minimum, np.fmax, np.fmin):
        with pytest.raises(UnsupportedFunctionError):
            results(call, *[args[i] for i in active])
        return
    tangents = tuple(np.zeros_like(args[i]) for i in active)
    found = wg.jvp(call, tuple(args[i] for i in active), tangents)[0]
    for a, b in zip(*[y if isinstance(y, tuple) else (y,) for y in (found, expected)], strict=True):
        same(a, b, rtol=4 * np.finfo(args[0].dtype).eps)


@pytest.mark.parametrize("ufunc", HERE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", ["int64", "int8", "uint32", "bool"])
@pytest.mark.filterwarnings("ignore:.*encountered in")
def test_integers_and_booleans_in_programs(ufunc, dtype) -> None:
    args = operands(ufunc, dtype)
    try:
        expected = ufunc(*args)
    except TypeError:
        return
    for abstract in (False, True):
        found = wg.trace(ufunc, abstract=abstract)(*args)(*args)
        for a, b in zip(*[y if isinstance(y, tuple) else (y,) for y in (found, expected)], strict=True):
            same(a, b)


SMOOTH = [f for f in HERE if any(kind in "fd" for t in f.types for kind in t.split("->")[0])]
NAMED = [name for name, f in vars(np).items() if isinstance(f, np.ufunc) and f in HERE]


@pytest.mark.parametrize(
    "ufunc", [f for f in SMOOTH if f.nout == 1 and f.types[0][-1] != "?"], ids=lambda f: f.__name__
)
@pytest.mark.filterwarnings("ignore:.*encountered in")
def test_derivatives_against_differences(ufunc) -> None:
    args = operands(ufunc, "float64")
    for i, x in enumerate(args):
        if x.dtype.kind != "f" or (ufunc is np.nextafter and i == 1) or ufunc is np.spacing:
            continue

        def f(t, i=i):
            return ufunc(*[t if k == i else a for k, a in enumerate(args)])

        if ufunc(*args).dtype.kind == "f":
            check(f, x)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_names_of_wengert_numpy(name) -> None:
    """NumPy's own result on plain operands; ours on tracers; and the methods."""
    ours, theirs = getattr(wnp, name), getattr(np, name)
    assert ours.nin == theirs.nin
    args = operands(
        theirs,
        "int64" if theirs.types[-1].startswith(("O", "q", "l")) and "d" not in "".join(theirs.types) else "float64",
    )
    with np.errstate(all="ignore"):
        try:
            expected = theirs(*args)
        except TypeError:
            args = operands(theirs, "int64")
            expected = theirs(*args)
        found = ours(*args)
    for a, b in zip(*[y if isinstance(y, tuple) else (y,) for y in (found, expected)], strict=True):
        same(a, b)


@pytest.mark.parametrize("ufunc", HERE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", ["float16", "float32", "longdouble", "complex64"])
@pytest.mark.filterwarnings("ignore:.*encountered in")
def test_derivatives_keep_the_dtype_in_every_mode(ufunc, dtype) -> None:
    """Tangents have the dtype of the result, adjoints that of the argument, also of second order and when recorded."""
    x, *rest = operands(ufunc, dtype)

    def f(t):
        y = ufunc(t, *rest)
        return y[0] if isinstance(y, tuple) else y

    def total(t):
        return np.sum(np.real(f(t)))

    try:
        y = f(x)
        if y.dtype.kind not in "fc":
            return
        y_dot = wg.jvp(f, (x,), (x,))[1]
    except TypeError:
        return  # not defined for this dtype
    assert y_dot.dtype == y.dtype
    assert wg.grad(total)(x).dtype == x.dtype
    assert wg.grad(lambda t: np.sum(np.real(wg.grad(total)(t))))(x).dtype == x.dtype
    for abstract in (False, True):
        (out,) = wg.trace(wg.grad(total), abstract=abstract)(x).outputs
        assert (out.type.dtype, out.type.shape) == (x.dtype, x.shape)


def test_functions_of_several_results(rng) -> None:
    x, y = np.array([1.3, -2.7, 0.4]), np.array([0.5, 0.7, -0.3])
    check(lambda t: np.divmod(t, y)[1], x)
    check(lambda t: np.divmod(x, t)[1], y)
    check(lambda t: np.modf(t)[0], x)
    check(lambda t: np.frexp(t)[0], x)
    check(lambda t: np.ldexp(t, np.array([1, -2, 3])), x)
    check(lambda t: divmod(t, 0.7)[1] if not hasattr(t, "value") else np.divmod(t, 0.7)[1], x)
    assert results(lambda t: np.frexp(t)[1], x).tolist() == np.frexp(x)[1].tolist()
    infinite = np.array([np.inf, -np.inf])
    assert wg.jvp(lambda t: np.modf(t)[0], (infinite,), (np.zeros(2),))[0].tolist() == [0.0, -0.0]


# promotion and broadcasting ------------------------------------------------------------------------------------------
F32, F64, INTS = np.float32([1.5, 2.5]), np.float64([0.5, 2.0]), np.array([1, 2])
PAIRS = [
    (F32, 2), (F32, 2.0), (F32, 2j), (F32, np.float64(2.0)), (F32, np.float32(2.0)), (F32, F64), (F32, INTS),
    (F32, np.array([True, False])), (F64, 2), (F64, INTS), (F64, np.float32(3.0)), (F32, np.int64(3)), (F64, 1j),
    (F32, np.array(2.0)), (F64.reshape(2, 1), F32), (F32, True), (np.float16([1, 2]), 3.0), (F64, [1.0, 2.0]),
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("f", [np.add, np.multiply, np.true_divide, np.power, np.arctan2, np.maximum, np.subtract])
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_promotion_is_numpys_and_adjoints_keep_their_dtype(pair, f, swap) -> None:
    x, other = pair

    def call(t):
        return f(other, t) if swap else f(t, other)

    try:
        expected = call(x)
    except TypeError:
        with pytest.raises(TypeError):
            wg.jvp(call, (x,), (x,))
        return
    if expected.dtype.kind == "c" and f is np.maximum:
        return
    same(wg.jvp(call, (x,), (x,))[0], expected, rtol=1e-6)
    g = wg.grad(lambda t: np.sum(np.real(call(t))))(x)
    assert g.dtype == x.dtype
    assert g.shape == x.shape


def test_traced_python_numbers_are_weak() -> None:
    """f(2.0) computes what it computes without a tracer: float32 arrays stay float32."""
    y, y_dot = wg.jvp(lambda a: a * F32 + a / 2, (2.0,), (1.0,))
    assert y.dtype == y_dot.dtype == np.float32
    assert wg.grad(lambda a: np.sum(a * F32))(2.0) == 4.0
    assert wg.grad(lambda a: np.sum((a // 1 + a % 1) * F32))(2.5) == 4.0


def test_shapes_that_do_not_broadcast() -> None:
    with pytest.raises(ShapeError, match="do not broadcast"):
        wg.grad(lambda t: np.sum(t + np.ones(4)))(np.ones(3))
    with pytest.raises(ValueError):
        wg.grad(lambda t: np.sum(np.sin(t) * np.ones((2, 4))))(np.ones(3))


def test_operands_that_are_not_numbers() -> None:
    x = np.ones(2)
    assert wg.jvp(lambda t: t * (t is not None) * (1 if t != "a" else 0), (x,), (x,))[0].tolist() == [1, 1]
    with pytest.raises(TypeError):
        wg.grad(lambda t: np.sum(t + "a"))(x)
    with pytest.raises(TypeError):
        wg.grad(lambda t: np.sum(wnp.add(t, None)))(x)


def test_lists_of_tracers() -> None:
    assert wg.grad(lambda t: wnp.sum(wnp.sin([t, 2 * t])))(0.3) == pytest.approx(np.cos(0.3) + 2 * np.cos(0.6))
    assert wg.grad(lambda t: wnp.sum(wnp.multiply([t, 2.0], [1.0, t])))(0.3) == 3.0


# keyword arguments -------------------------------------------------------------------------------------------------
def test_out_and_where(rng) -> None:
    x, mask = rng.normal(size=(2, 3)), np.array([True, False, True])

    def into(t):
        y = np.zeros_like(t)
        np.sin(t, out=y)
        np.multiply(y, t, out=y, where=mask)
        return y

    check(into, x)
    check(lambda t: np.divide(1.0, t, out=np.zeros_like(t), where=t > 0), x)

    def view(t):
        y = np.zeros_like(t)
        np.exp(t[0], out=y[1])
        return y

    check(view, x)
    y = wg.jvp(lambda t: np.divide(1.0, t, where=t > 0), (np.array([0.0, 2.0]),), (np.ones(2),))
    assert [v.tolist() for v in y] == [[0.0, 0.5], [0.0, -0.25]]


def test_out_of_functions_with_several_results(rng) -> None:
    def both(t):
        q, r = np.zeros_like(t), np.zeros_like(t)
        np.divmod(t, 0.3, out=(q, r))
        return q + r

    check(both, np.array([0.4, 1.3, -0.5]))


def test_a_plain_array_cannot_hold_a_derivative() -> None:
    x, plain = np.ones(2), np.zeros(2)
    with pytest.raises(ConcretizationError, match="out"):
        wg.grad(lambda t: np.sum(np.add(t, 1, out=plain)))(x)

    def accumulate(t):
        total = np.zeros(2)
        total += t
        return np.sum(total)

    with pytest.raises(ConcretizationError, match="zeros_like"):
        wg.grad(accumulate)(x)
    mask = np.zeros(2, bool)
    results(lambda t: np.greater(t, 0, out=mask), x)
    assert mask.all()


def test_dtype_and_casting(rng) -> None:
    x = rng.normal(size=3)
    y, y_dot = wg.jvp(lambda t: np.add(t, 1, dtype=np.float32), (x,), (x,))
    assert y.dtype == y_dot.dtype == np.float32
    same(y, np.add(x, 1, dtype=np.float32))
    assert wg.grad(lambda t: np.sum(np.multiply(t, t, dtype=np.float32)))(x).dtype == np.float64
    with pytest.raises(TypeError):
        wg.grad(lambda t: np.sum(np.add(t, 1, dtype=np.float32, casting="safe")))(x)
    with pytest.raises(TypeError):
        wg.grad(lambda t: np.sum(np.add(t, 1j, out=np.zeros_like(t))))(x)
    assert wg.jvp(lambda t: np.sin(t, dtype=np.complex128), (x,), (x,))[0].dtype == np.complex128


# methods -------------------------------------------------------------------------------------------------------------
REDUCING = [np.add, np.multiply, np.maximum, np.minimum, np.subtract, np.hypot, np.logaddexp, np.fmax, np.true_divide]


@pytest.mark.parametrize("ufunc", REDUCING, ids=lambda f: f.__name__)
def test_reduce_accumulate_outer_reduceat(ufunc, rng) -> None:
    x, y = rng.uniform(0.3, 2, size=(3, 4)), rng.uniform(0.3, 2, size=2)
    ordered = ufunc in (np.subtract, np.true_divide)
    for axis in (0, -1) if ordered else (0, None, (0, 1)):
        check(lambda t, a=axis: ufunc.reduce(t, axis=a), x, vmap=False)
        check(lambda t, a=axis: ufunc.reduce(t, a, keepdims=True), x, order=1)
    for axis in (0, 1):
        check(lambda t, a=axis: ufunc.accumulate(t, axis=a), x, order=1)
        check(lambda t, a=axis: ufunc.reduceat(t, [0, 2, 1], axis=a), x, order=1)
    check(lambda t: ufunc.outer(t, y), x, order=1, vmap=False)
    check(lambda t: ufunc.outer(y, t), x, order=1)
    same(wg.jvp(ufunc.reduce, (x,), (x,))[0], ufunc.reduce(x))


def test_reduce_with_where_and_initial(rng) -> None:
    x, mask = rng.uniform(0.3, 2, size=(3, 4)), rng.uniform(size=(3, 4)) > 0.4
    for ufunc in (np.add, np.multiply, np.hypot, np.logaddexp):
        check(lambda t, u=ufunc: u.reduce(t, axis=1, where=mask), x, order=1)
    check(lambda t: np.fmin.reduce(t, axis=1, where=mask, initial=1.1), x, order=1)
    check(lambda t: np.maximum.reduce(t, axis=1, where=mask, initial=1.1), x, order=1)
    with pytest.raises(ValueError, match="identity"):
        wg.grad(lambda t: np.sum(np.fmin.reduce(t, axis=1, where=mask)))(x)


def test_methods_of_the_names_in_wengert_numpy(rng) -> None:
    x = rng.normal(size=(2, 3))
    check(lambda t: wnp.add.reduce(t), x)
    check(lambda t: wnp.maximum.accumulate(t, 1), x)

    def add_at(t):
        y = np.zeros_like(t)
        wnp.add.at(y, [0, 0, 1], t[0])
        return y

    check(add_at, x[:, :1])


def test_a_ufunc_that_nobody_differentiates() -> None:
    with pytest.raises(UnsupportedFunctionError):
        wg.grad(lambda t: np.sum(np.frompyfunc(lambda v: v, 1, 1)(t)))(np.ones(2))


# functions that apply element by element -----------------------------------------------------------------------------
def test_rounding_and_bounds(rng) -> None:
    x = rng.normal(size=(2, 3)) * 3
    for f in (lambda t: np.round(t, 1), np.around, np.fix, lambda t: t.round(2), np.rint, np.floor):
        y, y_dot = wg.jvp(f, (x,), (x,))
        same(y, f(x))
        assert not y_dot.any()
    check(lambda t: np.clip(t, -1, 2), x)
    check(lambda t: np.clip(t, None, 0.5), x)
    check(lambda t: np.clip(x, t, 2.0), np.array(-1.0))
    check(lambda t: np.clip(x, -1, t), rng.uniform(0, 3, size=3))
    check(lambda t: t.clip(min=-1, max=1), x)


def test_complex_parts(rng) -> None:
    x = rng.normal(size=3)
    for f in (np.real, np.imag, np.angle, np.conj, np.isreal, np.iscomplex):
        z = x + 1j * x[::-1]
        same(wg.jvp(f, (z,), (z,))[0], f(z))
        same(wg.jvp(f, (x,), (x,))[0], f(x))


def test_nan_to_num_and_infinities() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 1.5])
    y, y_dot = wg.jvp(lambda t: np.nan_to_num(t, nan=3.0), (x,), (np.ones(4),))
    same(y, np.nan_to_num(x, nan=3.0))
    assert y_dot.tolist() == [0, 0, 0, 1]
    z = np.array([complex(np.nan, np.inf), complex(-np.inf, 2.0)])
    same(wg.jvp(np.nan_to_num, (z,), (np.ones_like(z),))[0], np.nan_to_num(z))
    assert results(np.isposinf, x).tolist() == [False, True, False, False]
    assert results(np.isneginf, x).tolist() == [False, False, True, False]


def test_copies_do_not_share_assignments() -> None:
    def f(t):
        y, z = np.positive(t), np.conjugate(t)
        y[0], z[1] = 0.0, 0.0
        return np.sum(t * y * z)

    assert wg.grad(f)(np.array([2.0, 3.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("ufunc", [np.logaddexp, np.logaddexp2, np.hypot, np.fmax, np.fmin])
def test_associative_ufuncs_in_halves(ufunc, rng):
    """reduce and accumulate of any length, along each axis, in few steps; a long one compiles."""
    for n in (1, 2, 3, 7, 8):
        x = rng.normal(size=(2, n))
        for axis in (0, 1):
            for method in (ufunc.reduce, ufunc.accumulate):
                found = wg.vjp(lambda x: method(x, axis=axis), x)[0]  # noqa: B023
                np.testing.assert_allclose(found, method(x, axis=axis))
            found = wg.vjp(lambda x: ufunc.reduce(x, axis=axis, initial=0.3), x)[0]  # noqa: B023
            np.testing.assert_allclose(found, ufunc.reduce(x, axis=axis, initial=0.3))
    wg.check_grads(lambda x: ufunc.accumulate(x, axis=1), (x,))
    long = rng.uniform(size=3000)
    np.testing.assert_allclose(wg.jit(ufunc.accumulate)(long), ufunc.accumulate(long))
    assert len(wg.trace(lambda x: ufunc.accumulate(x))(long).equations) < 100


def test_running_log_sum_exp(rng):
    """Its slopes are softmax; nothing is lost before -inf."""
    x = np.concatenate([[-np.inf], rng.normal(size=5) * 300])
    slope = wg.grad(lambda x: np.logaddexp.accumulate(x)[-1])(x)
    np.testing.assert_allclose(slope, np.exp(x - np.logaddexp.reduce(x)), atol=1e-14)
