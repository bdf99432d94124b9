"""The picture: how many times our time each library takes for a gradient, one line a program."""

from __future__ import annotations

from pathlib import Path

from benchmarks.measure import Row
from benchmarks.tables import CLASSES, libraries, own
from benchmarks.targets import geometric_mean, number

COLOURS = {
    "wengert": "#0a4d78",
    "wengert eager": "#1b7fbd",
    "JAX": "#c8452f",
    "PyTorch": "#e8963a",
    "PyTorch compiled": "#f3c98b",
    "autograd": "#8a99a6",
}


def speed(rows: list[Row], path: Path) -> Path | None:
    """Draw the programs of which our time is known; None if there are none."""
    from demo.style import plt

    shown = [row for row in rows if row["kind"] in (*CLASSES, "sparse")]
    unit = own(shown)
    shown = [row for row in shown if number(row, unit, "gradient", "wall")]
    if not shown:
        return None
    lines = _lines(shown, unit)
    figure, ax = plt.subplots(figsize=(12, 1.9 + 0.36 * len(lines)))
    _draw(ax, lines, unit)
    _dress(figure, ax, lines, unit)
    figure.savefig(path, dpi=150, facecolor="white")
    plt.close(figure)
    return path


def _lines(rows: list[Row], unit: str) -> list[tuple[str, dict[str, float]]]:
    """(label, library -> times ours) from the top down; an empty label parts the classes."""
    lines: list[tuple[str, dict[str, float]]] = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        members = [row for row in rows if row["kind"] == kind]
        lines += [("", {})] if lines else []
        for row in members:
            mine = number(row, unit, "gradient", "wall")
            walls = {name: number(row, name, "gradient", "wall") for name in libraries(rows)}
            lines.append((row["title"], {name: wall / mine for name, wall in walls.items() if wall}))
        if kind in CLASSES and len(members) > 1:
            known = [times for _, times in lines[-len(members) :]]
            names = [name for name in libraries(rows) if sum(name in times for times in known) == len(known)]
            means = {name: geometric_mean(times[name] for times in known) for name in names}
            lines.append((f"geometric mean, {CLASSES[kind]}", means))
    return lines


def _draw(ax, lines: list[tuple[str, dict[str, float]]], unit: str) -> None:
    from demo.style import FAINT, GRID, INK

    ax.axvline(1.0, color=COLOURS.get(unit, INK), linewidth=1.6, zorder=1)
    for y, (label, times) in enumerate(reversed(lines)):
        if not label:
            continue
        mean = label.startswith("geometric")
        ax.text(-0.01, y, label, ha="right", va="center", fontsize=9.5, fontweight="bold" if mean else "normal",
                transform=ax.get_yaxis_transform())  # fmt: skip
        others = [x for name, x in times.items() if name != unit]
        if others:
            ax.plot([min(1.0, *others), max(1.0, *others)], [y, y], color=GRID, linewidth=3, zorder=0)
        for name, x in times.items():
            style = {"marker": "D" if mean else "o", "s": 58, "edgecolor": "white", "linewidth": 0.8, "zorder": 3}
            ax.scatter([x], [y], color=COLOURS.get(name, FAINT), **style)


def _dress(figure, ax, lines: list, unit: str) -> None:
    from demo.style import TIMES, headline, legend

    height = figure.get_figheight()
    figure.subplots_adjust(left=0.40, right=0.97, top=1.0 - 1.35 / height, bottom=0.55 / height)
    ax.set(xscale="log", yticks=[], ylim=(-0.7, len(lines) - 0.3))
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_formatter(lambda x, _: f"{TIMES}{x:g}")
    ax.grid(axis="x", which="major", color="#eef2f5")
    title = "The time of a gradient"
    headline(figure, title, f"In multiples of the time of {unit}, on one core: further to the right is slower.")
    names = dict.fromkeys(name for _, times in lines for name in times)
    legend(figure, {name: COLOURS.get(name, "#8a99a6") for name in names}, 1.0)
