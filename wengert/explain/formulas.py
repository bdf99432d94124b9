"""The rule of one equation as mathematics: recorded from the library's own derivative, printed in the user's names.

v3 = x1*v2        v̇3 = v2*ẋ1 + x1*v̇2        x̄1 += v2*v̄3
"""

from __future__ import annotations

import re
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any

import numpy as np

from ..core.program import Atom, Equation, Literal, Program, Var
from ..core.record import record
from ..core.types import ArrayType, type_of
from ..errors import WengertError
from ..transforms.jvp import jvp_flat
from ..transforms.linearize import linearize_flat
from ..transforms.transpose import transpose_tape
from .infix import Text, equation_text, number_text
from .loops import is_loop
from .scope import Scope

DOT, BAR = "\u0307", "\u0304"
LONG = 8  # equations: a longer rule is named, not written out
_LIMIT = 1024
_known: OrderedDict[Any, Program | None] = OrderedDict()


def dotted(name: str) -> str:
    """The tangent's name: `ẋ1`, `loss_dot`, `params_dot['w']`."""
    return _marked(name, DOT, "_dot")


def barred(name: str) -> str:
    """The adjoint's name: `x̄1`, `loss_bar`, `params_bar['w']`."""
    return _marked(name, BAR, "_bar")


def _marked(name: str, accent: str, suffix: str) -> str:
    stem = re.match(r"[^\W\d_₀-₉ₖₘₙ]+(?:_[^\W₀-₉ₖₘₙ]+)?", name)
    if stem is None:
        return name + suffix
    at = stem.end()
    return unicodedata.normalize("NFC", name[:at] + (accent if at == 1 else suffix)) + name[at:]


# forward ---------------------------------------------------------------------------------------------------------
def tangent_formula(scope: Scope, eq: Equation, var: Var, active: Set[Var]) -> str:
    """How the tangent of one result comes from those of the inputs; empty where it has none."""
    moving = [k for k, a in enumerate(eq.inputs) if a in active]
    if var not in active:
        return ""
    made = _rule("tangent", _tangent_program, scope, eq, eq.outputs.index(var), moving)
    if made is None:
        return f"tangent of {_title(eq)}"
    return _printed(made, scope, eq, [Text(dotted(scope.text(eq.inputs[k]).text)) for k in moving]).text


def _tangent_program(eq: Equation, types: Sequence[Any], which: int, moving: Sequence[int]) -> Program:
    def f(*args: Any) -> list[Any]:
        xs, rest = operands(eq, args)
        dots = [next(rest) if k in moving else None for k in range(len(types))]
        ys, y_dots = jvp_flat(applied(eq), xs, dots)
        return [_zero(y_dots[which], ys[which])]

    return record(f, [*filter(_is_type, types), *(_strong(types[k]) for k in moving)])


# reverse ---------------------------------------------------------------------------------------------------------
def adjoint_formula(scope: Scope, eq: Equation, position: int, outputs: Sequence[Var]) -> Text:
    """What an equation adds to the adjoint of one of its inputs, given the adjoints of these of its results."""
    made = _rule("adjoint", _adjoint_program, scope, eq, position, tuple(eq.outputs.index(v) for v in outputs))
    bars = [Text(barred(scope.text(v).text)) for v in outputs]
    if made is None:
        return Text(f"adjoint of {_title(eq)}: {', '.join(b.text for b in bars)}", 0)
    return _printed(made, scope, eq, bars)


def _adjoint_program(eq: Equation, types: Sequence[Any], position: int, outs: Sequence[int]) -> Program:
    def f(*args: Any) -> list[Any]:
        xs, given = operands(eq, args)

        def alone(x: Any) -> list[Any]:
            return applied(eq)(*xs[:position], x, *xs[position + 1 :])

        _, tape, ins, nodes = linearize_flat(alone, [xs[position]])
        y_bars = [next(given) if k in outs else None for k in range(len(eq.outputs))]
        (x_bar,) = transpose_tape(tape, ins, nodes, y_bars)
        return [_zero(x_bar, xs[position])]

    return record(f, [*filter(_is_type, types), *(_strong(eq.outputs[k].type) for k in outs)])


