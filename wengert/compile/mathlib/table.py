"""The functions by the names of wengert's primitives: how many arguments, and who writes them."""

from __future__ import annotations

from collections.abc import Callable

from . import error, exponential, gamma, inverse, logarithm, powers, quantile, remainders, trigonometric
from .text import Code, Value

Algorithm = Callable[..., Value]

UNARY: dict[str, Algorithm] = {
    "arccos": inverse.arccos,
    "arccosh": inverse.arccosh,
    "arcsin": inverse.arcsin,
    "arcsinh": inverse.arcsinh,
    "arctan": inverse.arctan,
    "arctanh": inverse.arctanh,
    "cbrt": powers.cbrt,
    "cos": trigonometric.cos,
    "cosh": exponential.cosh,
    "erf": error.erf,
    "erfc": error.erfc,
    "erfcinv": quantile.erfcinv,
    "erfcx": error.erfcx,
    "erfinv": quantile.erfinv,
    "exp": exponential.exp,
    "exp2": exponential.exp2,
    "expit": exponential.expit,
    "expm1": exponential.expm1,
    "gammaln": gamma.gammaln,
    "log": logarithm.log,
    "log10": logarithm.log10,
    "log1p": logarithm.log1p,
    "log2": logarithm.log2,
    "logit": logarithm.logit,
    "log_expit": logarithm.log_expit,
    "log_ndtr": error.log_ndtr,
    "ndtr": error.ndtr,
    "ndtri": quantile.ndtri,
    "psi": gamma.psi,
    "sin": trigonometric.sin,
    "sinh": exponential.sinh,
    "tan": trigonometric.tan,
    "tanh": exponential.tanh,
}
BINARY: dict[str, Algorithm] = {
    "arctan2": inverse.arctan2,
    "fmod": remainders.fmod,
    "hypot": powers.hypot,
    "logaddexp": logarithm.logaddexp,
    "logaddexp2": logarithm.logaddexp2,
    "power": powers.power,
    "remainder": remainders.remainder,
    "xlog1py": logarithm.xlog1py,
    "xlogy": logarithm.xlogy,
}
TABLE: dict[str, tuple[int, Algorithm]] = {name: (1, f) for name, f in UNARY.items()}
TABLE |= {name: (2, f) for name, f in BINARY.items()}
NAMES = set(TABLE)
RARE: dict[str, tuple[int, Algorithm]] = {  # parts that kernels call through an address, in double precision
    "far_cos": (1, trigonometric.far_cos),
    "far_sin": (1, trigonometric.far_sin),
    "far_tan": (1, trigonometric.far_tan),
    "fmod": (2, remainders.library_fmod),
    "gammaln": (1, gamma.library_gammaln),
    "psi": (1, gamma.reflected_psi),
}
USES = {  # by which functions
    "cos": "far_cos",
    "fmod": "fmod",
    "gammaln": "gammaln",
    "psi": "psi",
    "remainder": "fmod",
    "sin": "far_sin",
    "tan": "far_tan",
}
FAMILIES = (  # functions of one argument that share instructions
    {"cos", "sin", "tan"},
    {"cosh", "exp", "expm1", "sinh", "erf"},
    {"log", "log10", "log2"},
)


def written(name: str, code: Code) -> str:
    """The definition of a function."""
    count, algorithm = TABLE[name]
    return code.definition(count, algorithm(code, *code.arguments(count)))
