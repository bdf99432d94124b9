"""scipy.special on traced arrays: its ufuncs by the table of primitives, its other functions as compositions.

On plain arrays each function is SciPy's. `WORKING` names the Python functions of SciPy that are made of ufuncs, and so
work on traced arrays as they are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp
from scipy.special import _ufuncs

from ..core.primitive import Primitive
from ..core.trace import Tracer
from ..core.types import dtype_of, shape_of
from ..errors import UnsupportedFunctionError
from ..numpy.dispatch import any_traced, implements, normalize_axis, unsupported_argument
from ..numpy.ufuncs import broadcast_shapes, loop_dtypes, operand, stretch, to_dtype
from ..primitives import elementwise as ew
from ..primitives.shape import kept, reshape, sum_
from ..primitives.special import REFUSED, find
from ..primitives.special import softmax as p

Op = Callable[..., Any]

WORKING = (
    "assoc_laguerre", "chebyc", "chebys", "chebyt", "chebyu", "gegenbauer", "genlaguerre", "h1vp", "h2vp", "hermite",
    "hermitenorm", "ivp", "jacobi", "jvp", "kvp", "laguerre", "lambertw", "legendre", "sh_chebyt", "sh_chebyu",
    "sh_jacobi", "sh_legendre", "sinc", "yvp", "zeta",
)  # fmt: skip


# ufuncs -----------------------------------------------------------------------------------------------------------
def on_tracers(ufunc: np.ufunc) -> Op | None:
    """What answers for a ufunc of scipy.special called with tracers; None if it is not one of these."""
    name = ufunc.__name__
    if not any(getattr(module, name, None) is ufunc for module in (sp, _ufuncs)):
        return None
    primitive = find(name)
    if primitive is None:
        raise refused(name.lstrip("_"))
    return functools.wraps(ufunc, ())(_op(ufunc, primitive))


def known(name: str) -> Primitive:
    """The primitive of a ufunc that has one."""
    primitive = find(name)
    assert primitive is not None, name
    return primitive


def _op(ufunc: np.ufunc, primitive: Primitive) -> Op:
    """A primitive on operands of any shapes and dtypes; integers, also orders, become floating point."""
    count = 2 if ufunc.__name__ == "_lambertw" else ufunc.nin  # its third argument is the tolerance

    def op(*args: Any) -> Any:
        xs = tuple(operand(x) for x in args)
        dtypes = [d if d.kind in "fc" else np.dtype(np.float64) for d in loop_dtypes(ufunc, xs)]
        shape = broadcast_shapes(ufunc.__name__, *map(shape_of, xs))
        y = primitive(*(stretch(to_dtype(x, d), shape) for x, d in zip(xs[:count], dtypes, strict=False)))
        return tuple(y) if primitive.multiple else y

    if ufunc.nin > 1 or primitive.multiple:
        return op
    direct = {np.dtype(c) for c in "fd" if f"{c}->{c}" in ufunc.types}
    return lambda x: primitive(x) if isinstance(x, Tracer) and x.dtype in direct else op(x)


def refused(name: str) -> UnsupportedFunctionError:
    """The error for a function of scipy.special without a derivative here."""
    return UnsupportedFunctionError(
        f"scipy.special.{name} is not differentiated",
        why=REFUSED.get(name, "it has no derivative rule here"),
        write="give it a derivative with wg.custom_jvp or wg.custom_vjp, or apply it to wg.stop_gradient(x) where its "
        "derivative is not wanted",
    )


def __getattr__(name: str) -> Any:
    """Everything else is SciPy's, and refuses tracers where it could not follow them."""
    f = getattr(sp, name)
    if isinstance(f, np.ufunc | type) or name in WORKING or not callable(f):
        return f

    @functools.wraps(f, [a for a in functools.WRAPPER_ASSIGNMENTS if hasattr(f, a)])
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if any_traced(args) or any_traced(kwargs.values()):
            raise refused(name)
        return f(*args, **kwargs)

    return guarded


def __dir__() -> list[str]:
    return sp.__all__


