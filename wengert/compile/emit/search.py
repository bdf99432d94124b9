"""Operations of searches along an axis: what comes before what, NaN last, and which element leads so far."""

from __future__ import annotations

from .table import Dtype, do, op
from .values import compare
from .writer import Writer


@op("precedes")
def precedes(w: Writer, dtype: Dtype, a: str, b: str) -> str:
    """Does a come before b in sorted order, where NaN comes last?"""
    if dtype.kind != "f":
        return compare(w, "less", dtype, a, b)
    number = do(w, "fcmp ord", dtype, a, a)
    return w.emit(f"and i1 {number}, {do(w, 'fcmp ult', dtype, a, b)}")


@op("follows")
def follows(w: Writer, dtype: Dtype, a: str, b: str) -> str:
    """Is b not before a?"""
    return w.emit(f"xor i1 {precedes(w, dtype, b, a)}, true")


def _leads(name: str, relation: str, of_integers: str) -> None:
    def f(w: Writer, dtype: Dtype, x: str, best: str) -> str:
        """Is x beyond the best so far, or the first NaN?"""
        if dtype.kind != "f":
            return compare(w, of_integers, dtype, x, best)
        number = do(w, "fcmp ord", dtype, best, best)
        return w.emit(f"and i1 {number}, {do(w, f'fcmp {relation}', dtype, x, best)}")

    op(name)(f)


_leads("leads_up", "ugt", "greater")
_leads("leads_down", "ult", "less")
