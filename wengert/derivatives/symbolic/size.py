"""The size of expressions and of their derivatives, written out as trees, counted without writing them out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .package import load


class Sizes:
    """Operations of an expression as a tree: a sum or product of k terms has k - 1, each function one.

    Expressions share parts in memory, so each part is counted once and added as often as it occurs. defined: sizes of
    symbols that stand for expressions.
    """

    def __init__(self, defined: dict[Any, int] | None = None) -> None:
        self.known: dict[int, tuple[Any, int]] = {}
        self.defined: dict[Any, int] = {} if defined is None else defined

    def __call__(self, e: Any) -> int:
        for part in unknown_parts(e, self.known):
            self.known[id(part)] = part, own_operations(part, self.defined) + sum(self[a] for a in part.args)
        return self[e]

    def __getitem__(self, e: Any) -> int:
        return self.known[id(e)][1]


def unknown_parts(e: Any, known: dict[int, Any]) -> Iterable[Any]:
    """The parts of an expression that are not known yet, each after its arguments."""
    stack = [e]
    while stack:
        top = stack[-1]
        waiting = [a for a in top.args if id(a) not in known] if id(top) not in known else []
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if id(top) not in known:
            yield top


def own_operations(e: Any, defined: dict[Any, int]) -> int:
    """Operations of an expression itself, without its arguments."""
    if not e.args:
        return defined.get(e, 0)
    if e.is_Add or e.is_Mul:
        return len(e.args) - 1
    return 0 if type(e).__name__ in ("Tuple", "ExprCondPair") else 1


ONE = -1  # the size of a derivative that is 1: as a factor it is not written


class SlopeSizes:
    """Operations of the derivative with respect to one symbol, by the rules of differentiation, before simplification.

    (a + b)' = a' + b', (abc)' = a'bc + ab'c + abc', f(a, b)' = f_a(a, b) a' + f_b(a, b) b': each part is written where
    the rule has it. None where the derivative is zero. slopes: sizes of the derivatives of symbols that stand for
    expressions.
    """

    def __init__(self, sizes: Sizes, slopes: dict[Any, int]) -> None:
        self.sizes, self.slopes = sizes, slopes
        self.known: dict[int, tuple[Any, int | None]] = {}

    def __call__(self, e: Any) -> int | None:
        self.sizes(e)
        for part in unknown_parts(e, self.known):
            self.known[id(part)] = part, self.slope(part)
        return self.known[id(e)][1]

    def slope(self, e: Any) -> int | None:
        """From the slopes of the arguments."""
        if not e.args:
            return self.slopes.get(e)
        inner = [self.known[id(a)][1] for a in e.args]
        terms = [self.term(e, i, d) for i, d in enumerate(inner) if d is not None]
        if not terms:
            return None
        return terms[0] if len(terms) == 1 else sum(max(t, 0) for t in terms) + len(terms) - 1

    def term(self, e: Any, i: int, d: int) -> int:
        """The part of the derivative that belongs to the i-th argument, whose own derivative has d operations."""
        if e.is_Add or type(e).__name__ in ("Tuple", "ExprCondPair", "Piecewise"):
            return d
        if e.is_Mul:
            factors = [self.sizes[a] for j, a in enumerate(e.args) if j != i] + ([] if d == ONE else [d])
            return sum(factors) + len(factors) - 1
        outer = partial_size(e, i, [self.sizes[a] for a in e.args])
        return outer if d == ONE else d if outer == ONE else outer + d + 1


def partial_size(e: Any, i: int, sizes: list[int]) -> int:
    """Operations of the partial derivative of a function in its i-th argument, as SymPy knows it."""
    sp = load()
    places = [a if a.is_number else sp.Dummy(real=a.is_real, positive=a.is_positive) for a in e.args]
    d = e.func(*places).diff(places[i])
    return ONE if d == 1 else Sizes({p: n for p, n in zip(places, sizes, strict=True) if p.is_Dummy})(d)


def size_text(n: int) -> str:
    """A number of operations, in powers of ten where it is large."""
    if n < 10**7:
        return f"{n:,}"
    digits = str(n)
    return f"{digits[0]}.{digits[1]}e{len(digits) - 1}"