# both ------------------------------------------------------------------------------------------------------------
def _title(eq: Equation) -> str:
    return "the loop" if is_loop(eq) else eq.primitive.name


def _is_type(x: Any) -> bool:
    return isinstance(x, ArrayType)


def operands(eq: Equation, args: Sequence[Any]) -> tuple[list[Any], Iterator[Any]]:
    """The operands of the equation, literals as they stand, and the arguments that are left."""
    given = iter(args)
    return [next(given) if isinstance(a, Var) else a.value for a in eq.inputs], given


def kind_of(eq: Equation, values: Sequence[Any], which: Any) -> Any:
    """What equations have in common whose rules are the same: primitive, params, types, literals."""
    types = [_key(a.value if isinstance(a, Literal) else type_of(x)) for a, x in zip(eq.inputs, values, strict=True)]
    key = (eq.primitive, tuple(eq.params.items()), tuple(types), which)
    try:
        hash(key)
    except TypeError:  # a param that cannot be compared
        return None
    return key


def applied(eq: Equation) -> Callable[..., list[Any]]:
    def f(*xs: Any) -> list[Any]:
        outs = eq.primitive(*xs, **eq.params)
        return list(outs) if eq.primitive.multiple else [outs]

    return f


def _zero(d: Any, like: Any) -> Any:
    return 0.0 if d is None else d


def _strong(t: Any) -> ArrayType:
    t = type_of(t)
    return ArrayType(t.shape, t.dtype)


def _rule(kind: str, make: Callable[..., Program], scope: Scope, eq: Equation, *which: Any) -> Program | None:
    """The rule's program on types; None where it is long, or has none. Equations that are alike share it."""
    if eq.programs:
        return None
    values = [scope.value(a) for a in eq.inputs]
    types = [a.value if isinstance(a, Literal) else type_of(x) for a, x in zip(eq.inputs, values, strict=True)]
    key = kind_of(eq, values, (kind, repr(which)))
    if key is not None and key in _known:
        return _known[key]
    try:
        with np.errstate(all="ignore"):
            made: Program | None = make(eq, types, *which)
    except (WengertError, TypeError, ValueError):
        made = None  # a rule that needs values
    if made is not None and len(made.equations) > LONG:
        made = None
    if key is not None:
        _known[key] = made
        if len(_known) > _LIMIT:
            _known.popitem(last=False)
    return made


def _key(t: Any) -> Any:
    return (t.shape, t.dtype, t.weak) if isinstance(t, ArrayType) else (type(t), repr(t))


def _printed(made: Program, scope: Scope, eq: Equation, seeds: Sequence[Text]) -> Text:
    """A recorded rule as one expression: its inputs, and the equation itself, under their names."""
    variables = [a for a in eq.inputs if isinstance(a, Var)]
    n = len(variables)
    texts: dict[Any, Text] = dict(zip(made.inputs, map(scope.text, variables), strict=False))
    texts.update(zip(made.inputs[n:], seeds, strict=True))

    def text(atom: Atom) -> Text:
        return number_text(atom.value) if isinstance(atom, Literal) else texts[atom]

    for var, value in made.constants:
        texts[var] = Text(f"constant {type_of(value)}")
    for inner in made.equations:
        operands = tuple(a for a in inner.inputs if isinstance(a, Var))
        if inner.primitive is eq.primitive and operands == made.inputs[:n] and inner.params == eq.params:
            for a, b in zip(inner.outputs, eq.outputs, strict=True):
                texts[a] = scope.text(b)
            continue
        right = equation_text(inner.primitive, [text(a) for a in inner.inputs], inner.params)
        for k, var in enumerate(inner.outputs):
            texts[var] = right if len(inner.outputs) == 1 else Text(f"{right.text}[{k}]")
    return text(made.outputs[0])
