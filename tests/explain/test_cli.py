"""The command line, as a user calls it: what it prints, writes, and refuses."""

import re
import subprocess
import sys

import pytest

import wengert
from wengert.cli import main

GAUSSIAN = "x1*exp(-(x1**2+x2**2)/2)"


def run(capsys, *arguments):
    """The exit status, what went to the output and what to the errors."""
    status = main(arguments)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_an_expression(capsys):
    status, out, err = run(capsys, "explain", GAUSSIAN, "x1=2", "x2=0.5")
    assert status == 0 and err == ""
    assert "f at x1 = 2, x2 = 0.5" in out
    assert re.search(r"v6\s+exp\(v5\)\s+0\.119433", out)
    assert "-0.3582989048001588" in out


def test_the_forward_difference_of_the_polynomial(capsys):
    arguments = ("x**2*y + y + 2", "x=3", "y=4", "--step", "1e-5", "--by-hand", "x=2*x*y", "--by-hand", "y=x**2+1")
    status, out, _ = run(capsys, "explain", *arguments)
    assert status == 0 and "24.000039999805264" in out and "by hand" in out


def test_values_by_position_and_arrays(capsys):
    assert run(capsys, "explain", "x*y", "2", "3")[0] == 0
    status, out, _ = run(capsys, "explain", "sum(tanh(x))", "x=[0.1, 0.2]")
    assert status == 0 and "x = [0.1, 0.2]" in out


def test_one_output_of_several(capsys):
    status, out, _ = run(capsys, "explain", "[x, x**2]", "x=3", "--output", "1")
    assert status == 0 and "element 1 of the results" in out


def test_a_function_of_a_module_and_of_a_file(capsys, tmp_path, monkeypatch):
    file = tmp_path / "somebodys_model.py"
    file.write_text("def loss(w, n=2):\n    for i in range(n):\n        w = w * w\n    return w\n")
    status, out, _ = run(capsys, "explain", f"{file}:loss", "w=3")
    assert status == 0 and "108" in out  # d(w^4)/dw = 4 w^3
    monkeypatch.chdir(tmp_path)
    status, out, _ = run(capsys, "explain", "somebodys_model:loss", "w=3", "n=1", "--unroll")
    assert status == 0 and "w*w" in out


def test_the_page_is_written(capsys, tmp_path):
    page = tmp_path / "page.html"
    status, out, _ = run(capsys, "explain", "x**2", "x=3", "--html", str(page))
    assert status == 0 and str(page) in out
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


REFUSED = [
    (["x^2", "x=1"], "is no power"),
    (["x**2"], "x has no value"),
    (["x**2", "y=2"], "y does not occur"),
    (["x**2", "x=1", "x=2"], "given twice"),
    (["x**2", "1", "2"], "more values than variables"),
    (["x**2", "x=abc"], "abc has no value"),
    (["x**2", "x="], "no assignment"),
    (["nowhere_at_all:f", "x=1"], "cannot be imported"),
    (["nowhere.py:f", "x=1"], "there is no file"),
    (["math:nothing", "x=1"], "has no nothing"),
    (["textbook_functions:sine", "x1=1"], "does not take these arguments"),
    (["x**2", "x=1", "--html", "/nowhere/at/all.html"], "cannot be written"),
    (["x**2", "x=1", "--output", "9"], "output=9"),
    (["x**2", "x=1", "--by-hand", "2*x"], "no assignment"),
    (["x*y", "x=1", "y=1", "--by-hand", "x=y"], "by_hand"),
    (["__import__('os')"], "is no expression"),
]


@pytest.mark.parametrize("arguments, said", REFUSED)
def test_errors_are_ours_and_the_status_is_2(capsys, arguments, said):
    status, _, err = run(capsys, "explain", *arguments)
    assert status == 2
    assert err.startswith("wengert: ") and said in err and "write:" in err
    assert "Traceback" not in err


def test_wrong_options_have_the_status_2(capsys):
    for arguments in ([], ["explain"], ["explain", "x", "x=1", "--nothing"], ["other"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
    capsys.readouterr()


def test_as_a_module():
    done = subprocess.run([sys.executable, "-m", "wengert", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"wengert {wengert.__version__}"
