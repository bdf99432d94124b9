"""Sphinx: how the documentation is built (`make docs`)."""

import logging
from importlib.metadata import version as installed_version

project = "Wengert"
author = copyright = "The Wengert developers"
release = version = installed_version("wengert")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build"]
# A section that has no pages yet is no mistake. Sphinx gives that warning a subtype but no type, so that
# `suppress_warnings` cannot name it. (A page that no section lists is still an error.)
logging.getLogger("sphinx.sphinx.directives.other").addFilter(
    lambda record: getattr(record, "subtype", None) != "empty_glob"
)

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_use_rtype = False

html_theme = "furo"
html_title = "Wengert"
