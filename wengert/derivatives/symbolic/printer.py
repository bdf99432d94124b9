"""How SymPy's expressions are written in Python: its own printer for NumPy and SciPy, with our choice of functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from .package import load

# SymPy's functions that its printer does not know, under the names of scipy.special.
_SPECIAL = {
    "expint": "expn", "zeta": "zeta", "elliptic_k": "ellipk", "loggamma": "gammaln", "erfinv": "erfinv",
    "erfcinv": "erfcinv", "erfi": "erfi", "legendre": "eval_legendre", "chebyshevt": "eval_chebyt",
    "chebyshevu": "eval_chebyu", "hermite": "eval_hermite", "laguerre": "eval_laguerre", "jacobi": "eval_jacobi",
    "assoc_laguerre": "eval_genlaguerre", "gegenbauer": "eval_gegenbauer", "hankel1": "hankel1", "hankel2": "hankel2",
    "elliptic_f": "ellipkinc", "Ei": "expi",
}  # fmt: skip


def printer() -> Any:
    """A printer; its `names` are those of the symbols. (Its base class is known only when SymPy is loaded.)"""
    sp = load()
    from sympy.printing.numpy import SciPyPrinter

    class Printer(SciPyPrinter):
        """Numbers with all their digits; choices as nested `where`, which any trace can follow."""

        names: ClassVar[dict[Any, str]] = {}  # of symbols, in Python
        _not_supported: ClassVar[set[Any]] = set()
        _number_symbols: ClassVar[set[Any]] = set()

        def _print_Symbol(self, e: Any) -> str:
            return self.names[e]

        def _print_Float(self, e: Any) -> str:
            return repr(float(e))

        def _print_Rational(self, e: Any) -> str:
            return f"({e.p}/{e.q})"

        def _print_Piecewise(self, e: Any) -> str:
            where, text = self._module_format("numpy.where"), self._print(sp.nan)
            for value, condition in reversed(e.args):
                if condition == sp.true:
                    text = self._print(value)
                else:
                    text = f"{where}({self._print(condition)}, {self._print(value)}, {text})"
            return text

        def _nested(self, name: str, args: Iterable[Any]) -> str:
            first, *rest = map(self._print, args)
            for text in rest:
                first = f"{self._module_format(name)}({first}, {text})"
            return first

        def _print_Max(self, e: Any) -> str:
            return self._nested("numpy.maximum", e.args)

        def _print_Min(self, e: Any) -> str:
            return self._nested("numpy.minimum", e.args)

        def _print_And(self, e: Any) -> str:
            return self._nested("numpy.logical_and", e.args)

        def _print_Or(self, e: Any) -> str:
            return self._nested("numpy.logical_or", e.args)

        def _print_Not(self, e: Any) -> str:
            return f"{self._module_format('numpy.logical_not')}({self._print(e.args[0])})"

        def _print_Pow(self, e: Any, rational: bool = False) -> str:
            base, exponent = e.args
            if exponent == -1:
                return f"(1/({self._print(base)}))"
            if exponent.is_Integer:
                return f"(({self._print(base)})**({int(exponent)}.0))"
            return str(super()._print_Pow(e, rational=rational))

        def _print_LambertW(self, e: Any) -> str:
            args = ", ".join(map(self._print, e.args))
            found = f"{self._module_format('scipy.special.lambertw')}({args})"
            return f"{self._module_format('numpy.real')}({found})" if e.is_real is not False else found

        def _print_elliptic_e(self, e: Any) -> str:
            name = "ellipe" if len(e.args) == 1 else "ellipeinc"
            return f"{self._module_format(f'scipy.special.{name}')}({', '.join(map(self._print, e.args))})"

        def _print_hyper(self, e: Any) -> str:
            name = {(0, 1): "hyp0f1", (1, 1): "hyp1f1", (2, 1): "hyp2f1"}.get((len(e.ap), len(e.bq)))
            if name is None:
                return str(self._print_not_supported(e))
            args = ", ".join(map(self._print, (*e.ap, *e.bq, e.argument)))
            return f"{self._module_format(f'scipy.special.{name}')}({args})"

    for name, ours in _SPECIAL.items():

        def write(self: Any, e: Any, ours: str = ours) -> str:
            return f"{self._module_format(f'scipy.special.{ours}')}({', '.join(map(self._print, e.args))})"

        setattr(Printer, f"_print_{name}", write)
    return Printer({"fully_qualified_modules": False, "allow_unknown_functions": False})
