"""Sphinx: how the documentation is built (`make docs`)."""

import logging
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

import wengert  # noqa: E402

project = "Wengert"
author = copyright = "The Wengert developers"
release = version = wengert.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "gallery_pages", "keyboard", "mathml"]
source_suffix = {".md": "markdown", ".py": "markdown"}  # gallery_pages.py makes Markdown of the gallery's Python files
exclude_patterns = ["_build", "*.py", "gallery/pictures.py", "gallery/traces.py", "**/__pycache__"]
# A section that has no pages yet is no mistake. Sphinx gives that warning a subtype but no type, so that
# `suppress_warnings` cannot name it. (A page that no section lists is still an error.)
logging.getLogger("sphinx.sphinx.directives.other").addFilter(
    lambda record: getattr(record, "subtype", None) != "empty_glob"
)

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

default_role = "code"  # `x` in a docstring is code, as in Markdown
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_use_rtype = False

html_math_renderer = "mathml"
html_theme = "furo"
html_title = "Wengert"
html_show_sourcelink = html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
