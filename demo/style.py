"""What the pictures have in common: colours, headlines, and where they are saved."""

from __future__ import annotations

import os
from pathlib import Path

OUT = Path(__file__).parent / "out"
os.environ.setdefault("MPLCONFIGDIR", str(OUT / ".matplotlib"))  # nothing is written outside the project

import matplotlib  # noqa: E402

matplotlib.use("Agg")  # works without a display
import matplotlib.pyplot as plt  # noqa: E402

from demo.methods import GD, LBFGS, MULTI, TWO  # noqa: E402

INK, GREY, FAINT, GRID = "#22313f", "#5b6b78", "#8a99a6", "#eef2f5"
COLOURS = {GD: "#1b7fbd", LBFGS: "#0a4d78", MULTI: "#e8963a", TWO: "#c8452f"}
TIMES = "\N{MULTIPLICATION SIGN}"

plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": FAINT})
plt.rcParams.update({"xtick.color": FAINT, "ytick.color": FAINT})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})


def save(figure: plt.Figure, name: str) -> Path:
    """demo/out/<name>."""
    OUT.mkdir(exist_ok=True)
    figure.savefig(OUT / name, dpi=150, facecolor="white")
    plt.close(figure)
    return OUT / name


def headline(figure: plt.Figure, title: str, subtitle: str) -> None:
    """A title and what it means, at the upper left."""
    height = figure.get_figheight()
    figure.text(0.03, 1.0 - 0.28 / height, title, fontsize=16, fontweight="bold", va="top")
    figure.text(0.03, 1.0 - 0.66 / height, subtitle, fontsize=10.5, color=GREY, va="top", linespacing=1.5)


def legend(figure: plt.Figure, colours: dict[str, str], from_top: float) -> None:
    """Coloured names in a row, `from_top` inches below the upper edge."""
    x, y = 0.03, 1.0 - from_top / figure.get_figheight()
    for name, colour in colours.items():
        figure.text(x, y, f"\N{BLACK CIRCLE} {name}", color=colour, fontsize=10, va="top")
        x += (0.42 + 0.085 * len(name)) / figure.get_figwidth()
