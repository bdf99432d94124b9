"""Runs the Python examples of a Markdown page.

The ```python blocks of a page run in order, in one namespace, as one script typed in by a reader. An HTML
comment on the line before a block says what else is expected of it:

    <!-- no-run -->             only compiled, not run
    <!-- raises: ErrorName -->  must raise an exception whose class has this name
    <!-- output -->             on the ```text or ```output block after a ```python block: exactly what that
                                one prints; if it raises, the last line is "ErrorName: message"

What cannot be understood is an error: no example is left out in silence.
"""

import contextlib
import io
import linecache
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import numpy as np

FENCE = re.compile(r"^(?P<indent>\s*)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
COMMENT = re.compile(r"^\s*<!--(?P<text>.*?)-->\s*$")
MARK = re.compile(r"^(?:(?P<name>no-run|output)|raises:\s*(?P<error>\w+))$")
MISSPELT_MARK = re.compile(r"^\W*(no[-_ ]?run|skip|raises?|outputs?)\b", re.IGNORECASE)
MISSPELT_PYTHON = re.compile(r"^\{?(py|py3|python3|ipython3?|pycon|code-block|code|doctest)\b", re.IGNORECASE)


class WrongExample(AssertionError):
    """A block does not do what its page says, or the page cannot be understood."""


@contextlib.contextmanager
def as_main(module: ModuleType) -> Iterator[None]:
    """This module is `__main__`. What is imported meanwhile stays: NumPy's modules cannot be loaded twice."""
    before, sys.modules["__main__"] = sys.modules["__main__"], module
    try:
        yield
    finally:
        sys.modules["__main__"] = before


@dataclass
class Block:
    """A fenced block: its language, text, first line (1 is the page's first), and the mark before it."""

    language: str
    text: str
    line: int
    no_run: bool = False
    output: bool = False
    raises: str | None = None


def blocks(page: str, name: str = "page.md") -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    lines = enumerate(page.splitlines(), start=1)
    mark: re.Match[str] | None = None
    for number, line in lines:
        where = f"{name}:{number}"
        if comment := COMMENT.match(line):
            text = comment["text"].strip()
            if mark:
                raise WrongExample(f"{where}: a second mark before one block")
            mark = MARK.match(text)
            if not mark and MISSPELT_MARK.match(text):
                raise WrongExample(f"{where}: not a mark: {text!r}; write no-run, output, raises: ErrorName")
        elif fence := FENCE.match(line):
            block = _block(fence, number, lines, where)
            if mark:
                block.no_run = mark["name"] == "no-run"
                block.output = mark["name"] == "output"
                block.raises = mark["error"]
            mark = None
            _check(block, where)
            yield block
        elif mark and line.strip():
            raise WrongExample(f"{where}: the mark before this line belongs right before a fenced block")
    if mark:
        raise WrongExample(f"{name}: the last mark has no block")


def _block(fence: re.Match[str], number: int, lines: Iterator[tuple[int, str]], where: str) -> Block:
    """Reads up to the closing fence: at least as long as the opening one, of the same character."""
    close = re.compile(rf"^\s*{re.escape(fence['fence'][0])}{{{len(fence['fence'])},}}\s*$")
    indent = len(fence["indent"])
    text = []
    for _, line in lines:
        if close.match(line):
            language = (fence["info"].split() or [""])[0]
            return Block(language, "".join(text), number + 1)
        text.append(line[indent:] + "\n" if not line[:indent].strip() else line + "\n")
    raise WrongExample(f"{where}: this block is never closed")


def _check(block: Block, where: str) -> None:
    if block.language != "python" and MISSPELT_PYTHON.match(block.language + " "):
        raise WrongExample(f"{where}: would not run; write ```python, not ```{block.language}")
    if block.language != "python" and (block.no_run or block.raises):
        raise WrongExample(f"{where}: only a ```python block can be marked no-run or raises")
    if block.output and block.language not in ("text", "output"):
        raise WrongExample(f"{where}: only a ```text or ```output block can be marked output")


def run_page(page: str, name: str = "page.md") -> int:
    """Runs a page's examples in the current folder; returns how many ran. Raises where one is wrong.

    An exception that no mark announces leaves as it is, with the page's own lines in its traceback.
    """
    main = ModuleType("__main__")
    # The name holds no folder of this machine, so that what an error prints about its place is the same
    # everywhere; with the page in linecache, tracebacks and `inspect.getsource` find the lines all the same.
    linecache.cache[name] = (len(page), None, page.splitlines(keepends=True), name)
    ran = 0
    printed: str | None = None  # by the Python block before; None where there is none, or it did not run
    with as_main(main), np.printoptions():
        for block in blocks(page, name):
            if block.language == "python":
                printed = _run(block, name, main)
                ran += printed is not None
            elif block.output:
                _compare(block, name, printed)
                printed = None
    return ran


def _run(block: Block, name: str, main: ModuleType) -> str | None:
    code = compile("\n" * (block.line - 1) + block.text, name, "exec", dont_inherit=True)
    if block.no_run:
        return None
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(code, main.__dict__)
    except Exception as error:
        kind = type(error).__name__
        if block.raises is None:
            raise
        if block.raises != kind:
            raise WrongExample(f"{name}:{block.line}: raised {kind}, not {block.raises}") from error
        return f"{printed.getvalue()}{kind}: {error}\n"
    if block.raises is not None:
        raise WrongExample(f"{name}:{block.line}: did not raise {block.raises}")
    return printed.getvalue()


def _compare(block: Block, name: str, printed: str | None) -> None:
    if printed is None:
        raise WrongExample(f"{name}:{block.line}: output of no block that ran")
    if printed.rstrip("\n") != block.text.rstrip("\n"):
        difference = f"the page says\n{block.text}\nthe block above it prints\n{printed}"
        raise WrongExample(f"{name}:{block.line}: {difference}")
