"""A program evaluated in numbers of many digits (mpmath): one table, primitive -> mpmath function; loops as they run.

Values are arrays of mpmath numbers; integers and booleans stay NumPy's. Literals and constants are taken as the exact
values of their doubles: what is computed is the same function, without rounding. A conversion between floating-point
formats does nothing, since it only rounds. Nothing here knows a derivative.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.program import Literal, Program
from ..core.record import record
from ..core.types import type_of

DIGITS = 120  # decimal digits that are carried

Rule = Callable[..., Any]


class NoCounterpart(Exception):
    """A primitive that mpmath has no function for; its name."""


# Primitives whose NumPy implementation moves, compares or adds elements, whatever they are.
# fmt: off
AS_IN_NUMPY = frozenset((
    "broadcast_to", "reshape", "transpose", "slice", "place", "set_slice", "clear_slice", "gather", "scatter_set",
    "scatter_clear", "concatenate", "stack", "diag_part", "diag_matrix", "where", "rearrange", "argsort", "argmax",
    "argmin", "sum", "prod", "max", "min", "count", "cumsum", "delay", "nonzero", "searchsorted", "last_assigned",
    "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "add", "sub", "mul", "neg", "abs",
    "stop_gradient", "square",
))
# fmt: on
LOGICAL = frozenset(("all", "any", "logical_and", "logical_or", "logical_xor", "logical_not"))


class Evaluator:
    """Evaluates programs in an mpmath context."""

    def __init__(self) -> None:
        import mpmath

        self.mp = mpmath.mp
        self.elementwise = elementwise_table(mpmath.mp)
        self.programs: dict[str, Rule] = {
            "jit": lambda *args, program: self.evaluate(program, args),
            "checkpoint": lambda *args, program: self.evaluate(program, args),
            "planned": lambda *args, program, limits: self.evaluate(program, args),
            "cond": lambda index, *args, branches: self.evaluate(branches[int(index)], args),
            "scan": self.scan,
            "linear_scan": self.scan,
            "while": self.while_loop,
            "custom_jvp": self.custom,
            "custom_vjp": self.custom,
        }
        self.whole: dict[str, Rule] = {
            "matmul": lambda a, b: np.matmul(a, b),
            "einsum": lambda a, b, subscripts: np.einsum(subscripts, a, b),
            "norm": self.norm,
            "solve": lambda a, b: self.by_matrix(self.mp.lu_solve, a, b),
            "inv": lambda a: self.by_matrix(self.mp.inverse, a),
            "det": lambda a: self.by_matrix(self.mp.det, a),
            "cholesky": lambda a: self.by_matrix(lambda m: self.mp.cholesky((m + m.H) / 2), a),
            "slogdet": lambda a: self.slogdet(self.by_matrix(self.mp.det, a)),
            "logsumexp": lambda a, axis: _elementwise(self.mp.log, _sum(self.exp(a), axis)),
            "softmax": lambda a, axis: self.exp(a) / _sum(self.exp(a), axis, keepdims=True),
            "log_softmax": lambda a, axis: a - _elementwise(self.mp.log, _sum(self.exp(a), axis, keepdims=True)),
            "scatter_add": self.scatter_add,
        }

    def exact(self, x: Any) -> Any:
        """An array of doubles as one of mpmath numbers; integers and booleans as they are."""
        array = np.asarray(x)
        if array.dtype.kind == "f":
            return _boxed(_elementwise(self.mp.mpf, array.astype(float, copy=False).astype(object)))
        if array.dtype.kind == "c":
            return _boxed(_elementwise(self.mp.mpc, array.astype(complex).astype(object)))
        return array[()]

    def evaluate(self, program: Program, args: Sequence[Any]) -> list[Any]:
        """Flat arguments, as `exact` makes them, to flat results."""
        env: dict[Any, Any] = {v: self.exact(x) for v, x in program.constants}
        env.update(zip(program.inputs, args, strict=True))
        for eq in program.equations:
            if eq.primitive.effect:
                continue
            values = [self.exact(a.value) if isinstance(a, Literal) else env[a] for a in eq.inputs]
            outs = self.apply(eq.primitive, values, eq.params)
            outs = list(outs) if eq.primitive.multiple else [outs]
            env.update((v, _settled(y, v.type.dtype.kind)) for v, y in zip(eq.outputs, outs, strict=True))
        return [self.exact(a.value) if isinstance(a, Literal) else env[a] for a in program.outputs]

    def apply(self, p: Primitive, values: Sequence[Any], params: dict[str, Any]) -> Any:
        """One primitive."""
        if all(np.asarray(v).dtype != object for v in values) and p.name not in self.programs:
            return p.impl(*values, **params)  # integers only
        if p.name in self.programs:
            return self.programs[p.name](*values, **params)
        if p.name in ("convert", "cast"):
            return self.converted(values[0], np.dtype(params["dtype"]))
        rule = self.elementwise.get(p.name)
        if rule is not None:
            return _elementwise(rule, *values)
        if p.name in self.whole:
            return self.whole[p.name](*values, **params)
        if p.name in LOGICAL:
            return p.impl(*(np.asarray(v).astype(bool) for v in values), **params)
        if p.name in AS_IN_NUMPY:
            return p.impl(*values, **params)
        raise NoCounterpart(p.name)

    def converted(self, x: Any, dtype: np.dtype[Any]) -> Any:
        """To a floating-point format: the number itself. To integers: without its fraction."""
        if dtype.kind == "c":
            return _elementwise(self.mp.mpc, x)
        if dtype.kind == "f":
            return _elementwise(lambda v: self.mp.mpf(int(v)) if isinstance(v, int | np.integer | np.bool_) else v, x)
        return np.vectorize(lambda v: int(v), otypes=[dtype])(x)[()]

    # loops and rules of the user ---------------------------------------------------------------------------------
    def scan(
        self, count: Any, *args: Any, body: Program, length: int, reverse: bool, n_consts: int, n_carry: int
    ) -> list[Any]:
        """Each round reads a row of what is left of the arguments, and writes one."""
        n = int(count)
        consts, carry = args[:n_consts], list(args[n_consts : n_consts + n_carry])
        xs = args[n_consts + n_carry :]
        rows: list[Any] = [None] * n
        for k in range(n - 1, -1, -1) if reverse else range(n):
            outs = self.evaluate(body, [*consts, *carry, *(_row(x, k) for x in xs)])
            carry, rows[k] = outs[:n_carry], outs[n_carry:]
        return [*carry, *self.stacked(rows, body, n_carry)]

    def while_loop(self, *args: Any, cond: Program, body: Program, n_cond: int, n_consts: int) -> list[Any]:
        """Until the condition fails, in these numbers."""
        constants, consts = args[:n_cond], args[n_cond : n_cond + n_consts]
        carry, n_carry = list(args[n_cond + n_consts :]), len(args) - n_cond - n_consts
        rows = []
        while bool(self.evaluate(cond, [*constants, *carry])[0]):
            outs = self.evaluate(body, [*consts, *carry])
            carry = outs[:n_carry]
            rows.append(outs[n_carry:])
        return [np.int64(len(rows)), *carry, *self.stacked(rows, body, n_carry)]

    def stacked(self, rows: Sequence[Sequence[Any]], body: Program, n_carry: int) -> list[Any]:
        """What the rounds wrote, one array for each result."""
        made = []
        for j, t in enumerate(body.out_types[n_carry:]):
            y = np.empty((len(rows), *t.shape), object if t.dtype.kind in "fc" else t.dtype)
            for k, row in enumerate(rows):
                y[k] = row[j][()] if isinstance(row[j], np.ndarray) else row[j]
            made.append(y)
        return made

    def custom(self, *args: Any, rule: Any) -> list[Any]:
        """A function with a rule of the user's: the function, not the rule."""
        types = [type_of(np.zeros(np.shape(a), _dtype(a, self.mp))) for a in args]
        return self.evaluate(record(rule.fun, types), args)

    # linear algebra ----------------------------------------------------------------------------------------------
    def norm(self, x: Any, axis: tuple[int, ...], p: float) -> Any:
        """(sum |x|^p)^(1/p)."""
        size = _elementwise(self.mp.fabs, x)
        total = np.add.reduce(_elementwise(lambda v: v**p, size), axis)
        return _elementwise(self.mp.sqrt if p == 2 else lambda v: self.mp.root(v, p), total)

    def slogdet(self, det: Any) -> list[Any]:
        """Sign and logarithm of the size."""
        return [_elementwise(self.mp.sign, det), _elementwise(lambda d: self.mp.log(abs(d)), det)]

    def exp(self, x: Any) -> Any:
        """Of each element."""
        return _elementwise(self.mp.exp, x)

    def scatter_add(self, y: Any, *indices: Any, axis: int, shape: tuple[int, ...]) -> Any:
        """Rows added up where their indices say."""
        total = np.full(shape, self.mp.mpf(0), object)
        np.add.at(total, (*(slice(None),) * axis, *indices), y)
        return total

    def by_matrix(self, f: Rule, *operands: Any) -> Any:
        """A function of mpmath matrices; of stacks of them, one after the other."""
        if any(np.ndim(a) > 2 for a in operands):
            stack = np.broadcast_shapes(*(np.shape(a)[:-2] for a in operands))
            full = [np.broadcast_to(a, stack + np.shape(a)[-2:]) for a in operands]
            each = [self.by_matrix(f, *(a[i] for a in full)) for i in np.ndindex(*stack)]
            return np.array(each, object).reshape(stack + np.shape(each[0]))
        vector = np.ndim(operands[-1]) == 1
        matrices = [self.mp.matrix(a.tolist()) for a in operands]
        if len(operands) == 2 and not vector:
            columns = [f(matrices[0], matrices[1][:, j]) for j in range(matrices[1].cols)]
            return np.array([list(c) for c in columns], object).T
        y = f(*matrices)
        if not isinstance(y, self.mp.matrix):
            return y
        made = np.array(y.tolist(), object).reshape(y.rows, y.cols)
        return made[:, 0] if vector else made