def _array(x: Any) -> Any:
    """An operand as a floating-point array or tracer."""
    x = operand(x)
    return to_dtype(x, np.dtype(np.float64)) if dtype_of(x).kind not in "fc" else x


# sums of exponentials ---------------------------------------------------------------------------------------------
@implements(sp.logsumexp)
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """log sum_i b_i exp(a_i); with return_sign, the logarithm of the absolute value and the sign."""
    a = _array(a)
    if b is not None:
        b = _array(b)
        shape = broadcast_shapes("logsumexp", shape_of(a), shape_of(b))
        dtype = np.result_type(dtype_of(a), dtype_of(b))
        a, b = (stretch(to_dtype(x, dtype), shape) for x in (a, b))
    axes = normalize_axis(axis, len(shape_of(a)))
    shape = kept(shape_of(a), axes)
    if b is None and dtype_of(a).kind == "f":
        y = p.logsumexp(a, axis=axes)
        sign = np.ones(shape_of(y), y.dtype)[()]
    else:
        y, sign = _weighted_logsumexp(a, b, axes, return_sign)
    if keepdims:
        y, sign = reshape(y, shape=shape), reshape(sign, shape=shape)
    return (y, sign) if return_sign else y


def _weighted_logsumexp(a: Any, b: Any, axes: tuple[int, ...], return_sign: bool) -> tuple[Any, Any]:
    """log |s| and s / |s| of the sum s = sum_i b_i exp(a_i), or log s."""
    masked = a if b is None else ew.where(ew.equal(b, 0), -np.inf, a)
    m = to_dtype(p.shift(masked, axis=axes), a.dtype)
    terms = ew.exp((a if isinstance(b, Tracer) else masked) - stretch(m, shape_of(a)))
    s = sum_(terms if b is None else b * terms, axis=axes)
    m = reshape(m, shape=shape_of(s))
    if not return_sign:
        return ew.log(s) + m, None
    size, sign = (ew.complex_abs(s), ew.complex_sign(s)) if s.dtype.kind == "c" else (ew.absolute(s), ew.sign(s))
    return ew.log(size) + (ew.real(m) if s.dtype.kind == "c" else m), sign


@implements(sp.softmax)
def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x_i) / sum_j exp(x_j)."""
    x = _array(x)
    return p.softmax(x, axis=normalize_axis(axis, len(shape_of(x))))


@implements(sp.log_softmax)
def log_softmax(x: Any, axis: Any = None) -> Any:
    """x_i - log sum_j exp(x_j)."""
    x = _array(x)
    return p.log_softmax(x, axis=normalize_axis(axis, len(shape_of(x))))


# gamma and counting -----------------------------------------------------------------------------------------------
@implements(sp.polygamma)
def polygamma(n: Any, x: Any) -> Any:
    """psi^(n)(x), in double precision as SciPy's."""
    n, x = operand(n), operand(x)
    shape = broadcast_shapes("polygamma", shape_of(n), shape_of(x))
    n, x = (stretch(to_dtype(z, np.dtype(np.float64)), shape) for z in (n, x))
    return known("polygamma")(n, x)


@implements(sp.multigammaln)
def multigammaln(a: Any, d: Any) -> Any:
    """log of the multivariate gamma function: d(d-1)/4 log(pi) + sum_j gammaln(a - j/2), j = 0 ... d-1."""
    if isinstance(d, Tracer) or int(d) != d:
        raise ValueError("d should be a positive integer (dimension)")
    a = _array(a)
    return sum((sp.gammaln(a - 0.5 * j) for j in range(int(d))), start=d * (d - 1) * 0.25 * np.log(np.pi))


def _counted(name: str, N: Any, k: Any, exact: bool, count: Op) -> Any:
    """count(N, k) where 0 <= k <= N, and 0 elsewhere."""
    if exact:
        raise unsupported_argument(f"scipy.special.{name}", "exact", exact, f"scipy.special.{name}(N, k)")
    return np.where((k <= N) & (N >= 0) & (k >= 0), count(N, k), 0.0)


