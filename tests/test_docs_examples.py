"""Every Python example of the README and of the documentation does what its page says."""

import sys
from pathlib import Path

import pytest

from markdown_examples import WrongExample, run_page

ROOT = Path(__file__).parents[1]
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
    if "_build" not in path.parts
]


@pytest.mark.parametrize("page", PAGES)
def test_examples_of_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_page((ROOT / page).read_text(encoding="utf-8"), page)


# The runner itself: pages that it must pass, and pages that it must not.

RIGHT = {
    "one namespace": """
```python
x = 2
```
then
```python
assert x == 2 and __name__ == "__main__"
```
""",
    "output": """
```python
print(1 + 1)
print("a  b")
```
It prints
<!-- output -->
```text
2
a  b
```
""",
    "text that is not marked is not compared": """
```python
print(1)
```
```text
2
```
""",
    "raises, with its message": """
<!-- raises: ZeroDivisionError -->
```python
print("so far")
1 / 0
```
<!-- output -->
```output
so far
ZeroDivisionError: division by zero
```
""",
    "not run": """
<!-- no-run -->
```python
raise SystemExit
```
""",
    "its source is found": """
```python
import inspect

def f(x):
    return x * x

print(inspect.getsource(f), end="")
print(inspect.currentframe().f_lineno)
```
<!-- output -->
```text
def f(x):
    return x * x
9
```
""",
    "inside a list, and a longer fence": """
1. first
   ````python
   if True:
       text = '''
   ```python
   '''
   ````
2. second
   ```python
   assert text.strip() == "```python"
   ```
""",
    "other languages": """
```sh
exit 1
```
```{toctree}
nowhere
```
<!-- a comment of the author's -->
prose
""",
}

WRONG = {
    "an exception": ("```python\n1 / 0\n```", ZeroDivisionError),
    "an assertion": ("```python\nassert 1 + 1 == 3\n```", AssertionError),
    "the second block": ("```python\nx = 1\n```\n\n```python\ny\n```", NameError),
    "a block in tildes": ("~~~python\n1 / 0\n~~~", ZeroDivisionError),
    "syntax, though not run": ("<!-- no-run -->\n```python\nx = = 1\n```", SyntaxError),
    "other output": ("```python\nprint(1)\n```\n<!-- output -->\n```text\n2\n```", WrongExample),
    "more output": ("```python\nprint(1)\nprint(2)\n```\n<!-- output -->\n```text\n1\n```", WrongExample),
    "other spaces": ("```python\nprint('a b')\n```\n<!-- output -->\n```text\na  b\n```", WrongExample),
    "no output": ("```python\nx = 1\n```\n<!-- output -->\n```text\n1\n```", WrongExample),
    "output of nothing": ("<!-- output -->\n```text\n1\n```", WrongExample),
    "output of what is not run": (
        "<!-- no-run -->\n```python\nprint(1)\n```\n<!-- output -->\n```text\n1\n```",
        WrongExample,
    ),
    "output twice": (
        "```python\nprint(1)\n```\n<!-- output -->\n```text\n1\n```\n<!-- output -->\n```text\n1\n```",
        WrongExample,
    ),
    "no exception": ("<!-- raises: ValueError -->\n```python\nx = 1\n```", WrongExample),
    "another exception": ("<!-- raises: ValueError -->\n```python\n1 / 0\n```", WrongExample),
    "only the class above": ("<!-- raises: ArithmeticError -->\n```python\n1 / 0\n```", WrongExample),
    "another message": (
        "<!-- raises: ZeroDivisionError -->\n```python\n1 / 0\n```\n<!-- output -->\n```text\nno\n```",
        WrongExample,
    ),
    "a mark that is misspelt": ("<!-- norun -->\n```python\nx = 1\n```", WrongExample),
    "a mark without its name": ("<!-- raises -->\n```python\n1 / 0\n```", WrongExample),
    "a mark that is lost": ("<!-- raises: ValueError -->\nprose\n```python\nx = 1\n```", WrongExample),
    "a mark at the end": ("<!-- no-run -->\n", WrongExample),
    "a mark on no Python": ("<!-- no-run -->\n```text\n1\n```", WrongExample),
    "an output mark on Python": ("<!-- output -->\n```python\nx = 1\n```", WrongExample),
    "a language that would not run": ("```py\n1 / 0\n```", WrongExample),
    "a directive that would not run": ("```{code-block} python\n1 / 0\n```", WrongExample),
    "a block without an end": ("```python\nx = 1\n", WrongExample),
}


@pytest.mark.parametrize("name", RIGHT)
def test_runner_passes(name):
    run_page(RIGHT[name])


@pytest.mark.parametrize("name", WRONG)
def test_runner_catches(name):
    page, error = WRONG[name]
    with pytest.raises(error):
        run_page(page)


def test_runner_counts_what_ran():
    assert run_page(RIGHT["one namespace"]) == 2
    assert run_page(RIGHT["not run"]) == 0


def test_traceback_names_the_page():
    with pytest.raises(ZeroDivisionError) as caught:
        run_page("# Title\n\n```python\nx = 0\n1 / x\n```\n", "docs/some.md")
    last = caught.traceback[-1]
    assert (last.frame.code.raw.co_filename, last.lineno + 1) == ("docs/some.md", 5)


def test_runner_leaves_no_trace(capsys):
    before = sys.modules["__main__"]
    run_page("```python\nimport numpy\nnumpy.set_printoptions(precision=2)\nprint(1)\n```")
    assert sys.modules["__main__"] is before
    assert capsys.readouterr().out == ""
