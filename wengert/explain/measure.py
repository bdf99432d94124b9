"""How wide a text will be: advance widths in hundredths of an em, those of the widest of the usual system fonts.

They are DejaVu Sans Bold's (for regular weight DejaVu Sans's are some tenth less), which is wider than Helvetica, Segoe
UI, Roboto or San Francisco: a box made for it holds the text in all of them. Fixed-width fonts take 0.6 em or less.
"""

from __future__ import annotations

import unicodedata

_GROUPS = {
    27: "′", 32: "'", 36: " ijl", 38: ",./IJ\\|·", 40: ":;ι", 42: "-", 44: "f²³⁴₀₁₂₃₄₅₆₇₈₉", 46: "!()[]ₙ", 48: "t",
    50: "_`rₖ‖–", 54: '"*₊', 56: "ε∂", 60: "?cszζξς", 64: "LλτΓΞ", 66: "vxyχ", 68: "aekυₘ√",
    70: "$0123456789EFToαγδθνοΣ", 72: "bdghnpqu{}βηκρ∑", 74: "CPSYZμ", 78: "ABKRVXσΔΛ", 80: "πφψ", 82: "U",
    84: "#+<=>DGHN^~Π×−≤≥≠∞→←", 86: "OQΘΦΨΩ", 88: "&ω", 94: "w", 100: "@M…—", 102: "%", 106: "m", 112: "W",
}  # fmt: skip
_WIDTHS = {c: width for width, group in _GROUPS.items() for c in group}
FIXED = 61


def text_width(text: str, size: float, fixed: bool = False) -> float:
    """Width in pixels of a text in a font of this size; fixed: of a fixed-width font."""
    return sum(_advance(c, fixed) for c in text) * size / 100


def _advance(c: str, fixed: bool) -> int:
    if unicodedata.combining(c):  # marks over other characters
        return 0
    if unicodedata.east_asian_width(c) in "WF":
        return 130 if ord(c) > 0xFFFF else 100
    if fixed:
        return FIXED
    return _WIDTHS.get(c, 80)