def _sum(x: Any, axis: Any, keepdims: bool = False) -> Any:
    return np.asarray(x).sum(axis, keepdims=keepdims)


def _row(x: Any, k: int) -> Any:
    return _boxed(x[k]) if np.asarray(x).dtype == object else x[k]


def _elementwise(f: Rule, *xs: Any) -> Any:
    return np.frompyfunc(f, len(xs), 1)(*xs)


def _boxed(y: Any) -> Any:
    """In an array, also where there is but one."""
    if isinstance(y, np.ndarray):
        return y
    made = np.empty((), object)
    made[()] = y
    return made


def _settled(y: Any, kind: str) -> Any:
    """A value as the next equation takes it: floating-point numbers in arrays of objects, others as NumPy's."""
    if kind in "fc":
        y = _boxed(y)
        return _boxed(_elementwise(_real_or_nan, y)) if kind == "f" and y.dtype == object else y
    array = np.asarray(y)
    return array.astype({"b": bool}.get(kind, np.int64))[()] if array.dtype == object else array[()]


def _real_or_nan(v: Any) -> Any:
    """Where NumPy gives NaN (the logarithm of a negative number) mpmath goes on with complex numbers."""
    if not getattr(v, "imag", 0):
        return getattr(v, "real", v)
    return v.context.nan


