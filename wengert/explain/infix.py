"""One equation as infix mathematics: `x1**2`, `a @ b`, `sum(x, axis=0)`, with the parentheses that are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.primitive import Primitive
from ..core.program import Program


class Text(NamedTuple):
    """An expression and how tightly its outermost operation binds, as Python counts: an atom binds most."""

    text: str
    binds: int = 100

    def inside(self, binds: int) -> str:
        """As an operand of an operation that binds so tightly."""
        return self.text if self.binds >= binds else f"({self.text})"


OR, COMPARE, SUM, PRODUCT, SIGN, POWER = 10, 20, 40, 50, 60, 70

# primitive: operator, how it binds, what the left and the right operand must bind
_BINARY = {
    "add": ("+", SUM, SUM, SUM),
    "sub": ("-", SUM, SUM, SUM + 1),
    "mul": ("*", PRODUCT, PRODUCT, PRODUCT),
    "zero_safe_mul": ("*", PRODUCT, PRODUCT, PRODUCT),
    "div": ("/", PRODUCT, PRODUCT, PRODUCT + 1),
    "floor_divide": ("//", PRODUCT, PRODUCT, PRODUCT + 1),
    "remainder": ("%", PRODUCT, PRODUCT, PRODUCT + 1),
    "matmul": ("@", PRODUCT, PRODUCT, PRODUCT + 1),
    "power": ("**", POWER, POWER + 1, POWER),
    "greater": (">", COMPARE, COMPARE + 1, COMPARE + 1),
    "greater_equal": (">=", COMPARE, COMPARE + 1, COMPARE + 1),
    "less": ("<", COMPARE, COMPARE + 1, COMPARE + 1),
    "less_equal": ("<=", COMPARE, COMPARE + 1, COMPARE + 1),
    "equal": ("==", COMPARE, COMPARE + 1, COMPARE + 1),
    "not_equal": ("!=", COMPARE, COMPARE + 1, COMPARE + 1),
}
_SPACED = {"+", "-", "@", ">", ">=", "<", "<=", "==", "!=", "//", "%"}

# names under which NumPy's users know a primitive
_CALLED = {
    "broadcast_to": "broadcast",
    "root_of_squares": "sqrt",
    "complex_abs": "abs",
    "complex_sign": "sign",
    "numpy_i0": "i0",
    "linear_scan": "loop",
    "scan": "loop",
    "while": "while",
}


def equation_text(primitive: Primitive, inputs: Sequence[Text], params: dict[str, Any]) -> Text:
    """The right-hand side of an equation."""
    name = primitive.name
    if name in _BINARY and len(inputs) == 2:
        sign, binds, left, right = _BINARY[name]
        space = " " if sign in _SPACED else ""
        return Text(f"{inputs[0].inside(left)}{space}{sign}{space}{inputs[1].inside(right)}", binds)
    if name == "neg":
        return Text(f"-{inputs[0].inside(SIGN)}", SIGN)
    special = _SPECIAL.get(name)
    if special is not None:
        return special(inputs, params)
    arguments = [i.text for i in inputs] + [f"{k}={shown}" for k, v in params.items() if (shown := _param(v))]
    return Text(f"{_CALLED.get(name, name)}({', '.join(arguments)})")


def number_text(value: Any) -> Text:
    """A literal, as short as it can be."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, bool | str):
        return Text(str(value))
    if isinstance(value, complex):
        return Text(f"{value:.6g}" if value.real == 0 or value.imag == 0 else f"({value:.6g})")
    if isinstance(value, float) and value == int(value) if _is_whole(value) else False:
        value = int(value)
    text = str(value) if isinstance(value, int) else f"{value:.6g}"
    return Text(text, SIGN if text.startswith("-") else 100)


def _is_whole(value: Any) -> bool:
    return isinstance(value, float) and abs(value) < 1e6 and value == int(value)


def _param(value: Any) -> str:
    """A parameter where it says something: short, and no program or function."""
    if value is None or isinstance(value, Program | np.ndarray) or callable(value) or value is False:
        return ""
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, tuple) and any(isinstance(v, Program) for v in value):
        return ""
    if isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], int):
        value = value[0]
    text = str(value)
    return text if len(text) <= 24 else ""


def _reduction(name: str) -> Callable[[Sequence[Text], dict[str, Any]], Text]:
    def text(inputs: Sequence[Text], params: dict[str, Any]) -> Text:
        axes = params.get("axis")
        # All axes of a vector: `sum(x)`. Whether these are all of a matrix's, only its type would say.
        shown = "" if axes is None or tuple(axes) == tuple(range(len(axes))) else f", axis={_param(tuple(axes))}"
        return Text(f"{name}({inputs[0].text}{shown})")

    return text


def _transposed(inputs: Sequence[Text], params: dict[str, Any]) -> Text:
    axes = params["axes"]
    if tuple(axes) == tuple(range(len(axes)))[::-1]:
        return Text(f"{inputs[0].inside(90)}.T", 90)
    return Text(f"transpose({inputs[0].text}, {axes})")


def _sliced(inputs: Sequence[Text], params: dict[str, Any]) -> Text:
    return Text(f"{inputs[0].inside(90)}{params['index']}", 90)


def _gathered(inputs: Sequence[Text], params: dict[str, Any]) -> Text:
    colons = [":"] * params["axis"]
    return Text(f"{inputs[0].inside(90)}[{', '.join(colons + [i.text for i in inputs[1:]])}]", 90)


def _converted(inputs: Sequence[Text], params: dict[str, Any]) -> Text:
    return Text(f"{np.dtype(params['dtype']).name}({inputs[0].text})")


def _assigned(inputs: Sequence[Text], params: dict[str, Any]) -> Text:
    return Text(f"{inputs[0].text} with {params['index']} = {inputs[1].text}", OR)


def _cleared(inputs: Sequence[Text], params: dict[str, Any]) -> Text:
    return Text(f"{inputs[0].text} with {params['index']} = 0", OR)


def _placed(inputs: Sequence[Text], params: dict[str, Any]) -> Text:
    return Text(f"zeros({params['shape']}) with {params['index']} = {inputs[0].text}", OR)


def _einsum(inputs: Sequence[Text], params: dict[str, Any]) -> Text:
    return Text(f"einsum({params['subscripts']!r}, {', '.join(i.text for i in inputs)})")


def _rule(inputs: Sequence[Text], params: dict[str, Any]) -> Text:
    name = getattr(params.get("rule"), "__name__", "") or "custom"
    return Text(f"{name}({', '.join(i.text for i in inputs)})")


_SPECIAL: dict[str, Callable[[Sequence[Text], dict[str, Any]], Text]] = {
    "transpose": _transposed,
    "slice": _sliced,
    "gather": _gathered,
    "convert": _converted,
    "set_slice": _assigned,
    "clear_slice": _cleared,
    "place": _placed,
    "einsum": _einsum,
    "custom_jvp": _rule,
    "custom_vjp": _rule,
    **{name: _reduction(name) for name in ("sum", "prod", "max", "min", "all", "any", "argmax", "argmin")},
}
