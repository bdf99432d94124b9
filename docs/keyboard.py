"""Sphinx extension: blocks of code scroll where the page is narrow; here they can be reached and moved by keyboard."""

from typing import Any

from sphinx.application import Sphinx


def focusable(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """A tab stop at each block."""
    if "body" in context:
        context["body"] = context["body"].replace("<pre>", '<pre tabindex="0">')


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("html-page-context", focusable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