def _dtype(a: Any, mp: Any) -> Any:
    array = np.asarray(a)
    if array.dtype != object:
        return array.dtype
    return complex if any(isinstance(v, mp.mpc) for v in array.ravel()) else float


# the table -------------------------------------------------------------------------------------------------------
@functools.cache
def elementwise_table(mp: Any) -> dict[str, Rule]:
    """Primitive -> function of mpmath numbers."""
    half = mp.mpf(1) / 2

    def divided(a: Any, b: Any) -> Any:
        if b == 0:
            return mp.nan if a == 0 or mp.isnan(a) else mp.inf * mp.sign(a)
        return mp.mpf(a) / b if isinstance(a, int | np.integer) else a / b

    def power(a: Any, b: Any) -> Any:
        if isinstance(b, mp.mpf) and b == int(b) and abs(b) < 10**6:
            b = int(b)
        if a == 0 and b < 0:
            return mp.inf
        return mp.mpmathify(a) ** (int(b) if isinstance(b, np.integer) else b)

    def sign(x: Any) -> Any:
        return mp.sign(x)

    def at_zero(f: Rule, value: Any) -> Rule:
        """f, and this value at 0, where mpmath raises an error."""
        return lambda x: value if x == 0 else f(x)

    table: dict[str, Rule] = {
        "zero_safe_mul": lambda a, b: mp.mpf(0) if b == 0 else a * b,
        "div": divided,
        "power": power,
        "reciprocal": lambda x: divided(mp.mpf(1), x),
        "exp": mp.exp,
        "exp2": lambda x: mp.mpf(2) ** x,
        "expm1": mp.expm1,
        "log": at_zero(mp.log, -mp.inf),
        "log2": at_zero(lambda x: mp.log(x, 2), -mp.inf),
        "log10": at_zero(mp.log10, -mp.inf),
        "log1p": mp.log1p,
        "sqrt": mp.sqrt,
        "root_of_squares": mp.sqrt,
        "cbrt": lambda x: sign(x) * mp.cbrt(abs(x)),
        "logaddexp": lambda a, b: max(a, b) + mp.log1p(mp.exp(-abs(a - b))),
        "logaddexp2": lambda a, b: mp.log(mp.mpf(2) ** a + mp.mpf(2) ** b, 2),
        "sin": mp.sin,
        "cos": mp.cos,
        "tan": mp.tan,
        "arcsin": mp.asin,
        "arccos": mp.acos,
        "arctan": mp.atan,
        "sinh": mp.sinh,
        "cosh": mp.cosh,
        "tanh": mp.tanh,
        "arcsinh": mp.asinh,
        "arccosh": mp.acosh,
        "arctanh": mp.atanh,
        "deg2rad": lambda x: x * mp.pi / 180,
        "rad2deg": lambda x: x * 180 / mp.pi,
        "hypot": lambda a, b: mp.sqrt(a * a + b * b),
        "arctan2": lambda a, b: mp.atan2(a, b),
        "sinc": lambda x: mp.sincpi(x),
        "fabs": mp.fabs,
        "sign": sign,
        "floor": mp.floor,
        "ceil": mp.ceil,
        "maximum": lambda a, b: a if a >= b else b,
        "minimum": lambda a, b: a if a <= b else b,
        "fmax": lambda a, b: a if a >= b else b,
        "fmin": lambda a, b: a if a <= b else b,
        "heaviside": lambda a, b: b if a == 0 else mp.mpf(a > 0),
        "copysign": lambda a, b: abs(a) * (1 if b >= 0 else -1),
        "remainder": lambda a, b: a - b * mp.floor(a / b),
        "isnan": mp.isnan,
        "isinf": mp.isinf,
        "isfinite": lambda x: not (mp.isnan(x) or mp.isinf(x)),
        "signbit": lambda x: x < 0,
        "real": mp.re,
        "imag": mp.im,
        "conj": mp.conj,
        "complex_abs": mp.fabs,
        "complex_sign": lambda z: z if z == 0 else z / abs(z),
        "numpy_i0": lambda x: mp.besseli(0, x),
        "i0": lambda x: mp.besseli(0, x),
        "i1": lambda x: mp.besseli(1, x),
        "j0": lambda x: mp.besselj(0, x),
        "j1": lambda x: mp.besselj(1, x),
        "jv": mp.besselj,
        "iv": mp.besseli,
        "kv": mp.besselk,
        "yv": mp.bessely,
        "erf": mp.erf,
        "erfc": mp.erfc,
        "erfi": mp.erfi,
        "gamma": mp.gamma,
        "rgamma": mp.rgamma,
        "gammaln": lambda x: mp.log(abs(mp.gamma(x))),
        "psi": mp.digamma,
        "beta": mp.beta,
        "betaln": lambda a, b: mp.log(abs(mp.beta(a, b))),
        "expit": lambda x: 1 / (1 + mp.exp(-x)),
        "log_expit": lambda x: -mp.log1p(mp.exp(-x)),
        "logit": lambda x: mp.log(x / (1 - x)),
        "ndtr": lambda x: mp.erfc(-x / mp.sqrt(2)) * half,
        "erfinv": mp.erfinv,
        "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
        "ndtri": lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1),
        "log_ndtr": lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) * half),
        "gammainc": lambda a, x: mp.gammainc(a, 0, x, regularized=True),
        "gammaincc": lambda a, x: mp.gammainc(a, x, mp.inf, regularized=True),
        "betainc": lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True),
        "loggamma": mp.loggamma,
        "zeta": mp.zeta,
        "lambertw": lambda z, k: mp.lambertw(z, int(k)),
        "k0": lambda x: mp.besselk(0, x),
        "k1": lambda x: mp.besselk(1, x),
        "y0": lambda x: mp.bessely(0, x),
        "y1": lambda x: mp.bessely(1, x),
        "ellipk": mp.ellipk,
        "ellipe": mp.ellipe,
        "entr": lambda x: -x * mp.log(x) if x > 0 else mp.mpf(0),
        "rel_entr": lambda a, b: a * mp.log(a / b) if a > 0 else mp.mpf(0),
        "cosm1": lambda x: -2 * mp.sin(x / 2) ** 2,
        "exp10": lambda x: mp.mpf(10) ** x,
        "fmod": lambda a, b: mp.sign(a) * (abs(a) - abs(b) * mp.floor(abs(a) / abs(b))),
        "fraction": lambda x: mp.sign(x) * mp.frac(abs(x)),
        "ldexp": lambda x, n: x * mp.mpf(2) ** int(n),
        "exp1": mp.e1,
        "expi": mp.ei,
        "xlogy": lambda a, b: mp.mpf(0) if a == 0 else a * mp.log(b),
        "xlog1py": lambda a, b: mp.mpf(0) if a == 0 else a * mp.log1p(b),
    }
    return table
