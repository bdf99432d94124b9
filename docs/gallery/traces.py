"""A forward and a reverse trace as a picture: the computational graph, and the table of every node."""

from typing import Any

from pictures import BLACK, BLUE, GREEN, GREY, VERMILION, plt

Places = dict[str, tuple[float, float]]


def number(x: Any) -> str:
    """Four decimals; a dash for what is zero and never computed."""
    return "\N{EN DASH}" if x is None else f"{float(x):.4f}".replace("-", "\N{MINUS SIGN}")


def nice(text: str) -> str:
    """An expression as it is written by hand."""
    return text.replace("**2", "²").replace("*", "·").replace("-", "\N{MINUS SIGN}")


def graph(ax: Any, explanation: Any, places: Places) -> None:
    """Nodes with their values (black) and adjoints (red) at given places; arrows from what is used to its user."""
    rows = explanation.reverse.rows
    names = [row.node.name for row in rows]
    for row in rows:
        for parent in row.node.parents:
            arrow = {"arrowstyle": "-|>", "color": GREY, "shrinkA": 17, "shrinkB": 21, "linewidth": 1.1}
            ax.annotate("", places[row.node.name], places[names[parent]], arrowprops=arrow)
    style = {"ha": "center", "va": "center", "fontsize": 9, "linespacing": 1.35}
    for row in rows:
        x, y = places[row.node.name]
        edge = BLUE if row.node.kind == "input" else BLACK
        box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "linewidth": 1.3, "edgecolor": edge}
        value, adjoint = f"{row.node.name} = {number(row.node.value)}", f"adjoint {number(row.adjoint)}"
        ax.text(x, y, f"{value}\n{adjoint}", color=(0, 0, 0, 0), bbox=box, **style)  # the box, as wide as both lines
        ax.text(x, y, f"{value}\n", color=BLACK, **style)
        ax.text(x, y, f"\n{adjoint}", color=VERMILION, **style)
    xs, ys = zip(*places.values(), strict=True)
    ax.set(xlim=(min(xs) - 0.75, max(xs) + 0.75), ylim=(min(ys) - 0.5, max(ys) + 0.5))
    ax.axis("off")


def table(ax: Any, explanation: Any) -> None:
    """Node, expression, value; the tangents of both seeds; the adjoint and the sum that it is."""
    seeds = [direction.name.split()[0] for direction in explanation.forward.directions]
    result = explanation.forward.rows[-1].node.name
    head = ["node", "expression", "value", *(f"∂/∂{seed}" for seed in seeds), f"∂{result}/∂node", "is the sum of"]
    cells, colours = [], [BLACK, BLACK, BLACK, *(GREEN for _ in seeds), VERMILION, VERMILION]
    for forward, reverse in zip(explanation.forward.rows, explanation.reverse.rows, strict=True):
        node = forward.node
        sent = " + ".join(nice(c.formula) for c in reverse.contributions)
        tangents = [number(t) for t in forward.tangents]
        cells.append([node.name, nice(node.expression), number(node.value), *tangents, number(reverse.adjoint), sent])
    widths = [0.08, 0.15, 0.12, *(0.13 for _ in seeds), 0.14, 0.25]
    drawn = ax.table(cells, colLabels=head, colWidths=widths, loc="center", cellLoc="center")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(9)
    drawn.scale(1.0, 1.55)
    for (row, column), cell in drawn.get_celld().items():
        cell.set_edgecolor("#d5dbe0")
        cell.set_text_props(color=colours[column], fontweight="bold" if row == 0 else "normal")
    ax.axis("off")


def picture_of(explanation: Any, places: Places, title: str) -> Any:
    """The graph on the left, the table on the right."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.4, 4.8), width_ratios=[1.1, 1.75])
    graph(left, explanation, places)
    table(right, explanation)
    left.set_title(title)
    right.set_title("forwards: green, downwards     backwards: red, upwards")
    return figure
