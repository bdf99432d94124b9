"""Sphinx extension: each Python file of docs/gallery/ is a page, and its pictures are drawn when the site is built.

A file's docstring is the text of its page (Markdown; the first line is the title); below it stand the picture and the
code. `python docs/gallery/NAME.py FOLDER` writes FOLDER/NAME.svg or .png. In docs/gallery/index.md a line

    <!-- entries: NAME NAME -->

becomes their pictures, each a link; `others` stands for the entries that no such line names. In the same order they
stand in the table of contents.
"""

import ast
import os
import re
import runpy
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

DOCS = Path(__file__).parent
GALLERY = DOCS / "gallery"
PICTURES = DOCS / "_build" / "gallery"
HELPERS = ("pictures.py", "traces.py")  # what the entries share
ENTRIES = re.compile(r"<!-- entries: (.*?) -->")


def entries() -> list[Path]:
    """The files that are entries."""
    return [path for path in sorted(GALLERY.glob("*.py")) if path.name not in HELPERS]


def picture(name: str) -> str:
    """The file name of an entry's picture, once it is drawn."""
    return next(PICTURES.glob(f"{name}.*")).name


def title_and_text(source: str) -> tuple[str, str]:
    """The first line of a file's docstring, without its full stop, and the rest."""
    title, _, text = (ast.get_docstring(ast.parse(source)) or "").partition("\n")
    return title.rstrip("."), text


# pictures --------------------------------------------------------------------------------------------------------
def draw(app: Sphinx) -> None:
    """Draw the pictures that are missing, or older than their file or than the library."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    PICTURES.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(GALLERY))
    shared = [*(GALLERY / name for name in HELPERS), *(DOCS.parent / "wengert").rglob("*.py")]
    changed = max(path.stat().st_mtime for path in shared)
    for path in entries():
        drawn = [p.stat().st_mtime for p in PICTURES.glob(f"{path.stem}.*")]
        if not drawn or min(drawn) < max(changed, path.stat().st_mtime):
            logging.getLogger(__name__).info("drawing %s", path.stem)
            run(path)


def run(path: Path) -> None:
    """`python docs/gallery/NAME.py docs/_build/gallery`, in this process: matplotlib is imported once."""
    before, sys.argv = sys.argv, [str(path), str(PICTURES)]
    try:
        runpy.run_path(str(path), run_name="__main__")
    finally:
        sys.argv = before


# pages -----------------------------------------------------------------------------------------------------------
def read(app: Sphinx, docname: str, source: list[str]) -> None:
    """A gallery file as Markdown, and the table of pictures."""
    if docname == "gallery/index":
        source[0] = index(source[0])
    elif docname.startswith("gallery/") and os.fspath(app.env.doc2path(docname)).endswith(".py"):
        source[0] = page(docname.removeprefix("gallery/"), source[0])


def page(name: str, source: str) -> str:
    """One entry."""
    title, text = title_and_text(source)
    begin = ast.parse(source).body[0].end_lineno or 0  # the code after the docstring
    return f"""# {title}

:::{{container}} gallery-picture
```{{image}} ../_build/gallery/{picture(name)}
:alt: {title}
:target: ../_images/{picture(name)}
```
:::

{text}

## The program

`python docs/gallery/{name}.py`

```{{literalinclude}} {name}.py
:language: python
:lines: {begin + 2}-
```
"""


def index(source: str) -> str:
    """The overview: pictures as links, and the table of contents in their order."""
    names = [path.stem for path in entries()]
    named = [name for line in ENTRIES.findall(source) for name in line.split() if name != "others"]
    others = [name for name in names if name not in named]

    def thumbnails(match: re.Match[str]) -> str:
        chosen = [n for word in match[1].split() for n in (others if word == "others" else [word])]
        return "\n".join(["::::{container} gallery", *map(thumbnail, chosen), "::::"]) if chosen else ""

    contents = "\n".join(["```{toctree}", ":hidden:", "", *named, *others, "```"])
    return f"{ENTRIES.sub(thumbnails, source)}\n{contents}\n"


def thumbnail(name: str) -> str:
    """A picture that leads to its page."""
    title, _ = title_and_text((GALLERY / f"{name}.py").read_text(encoding="utf-8"))
    image = f":::{{figure}} ../_build/gallery/{picture(name)}\n:alt: {title}\n:target: {name}.html"
    return f"{image}\n\n[{title}]({name}.py)\n:::"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", draw)
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
