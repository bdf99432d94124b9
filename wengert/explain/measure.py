"""How wide a text will be: advance widths in hundredths of an em, those of the widest of the usual system fonts.

They are DejaVu Sans Bold's (for regular weight DejaVu Sans's are some tenth less), which is wider than Helvetica, Segoe
UI, Roboto or San Francisco: a box made for it holds the text in all of them. Fixed-width fonts take 0.6 em or less.
"""

from __future__ import annotations

import unicodedata

_GROUPS = {
    31: "'′", 34: "ijlι", 35: " ", 37: "/IJ\\|", 38: ",.·", 40: ":;", 42: "-", 44: "f²³⁴₀₁₂₃₄₅₆₇₈₉", 46: "!()[]",
    49: "rt", 50: "_`–‖", 52: "\"*", 58: "?z∂", 60: "csx", 65: "vxyLkεζξ", 69: "aoFTEeγδθκ", 71: "hnu{}$0123456789τ",
    73: "SYbdgpqCPZ√∑Σ", 77: "BAKRVXΔΛ", 82: "UGD", 85: "#+<=>HN^~OQΓΘΞΠΦΨΩ×−≤≥≠∞→←ω", 92: "w&", 100: "%@M…—",
    104: "m", 110: "W",
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