@implements(sp.comb)
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """Gamma(N+1) / (Gamma(k+1) Gamma(N-k+1)), and 0 where k > N."""
    return comb(N + k - 1, k, exact=exact) if repetition else _counted("comb", N, k, exact, sp.binom)


@implements(sp.perm)
def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """Gamma(N+1) / Gamma(N-k+1), and 0 where k > N."""
    return _counted("perm", N, k, exact, lambda N, k: sp.poch(N - k + 1, k))


@implements(sp.factorial)
def factorial(n: Any, exact: bool = False, **kwargs: Any) -> Any:
    """Gamma(n + 1), and 0 where n < 0."""
    if exact or kwargs.get("extend", "zero") != "zero":
        raise unsupported_argument("scipy.special.factorial", "exact", exact, "scipy.special.gamma(n + 1)")
    inside = n >= 0
    return np.where(inside, sp.gamma(np.where(inside, n, 0.0) + 1), 0.0)


# Bessel functions and harmonics -------------------------------------------------------------------------------------
def _spherical(name: str) -> Op:
    scipy_function = getattr(sp, name)

    @implements(scipy_function)
    def spherical(n: Any, z: Any, derivative: bool = False) -> Any:
        n, z = operand(n), _array(z)
        dtype = np.result_type(dtype_of(z), np.float64)
        shape = broadcast_shapes(name, shape_of(n), shape_of(z))
        n, z = stretch(to_dtype(n, np.dtype(np.float64)), shape), stretch(to_dtype(z, dtype), shape)
        primitive = known("_" + name)
        return primitive.kind.partials[1]((n, z)) if derivative else primitive(n, z)  # type: ignore[union-attr]

    spherical.__name__ = spherical.__qualname__ = name
    spherical.__doc__ = scipy_function.__doc__
    return spherical


spherical_jn = _spherical("spherical_jn")
spherical_yn = _spherical("spherical_yn")
spherical_in = _spherical("spherical_in")
spherical_kn = _spherical("spherical_kn")


def _harmonic(name: str, ours: Op) -> Op:
    """A function that only newer versions of SciPy have; its diff_n is not for traced arrays."""

    def harmonic(*args: Any, diff_n: int = 0, **kwargs: Any) -> Any:
        if not any_traced(args):
            return getattr(sp, name)(*args, diff_n=diff_n, **kwargs)
        if diff_n:
            raise unsupported_argument(f"scipy.special.{name}", "diff_n", diff_n, "wg.grad, wg.jvp")
        return ours(*args, **kwargs)

    harmonic.__name__ = harmonic.__qualname__ = name
    harmonic.__doc__ = ours.__doc__
    return harmonic


def _azimuth_zero(n: Any, m: Any, theta: Any) -> Any:
    """The spherical harmonic of degree n and order m at azimuth zero."""
    xs = tuple(operand(x) for x in (n, m, theta))
    shape = broadcast_shapes("sph_legendre_p", *map(shape_of, xs))
    return known("sph_legendre_p")(*(stretch(to_dtype(x, np.dtype(np.float64)), shape) for x in xs))


def _sph_harm_y(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    """P(n, m, theta) exp(i m phi); theta is the polar angle."""
    return _azimuth_zero(n, m, theta) * np.exp(1j * m * phi)


# The first axis of their results is the order of the derivative, 0 ... diff_n.
legendre_p = _harmonic("legendre_p", lambda n, z: np.expand_dims(sp.eval_legendre(n, z), 0))
sph_legendre_p = _harmonic("sph_legendre_p", lambda n, m, theta: np.expand_dims(_azimuth_zero(n, m, theta), 0))
sph_harm_y = _harmonic("sph_harm_y", _sph_harm_y)


@implements(sp.diric)
def diric(x: Any, n: Any) -> Any:
    """sin(nx/2) / (n sin(x/2)) = U_(n-1)(cos(x/2)) / n."""
    return sp.eval_chebyu(n - 1, np.cos(0.5 * _array(x))) / n


def softplus(x: Any, **kwargs: Any) -> Any:
    """log(1 + exp(x))."""
    return np.logaddexp(0, x, **kwargs)
