"""How a special function is declared: its name in scipy.special, its partial derivatives, where it is sampled.

Operands of a primitive have one dtype, also orders that stand for integers; `whole` hands these to SciPy as integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy import special as sp

from ...core.primitive import Constant, Custom, Elementwise, Primitive, Sample, Unknown
from ...core.trace import Tracer
from ...core.types import ArrayType, dtype_of, shape_of
from ...errors import UnsupportedFunctionError
from ..elementwise import convert, where
from ..shape import broadcast_to

Impl = Callable[..., Any]
Domain = tuple[float, ...] | Sequence[int]  # an interval, a rectangle of complex numbers, or whole numbers

CHUNK = 2048  # elements whose quadrature nodes are in memory together
ONE = ((1,),)  # the shapes of samples of functions that take long to test

QUICK: dict[str, Any] = {"shapes": ONE, "order": 1}  # what is made of functions that are tested to higher order

TABLE: dict[str, Primitive] = {}  # by the names of SciPy's ufuncs

# A partial derivative that is not here, by its reason.
ORDER = "no closed form is known for the derivative in the order"
PARAMETER = "no closed form is known for the derivative in this parameter"
INTEGER = "this argument stands for an integer"
NTH = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")


# implementations ---------------------------------------------------------------------------------------------------
def from_scipy(name: str) -> Impl:
    """scipy.special.<name>; Python numbers among its arguments take the precision of the arrays beside them."""
    f = getattr(sp, name)
    return f if getattr(f, "nin", 0) == 1 else lambda *args: f(*alike(args))


def alike(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Python numbers in the precision of the arrays beside them, so that SciPy chooses the loop of that precision."""
    if all(hasattr(x, "dtype") for x in args):
        return args
    dtype = next((x.dtype for x in args if hasattr(x, "dtype") and x.dtype.kind in "fc"), np.dtype(float))
    real = dtype.type(0).real.dtype
    return tuple(x if hasattr(x, "dtype") or isinstance(x, complex) else real.type(x) for x in args)


def whole(name: str, *places: int) -> Impl:
    """scipy.special.<name>, with the arguments at these places as integers where they are whole numbers."""
    f = from_scipy(name)

    def impl(*args: Any) -> Any:
        dtype = np.result_type(*(x for i, x in enumerate(args) if i not in places))
        orders = {i: np.asarray(args[i]).astype(np.dtype("long")) for i in places}
        if all((n == args[i]).all() for i, n in orders.items()):
            args = tuple(orders.get(i, x) for i, x in enumerate(args))
        return np.asarray(f(*args)).astype(dtype)[()]

    return impl


def in_double(name: str) -> Impl:
    """scipy.special.<name>, computed in double precision: SciPy's loop for single precision does not work."""
    f = from_scipy(name)

    def impl(*args: Any) -> Any:
        dtype = np.result_type(*args)
        return tuple(np.asarray(y).astype(dtype)[()] for y in f(*(np.asarray(x, float) for x in args)))

    return impl


def in_double_chunks(f: Impl) -> Impl:
    """f of flat arrays, computed in double precision, piece by piece; the result in the precision of the arguments."""

    def impl(*args: Any) -> Any:
        dtype = np.result_type(*args)
        if dtype.kind == "c":
            raise UnsupportedFunctionError(
                "a derivative in a parameter is not computed at complex numbers",
                why="it is an integral or a series along the real line",
                write="real arguments, or wg.stop_gradient(parameter) where this derivative is not wanted",
            )
        shape = np.broadcast_shapes(*map(np.shape, args))
        flat = [np.broadcast_to(np.asarray(x, float), shape).ravel() for x in args]
        out = np.empty(flat[0].size, dtype)
        with np.errstate(all="ignore"):
            for i in range(0, out.size, CHUNK):
                out[i : i + CHUNK] = f(*(x[i : i + CHUNK] for x in flat))
        return out.reshape(shape)[()]

    return impl


def real_only(name: str) -> Impl:
    """scipy.special.<name> of real numbers: of complex ones it has no complex derivative."""
    f = from_scipy(name)

    def impl(*args: Any) -> Any:
        if np.iscomplexobj(args[-1]):
            raise UnsupportedFunctionError(
                f"scipy.special.{name} of complex numbers is not differentiated",
                why="it is scaled by the exponential of a real part, so it is not holomorphic",
                write=f"scipy.special.{name[:-1]} and the exponential",
            )
        return f(*args)

    return impl


# samples -----------------------------------------------------------------------------------------------------------
def sampler(
    domains: Sequence[Domain],
    differentiable: tuple[int, ...] | None = None,
    shapes: Sequence[tuple[int, ...]] = ((2,),),
    **options: Any,
) -> Callable[[np.random.Generator], Iterator[Sample]]:
    """Samples of several shapes from these domains. options: order and tolerance of the tests."""
    if differentiable is None:
        differentiable = tuple(range(len(domains)))
    integers = [not isinstance(domain, tuple) for domain in domains]

    def wrap(*args: Any) -> tuple[Any, ...]:
        return tuple(np.rint(x) if on else x for x, on in zip(args, integers, strict=True))

    def draw(rng: np.random.Generator, domain: Domain, shape: tuple[int, ...]) -> Any:
        if not isinstance(domain, tuple):
            return np.asarray(rng.choice(np.asarray(domain, float), shape))
        x = rng.uniform(domain[0], domain[1], shape)
        return np.asarray(x + 1j * rng.uniform(domain[2], domain[3], shape) if len(domain) == 4 else x)

    def samples(rng: np.random.Generator) -> Iterator[Sample]:
        for shape in shapes:
            args = tuple(draw(rng, domain, shape) for domain in domains)
            yield Sample(args, differentiable=differentiable, wrap=wrap if any(integers) else None, **options)

    return samples


