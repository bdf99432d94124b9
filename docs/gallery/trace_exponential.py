r"""Both modes, node by node: x₁ exp(−(x₁² + x₂²)/2).

At $x_1 = 2$, $x_2 = 1/2$. Forward mode goes down the table with a value and a tangent for each node, once for each
input: the tangent of a node is its derivative in that input. Reverse mode goes down once for the values, and then up:
the adjoint of a node is the derivative of the result in that node, the sum of what each of its users sends to it. At
the inputs the adjoints are the gradient: both slopes from one way back.

The input $x_1$ has two users, $v_1$ and the last product. So its adjoint has two terms, $2 x_1 \bar v_1 + v_6 \bar f$.
The tables are those of `wg.explain(f, 2.0, 0.5)`. By hand, the slopes
are $(1 - x_1^2)\,e^{-17/8}$ and $-x_1 x_2\,e^{-17/8}$.
"""

from typing import Any

import numpy as np
from pictures import save
from traces import picture_of

import wengert as wg

PLACES = {"x1": (0.0, 5.0), "x2": (1.6, 5.0), "v1": (0.9, 4.0), "v2": (2.2, 4.0), "v3": (1.6, 3.0), "v4": (1.6, 2.0)}
PLACES |= {"v5": (1.6, 1.0), "v6": (1.6, 0.0), "f": (0.5, -1.0)}


def f(x1: Any, x2: Any) -> Any:
    return x1 * np.exp(-(x1**2 + x2**2) / 2)


def data() -> Any:
    """The explanation at (2, 1/2): `.forward.rows` and `.reverse.rows`."""
    return wg.explain(f, 2.0, 0.5)


def picture(data: Any) -> Any:
    """Graph and table."""
    return picture_of(data, PLACES, "x₁ exp(−(x₁² + x₂²)/2) at (2, 1/2)")


if __name__ == "__main__":
    save(picture(data()), __file__)
