"""The table: a primitive that applies element by element -> SymPy.

A name is SymPy's function of the same arguments; a function is given the module and the arguments. Symbols stand for
finite numbers, so isfinite is true. SymPy's conventions at kinks are ours: Heaviside(0) = 1/2, so both operands of a
maximum share the slope where they tie.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import NoExpressionError

Entry = str | Callable[..., Any]


def is_condition(sp: Any, x: Any) -> bool:
    """A comparison, or logic of them. (SymPy's symbols are numbers and truth values in one.)"""
    return isinstance(x, sp.logic.boolalg.Boolean) and not isinstance(x, sp.Expr)


def indicator(sp: Any, x: Any) -> Any:
    """A condition as a number, 1 or 0; numbers are what they are."""
    return sp.Piecewise((1, x), (0, True)) if is_condition(sp, x) else x


def is_indicator(sp: Any, x: Any) -> bool:
    """A condition that was made a number by `indicator`."""
    return isinstance(x, sp.Piecewise) and len(x.args) == 2 and [v for v, _ in x.args] == [1, 0]


def choose(sp: Any, condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, b elsewhere: numbers in a Piecewise, conditions in logic."""
    if is_condition(sp, a) or is_condition(sp, b):
        a, b = truth(sp, a), truth(sp, b)
        return sp.Or(sp.And(condition, a), sp.And(sp.Not(condition), b))
    return sp.Piecewise((a, condition), (b, True))


def truth(sp: Any, x: Any) -> Any:
    """A number as a condition, true where it is not zero; conditions are what they are."""
    return x if is_condition(sp, x) else x.args[0].cond if is_indicator(sp, x) else sp.Ne(x, 0)


def _trunc(sp: Any, x: Any) -> Any:
    return sp.sign(x) * sp.floor(sp.Abs(x))


def _cbrt(sp: Any, x: Any) -> Any:
    return sp.sign(x) * sp.Abs(x) ** sp.Rational(1, 3)


def _wins(sp: Any, a: Any, b: Any) -> Any:
    return sp.Piecewise((1, a > b), (0, a < b), (sp.Rational(1, 2), True))


def _share(sp: Any, a: Any, b: Any, y: Any) -> Any:
    half = sp.Piecewise((sp.Rational(1, 2), sp.Eq(b, y)), (1, True))
    return sp.Piecewise((half, sp.Eq(a, y)), (0, True))


def _power(sp: Any, a: Any, b: Any) -> Any:
    return sp.Pow(a, b)


def _of_conditions(name: str) -> Entry:
    """Logic of conditions, which NumPy writes as operations on bits; on the bits of integers it has no expression."""

    def entry(sp: Any, *args: Any) -> Any:
        if all(is_condition(sp, x) for x in args):
            return getattr(sp, name)(*args)
        raise NoExpressionError(
            "operations on the bits of integers have no expression",
            why="they are no arithmetic of numbers",
            write="wg.grad, which runs the program as it is",
        )

    return entry


ARITHMETIC: dict[str, Entry] = {
    "add": lambda sp, a, b: a + b,
    "sub": lambda sp, a, b: a - b,
    "mul": lambda sp, a, b: a * b,
    "zero_safe_mul": lambda sp, a, b: a * b,
    "div": lambda sp, a, b: a / b,
    "neg": lambda sp, x: -x,
    "power": _power,
    "square": lambda sp, x: x**2,
    "reciprocal": lambda sp, x: 1 / x,
    "remainder": lambda sp, a, b: a - b * sp.floor(a / b),  # SymPy does not differentiate Mod
    "fmod": lambda sp, a, b: a - b * _trunc(sp, a / b),
    "fraction": lambda sp, x: x - _trunc(sp, x),
    "floor_divide": lambda sp, a, b: sp.floor(a / b),
    "ldexp": lambda sp, x, n: x * 2**n,
    "gcd": "gcd",
    "lcm": "lcm",
}

ELEMENTARY: dict[str, Entry] = {
    "exp": "exp",
    "exp2": lambda sp, x: 2**x,
    "exp10": lambda sp, x: 10**x,
    "expm1": lambda sp, x: sp.exp(x) - 1,
    "log": "log",
    "log2": lambda sp, x: sp.log(x) / sp.log(2),
    "log10": lambda sp, x: sp.log(x) / sp.log(10),
    "log1p": lambda sp, x: sp.log(1 + x),
    "sqrt": "sqrt",
    "root_of_squares": "sqrt",
    "cbrt": _cbrt,
    "logaddexp": lambda sp, a, b: sp.log(sp.exp(a) + sp.exp(b)),
    "logaddexp2": lambda sp, a, b: sp.log(2**a + 2**b) / sp.log(2),
    **{name: name for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "arctan2": "atan2",
    "hypot": lambda sp, a, b: sp.sqrt(a**2 + b**2),
    "sinc": lambda sp, x: sp.sinc(sp.pi * x),
    "deg2rad": lambda sp, x: sp.pi * x / 180,
    "rad2deg": lambda sp, x: 180 * x / sp.pi,
    "numpy_i0": lambda sp, x: sp.besseli(0, x),
    "bessel_i": lambda sp, x, n: sp.besseli(n, x),
}

PIECEWISE: dict[str, Entry] = {
    "abs": "Abs",
    "fabs": "Abs",
    "sign": "sign",
    "floor": "floor",
    "ceil": "ceiling",
    "trunc": _trunc,
    "copysign": lambda sp, a, b: sp.Abs(a) * sp.Piecewise((1, b >= 0), (-1, True)),
    "heaviside": "Heaviside",
    "maximum": "Max",
    "minimum": "Min",
    "fmax": "Max",
    "fmin": "Min",
    "where": lambda sp, mask, a, b: choose(sp, truth(sp, mask), a, b),
    "wins": _wins,
    "share": _share,
    "within": lambda sp, x, r: sp.Abs(x) <= r,
}

LOGIC: dict[str, Entry] = {
    "greater": "Gt",
    "greater_equal": "Ge",
    "less": "Lt",
    "less_equal": "Le",
    "equal": "Eq",
    "not_equal": "Ne",
    "logical_and": lambda sp, a, b: sp.And(truth(sp, a), truth(sp, b)),
    "logical_or": lambda sp, a, b: sp.Or(truth(sp, a), truth(sp, b)),
    "logical_xor": lambda sp, a, b: sp.Xor(truth(sp, a), truth(sp, b)),
    "logical_not": lambda sp, a: sp.Not(truth(sp, a)),
    "bitwise_and": _of_conditions("And"),
    "bitwise_or": _of_conditions("Or"),
    "bitwise_xor": _of_conditions("Xor"),
    "invert": _of_conditions("Not"),
    "isnan": lambda sp, x: sp.false,
    "isinf": lambda sp, x: sp.false,
    "isfinite": lambda sp, x: sp.true,
    "signbit": lambda sp, x: sp.Lt(x, 0),
}

COMPLEX: dict[str, Entry] = {
    "real": "re",
    "imag": "im",
    "conj": "conjugate",
    "complex_abs": "Abs",
    "complex_sign": "sign",
}


def _shifted_legendre(sp: Any, n: Any, x: Any) -> Any:
    return sp.legendre(n, 2 * x - 1)


def _normal(sp: Any, x: Any) -> Any:
    """The normal distribution function."""
    return sp.erfc(-x / sp.sqrt(2)) / 2


SPECIAL: dict[str, Entry] = {
    **{name: name for name in ("erf", "erfc", "erfi", "erfinv", "gamma", "loggamma", "polygamma", "beta", "zeta")},
    "erfcinv": lambda sp, x: sp.erfinv(1 - x),
    "erfcx": lambda sp, x: sp.exp(x**2) * sp.erfc(x),
    "dawsn": lambda sp, x: sp.sqrt(sp.pi) / 2 * sp.exp(-(x**2)) * sp.erfi(x),
    "ndtr": _normal,
    "log_ndtr": lambda sp, x: sp.log(_normal(sp, x)),
    "ndtri": lambda sp, p: sp.sqrt(2) * sp.erfinv(2 * p - 1),
    "gammaln": lambda sp, x: sp.loggamma(x) if x.is_positive else sp.log(sp.Abs(sp.gamma(x))),
    "psi": lambda sp, x: sp.polygamma(0, x),
    "rgamma": lambda sp, x: 1 / sp.gamma(x),
    "poch": lambda sp, x, n: sp.gamma(x + n) / sp.gamma(x),
    "betaln": lambda sp, a, b: sp.loggamma(a) + sp.loggamma(b) - sp.loggamma(a + b),
    "binom": lambda sp, n, k: sp.gamma(n + 1) / (sp.gamma(k + 1) * sp.gamma(n - k + 1)),
    "riemann_zeta": "zeta",
    "zetac": lambda sp, x: sp.zeta(x) - 1,
    "gammainc": lambda sp, a, x: sp.lowergamma(a, x) / sp.gamma(a),
    "gammaincc": lambda sp, a, x: sp.uppergamma(a, x) / sp.gamma(a),
    **{f"{c}v": f"bessel{c}" for c in "jyik"},
    "yn": "bessely",
    "kn": "besselk",
    **{f"{c}{n}": (lambda sp, x, c=c, n=n: getattr(sp, f"bessel{c}")(n, x)) for c in "jyik" for n in (0, 1)},
    **{f"{c}{n}e": (lambda sp, x, c=c, n=n: getattr(sp, f"bessel{c}")(n, x) * sp.exp((-1 if c == "i" else 1) * x))
       for c in "ik" for n in (0, 1)},
    "hankel1": "hankel1",
    "hankel2": "hankel2",
    "spherical_jn": lambda sp, n, x: sp.sqrt(sp.pi / (2 * x)) * sp.besselj(n + sp.Rational(1, 2), x),
    "spherical_yn": lambda sp, n, x: sp.sqrt(sp.pi / (2 * x)) * sp.bessely(n + sp.Rational(1, 2), x),
    "ellipk": "elliptic_k",
    "ellipkm1": lambda sp, p: sp.elliptic_k(1 - p),
    "ellipe": "elliptic_e",
    "ellipkinc": "elliptic_f",
    "ellipeinc": "elliptic_e",
    "expi": "Ei",
    "exp1": lambda sp, x: sp.expint(1, x),
    "expn": "expint",
    "spence": lambda sp, x: sp.polylog(2, 1 - x),
    "lambertw": lambda sp, x, k=0: sp.LambertW(x, k) if k else sp.LambertW(x),
    "wrightomega": lambda sp, x: sp.LambertW(sp.exp(x)),
    "xlogy": lambda sp, x, y: x * sp.log(y),
    "xlog1py": lambda sp, x, y: x * sp.log(1 + y),
    "entr": lambda sp, x: -x * sp.log(x),
    "rel_entr": lambda sp, a, b: a * sp.log(a / b),
    "kl_div": lambda sp, a, b: a * sp.log(a / b) - a + b,
    "log_ratio": lambda sp, a, b: sp.log(a / b),
    "excess": lambda sp, a, b: 1 - a / b,
    "expit": lambda sp, x: 1 / (1 + sp.exp(-x)),
    "log_expit": lambda sp, x: -sp.log(1 + sp.exp(-x)),
    "logit": lambda sp, x: sp.log(x / (1 - x)),
    "exprel": lambda sp, x: (sp.exp(x) - 1) / x,
    "cosm1": lambda sp, x: sp.cos(x) - 1,
    "powm1": lambda sp, a, b: a**b - 1,
    "sindg": lambda sp, x: sp.sin(sp.pi * x / 180),
    "cosdg": lambda sp, x: sp.cos(sp.pi * x / 180),
    "tandg": lambda sp, x: sp.tan(sp.pi * x / 180),
    "cotdg": lambda sp, x: sp.cot(sp.pi * x / 180),
    "radian": lambda sp, d, m, s: sp.pi / 180 * (d + m / 60 + s / 3600),
    "harmonic": lambda sp, a, b: a * b / sp.sqrt(a**2 + b**2),
    "huber": lambda sp, d, r: sp.Piecewise((r**2 / 2, sp.Abs(r) <= d), (d * (sp.Abs(r) - d / 2), True)),
    "pseudo_huber": lambda sp, d, r: d**2 * (sp.sqrt(1 + (r / d) ** 2) - 1),
    "boxcox": lambda sp, x, k: (x**k - 1) / k,
    "boxcox1p": lambda sp, x, k: ((1 + x) ** k - 1) / k,
    "inv_boxcox": lambda sp, y, k: (k * y + 1) ** (1 / k),
    "inv_boxcox1p": lambda sp, y, k: (k * y + 1) ** (1 / k) - 1,
    "weight": lambda sp, a, y: sp.exp(a - y),
    "hyp0f1": lambda sp, b, x: sp.hyper([], [b], x),
    "hyp1f1": lambda sp, a, b, x: sp.hyper([a], [b], x),
    "hyp2f1": lambda sp, a, b, c, x: sp.hyper([a, b], [c], x),
    "eval_legendre": "legendre",
    "eval_sh_legendre": _shifted_legendre,
    "eval_chebyt": "chebyshevt",
    "eval_chebyu": "chebyshevu",
    "eval_hermite": "hermite",
    "eval_hermitenorm": lambda sp, n, x: 2 ** (-n / 2) * sp.hermite(n, x / sp.sqrt(2)),
    "eval_laguerre": "laguerre",
    "eval_genlaguerre": "assoc_laguerre",
    "eval_gegenbauer": "gegenbauer",
    "eval_jacobi": "jacobi",
}  # fmt: skip

# These take conditions as they are; all others take them as numbers.
OF_CONDITIONS = frozenset(("where", "logical_and", "logical_or", "logical_xor", "logical_not", "invert"))
OF_CONDITIONS |= {"bitwise_and", "bitwise_or", "bitwise_xor"}

TABLE: dict[str, Entry] = {**ARITHMETIC, **ELEMENTARY, **PIECEWISE, **LOGIC, **COMPLEX, **SPECIAL}

# Several results of one argument.
SEVERAL: dict[str, tuple[str, ...]] = {
    "sici": ("Si", "Ci"),
    "shichi": ("Shi", "Chi"),
    "fresnel": ("fresnels", "fresnelc"),
    "airy": ("airyai", "airyaiprime", "airybi", "airybiprime"),
}


def apply(sp: Any, entry: Entry, *args: Any) -> Any:
    """An entry of the table, applied to SymPy expressions."""
    return getattr(sp, entry)(*args) if isinstance(entry, str) else entry(sp, *args)