def with_first(n: Any, samples: Iterator[Sample]) -> Iterator[Sample]:
    """The samples with a number, which is not differentiated, as another first argument."""
    for s in samples:
        s.args, s.differentiable = (n, *s.args), tuple(i + 1 for i in s.differentiable or ())
        yield s


# declarations ------------------------------------------------------------------------------------------------------
def unknown(name: str, i: int, why: str) -> Unknown:
    """The missing partial derivative in the i-th argument."""
    return Unknown(f"scipy.special.{name} is not differentiated with respect to its {NTH[i]} argument", why)


def special(
    name: str,
    *partials: Any,
    at: Sequence[Domain],
    names: str = "a b c d",
    impl: Impl | None = None,
    ufunc: str | None = None,
    **options: Any,
) -> Primitive:
    """A function of scipy.special. A partial may be a reason why there is none.

    at: the domains from which its samples are drawn. ufunc: the name under which calls arrive, if it is another one.
    """
    laws = [unknown(name, i, p) if isinstance(p, str) else p for i, p in enumerate(partials)]
    known = tuple(i for i, p in enumerate(partials) if p is not None and not isinstance(p, str))
    kind = Elementwise(*laws, names=names, singular=True)
    samples = sampler(at, known, **options)
    p = Primitive(name, impl or from_scipy(name), kind, pointwise=True, samples=samples)
    TABLE[ufunc or name] = p
    return p


def step(name: str, at: Sequence[Domain]) -> Primitive:
    """A function of scipy.special that is constant between jumps."""
    p = TABLE[name] = Primitive(name, from_scipy(name), Constant(), pointwise=True, samples=sampler(at))
    return p


def several(
    name: str,
    count: int,
    slopes: Callable[..., Any],
    at: Sequence[Domain],
    active: int = 1,
    impl: Impl | None = None,
    **options: Any,
) -> Primitive:
    """A function with several results: `slopes(*args, *results)` is the slope of each in the last argument.

    active: how many of the last arguments are differentiated; if more than one, each slope is a tuple.
    """
    f = impl or from_scipy(name)
    fixed = len(at) - active

    def type_rule(*types: ArrayType) -> list[ArrayType]:
        ones = [t.dtype.type(1).item() if t.weak else np.ones((), t.dtype) for t in types]
        shape = next((t.shape for t in types if t.shape), ())
        return [ArrayType(shape, np.asarray(y).dtype) for y in f(*ones)]

    def jvp(primals: Any, tangents: Any) -> tuple[list[Any], list[Any]]:
        for i, x_dot in enumerate(tangents[:fixed]):
            if x_dot is not None:
                unknown(name, i, PARAMETER).refuse()
        ys = p(*primals)
        with np.errstate(all="ignore"):
            rows = slopes(*primals, *ys)
            return ys, [combined(row if active > 1 else (row,), tangents[fixed:]) for row in rows]

    def batch(size: int, batched: list[bool], *args: Any) -> tuple[list[Any], list[bool]]:
        spread = [
            x if on or shape_of(x) == () else broadcast_to(x, shape=(size, *shape_of(x)))
            for x, on in zip(args, batched, strict=True)
        ]
        return p(*spread), [True] * count

    p = TABLE[name] = Primitive(
        name,
        lambda *args: list(f(*args)),
        Custom(jvp),
        type_rule=type_rule,
        batch=batch,
        multiple=True,
        samples=sampler(at, tuple(range(fixed, len(at))), **options),
    )
    return p


def combined(slopes: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """sum_i slope_i x_i_dot; a complex result may belong to a real argument."""
    total = None
    for slope, x_dot in zip(slopes, tangents, strict=True):
        if x_dot is None:
            continue
        if dtype_of(slope).kind == "c" and dtype_of(x_dot).kind == "f":
            x_dot = convert(x_dot, dtype=slope.dtype)
        term = slope * x_dot
        total = term if total is None else total + term
    return total


# pieces ------------------------------------------------------------------------------------------------------------
within = Primitive(
    "within", lambda x, r: np.abs(x) <= r, Constant(), pointwise=True, samples=sampler([(-2.0, 2.0), (0.5, 1.0)])
)


def piecewise(mask: Any, x: Any, inside: Any, outside: Any, x_inside: Any, x_outside: Any) -> Any:
    """inside(x) where the mask holds, outside(x) elsewhere; neither meets arguments that belong to the other."""
    if not isinstance(mask, Tracer):
        if np.all(mask):
            return inside(x)
        if not np.any(mask):
            return outside(x)
    return where(mask, inside(where(mask, x, x_inside)), outside(where(mask, x_outside, x)))
