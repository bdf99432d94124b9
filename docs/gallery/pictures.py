"""What the gallery's pictures have in common: colours that colour-blind readers can tell apart, type, and saving."""

import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # works without a display

import matplotlib.pyplot as plt

# M. Okabe and K. Ito, "Color Universal Design" (2008).
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#222222",
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#f0e442",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
)
GREY, GRID = "#5f6b76", "#e6eaee"
OUT = Path(__file__).parents[1] / "_build" / "gallery"

plt.rcParams.update(
    {
        "font.size": 10,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GREY,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "axes.prop_cycle": plt.cycler(color=[BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, BLACK]),
        "legend.frameon": False,
        "lines.linewidth": 2.0,
        "figure.constrained_layout.use": True,
        "savefig.facecolor": "white",
        "svg.hashsalt": "wengert",  # the same picture gives the same file
    }
)


def canvas(width: float = 7.0, height: float = 4.2, **grid: Any) -> tuple[Any, Any]:
    """A figure of this size in inches, and its axes: `plt.subplots`."""
    return plt.subplots(figsize=(width, height), **grid)


def place(file: str) -> Path:
    """Where the picture of a gallery file belongs: the folder named on the command line, else docs/_build/gallery/."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{Path(file).stem}.svg"


def save(figure: Any, file: str) -> None:
    """Write a figure as the picture of a gallery file."""
    figure.savefig(place(file), metadata={"Date": None})
    plt.close(figure)
