"""Sphinx extension: formulas as MathML, which browsers draw themselves: without a script, and without a network."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

NAMES = re.compile(r"(\\(?:log|exp|sin|cos|tanh|max|min))\s+(?=[\w\\])")


def mathml(formula: str, display: str) -> str:
    """LaTeX as MathML, with a thin space between the name of a function and its argument."""
    return convert(NAMES.sub(r"\1\, ", formula), display=display)


def inline(writer: Any, node: nodes.math) -> None:
    """`$x$`."""
    writer.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.math_block) -> None:
    """`$$x$$`."""
    writer.body.append(f'<div class="math">{mathml(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
