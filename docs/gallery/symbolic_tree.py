r"""Symbolic differentiation: the tree of a formula and the tree of its derivative.

For $g = 5 + xy$, the rules are applied from the leaves upwards: a constant has the derivative 0, x has 1, y has 0;
the product has $x' y + x y'$, the sum has the sum. Out comes a tree with a value at no point yet, and nearly all of
it is zeros and ones. A computer algebra system tidies it up, here to y; for large formulas that is the hard part, and
the tree grows before it shrinks.

`wg.symbolic` takes the formula from the program itself. A loop has no such tree.
"""

from typing import Any

from pictures import BLACK, BLUE, GREY, VERMILION, canvas, save

import wengert as wg

Tree = Any  # a number, a name, or (operation, left, right)
G: Tree = ("+", 5, ("·", "x", "y"))


def derivative(tree: Tree, name: str) -> Tree:
    """The rules, and nothing else."""
    if not isinstance(tree, tuple):
        return 1 if tree == name else 0
    operation, a, b = tree
    if operation == "+":
        return ("+", derivative(a, name), derivative(b, name))
    return ("+", ("·", derivative(a, name), b), ("·", a, derivative(b, name)))


def value(tree: Tree, point: dict[str, float]) -> float:
    """The formula at a point."""
    if not isinstance(tree, tuple):
        return point.get(tree, tree)
    operation, a, b = tree
    left, right = value(a, point), value(b, point)
    return left + right if operation == "+" else left * right


def size(tree: Tree) -> int:
    """Nodes of the tree."""
    return 1 + size(tree[1]) + size(tree[2]) if isinstance(tree, tuple) else 1


def data() -> dict[str, Any]:
    """The trees; and the derivatives, tidied up, that SymPy finds for the program."""
    g = lambda x, y: 5 + x * y
    formula = wg.symbolic.expression(g, 1.0, 1.0)
    tidy = {name: str(formula.derivative(name).value) for name in "xy"}
    return {"g": G, "dx": derivative(G, "x"), "dy": derivative(G, "y"), "tidy": tidy}


def places(tree: Tree, left: float = 0.0, depth: int = 0) -> tuple[list[Any], float, float]:
    """Nodes as (text, x, y, x of the parent or None), the width of the tree, and where its root stands."""
    if not isinstance(tree, tuple):
        return [(str(tree), left + 0.5, -depth, None)], 1.0, left + 0.5
    first, width, x1 = places(tree[1], left, depth + 1)
    second, more, x2 = places(tree[2], left + width, depth + 1)
    root = (x1 + x2) / 2
    children = [(t, x, y, root if y == -depth - 1 else parent) for t, x, y, parent in first + second]
    return [(tree[0], root, -depth, None), *children], width + more, root


def draw(ax: Any, tree: Tree, colour: str, title: str) -> None:
    """One tree; zeros and ones are grey."""
    nodes, width, _ = places(tree)
    for text, x, y, parent in nodes:
        if parent is not None:
            ax.plot([x, parent], [y, y + 1], color=GREY, linewidth=1.1, zorder=1)
        shade = GREY if text in "01" else colour
        box = {"boxstyle": "circle,pad=0.35", "facecolor": "white", "edgecolor": shade, "linewidth": 1.5}
        ax.text(x, y, text, ha="center", va="center", color=shade, bbox=box, fontsize=12)
    ax.set(xlim=(-0.2, width + 0.2), ylim=(-3.6, 0.6))
    ax.set_title(title, color=colour)
    ax.axis("off")


def picture(data: dict[str, Any]) -> Any:
    """Three trees side by side."""
    figure, axes = canvas(9.4, 3.6, ncols=3, width_ratios=[3, 5, 5])
    draw(axes[0], data["g"], BLACK, "g = 5 + xy")
    draw(axes[1], data["dx"], BLUE, f"∂g/∂x: {size(data['dx'])} nodes; simplified: {data['tidy']['x']}")
    draw(axes[2], data["dy"], VERMILION, f"∂g/∂y: {size(data['dy'])} nodes; simplified: {data['tidy']['y']}")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
