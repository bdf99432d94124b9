r"""The extended graph: reverse mode adds nodes to the program.

Backpropagation can be done in two ways. One walks back over the graph of the function and leaves a number at each of
its nodes. The other adds new nodes, one for each adjoint, and the result is a graph like the first: it can be
printed, drawn, simplified, compiled, evaluated again at another point, and differentiated again. Wengert does the
second.

Here $f = x_1 \exp(-(x_1^2 + x_2^2)/2)$: values flow downwards on the one side, adjoints upwards on the other, and the
edges between them are the values that the way back needs. The drawing is `wg.explain(f, 2.0, 0.5).extended_graph`.
"""

from typing import Any

import numpy as np
from pictures import place

import wengert as wg


def f(x1: Any, x2: Any) -> Any:
    return x1 * np.exp(-(x1**2 + x2**2) / 2)


def data() -> dict[str, Any]:
    """The drawing; the program of the gradient, recorded at one point and evaluated at others; and its gradient."""
    program = wg.trace(wg.grad(f, (0, 1)))(2.0, 0.5)
    points = [(2.0, 0.5), (-0.3, 1.2), (0.0, 0.0)]
    return {
        "explanation": wg.explain(f, 2.0, 0.5),
        "points": np.array(points),
        "gradients": np.array([program(*point) for point in points]),
        "second": np.array([wg.jacobian(program, (0, 1))(*point) for point in points]),
        "equations": (len(wg.trace(f)(2.0, 0.5).equations), len(program.equations)),
    }


def picture(data: dict[str, Any]) -> str:
    """The graph as SVG, light also where the reader's system is dark: the page gives it a white ground."""
    return data["explanation"].extended_graph.svg().replace("@media (prefers-color-scheme:dark)", "@media not all")


if __name__ == "__main__":
    place(__file__).write_text(picture(data()), encoding="utf-8")
