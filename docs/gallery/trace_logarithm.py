r"""Both modes, node by node: w₂ log w₁ + √(w₂ log w₁).

At $w_1 = 3$, $w_2 = 2$. The product is computed once and used twice: once under the root and once in the sum. That is
the difference between a tree and a graph. Forwards, the tangent of the product goes on along both edges; backwards,
its adjoint is the sum of what comes back along both: $\bar v_2 = \bar L + \bar v_3 / (2 \sqrt{v_2})$, and with it
$\bar v_1 = w_2 \bar v_2$, $\bar w_1 = \bar v_1 / w_1$, $\bar w_2 = v_1 \bar v_2$.

A forward pass for each of the two inputs, or one pass there and back for both: for two inputs that is about the same
work, for a thousand it is not. The price of going back is memory: all the values in the third column are kept.
"""

from typing import Any

import numpy as np
from pictures import save
from traces import picture_of

import wengert as wg

PLACES = {"w1": (0.0, 4.0), "w2": (1.7, 4.0), "v1": (0.3, 3.0), "v2": (1.0, 2.0), "v3": (1.9, 1.0), "L": (1.0, 0.0)}


def L(w1: Any, w2: Any) -> Any:
    v1 = np.log(w1)
    v2 = w2 * v1
    v3 = np.sqrt(v2)
    return v2 + v3


def data() -> Any:
    """The explanation at (3, 2): `.forward.rows` and `.reverse.rows`."""
    return wg.explain(L, 3.0, 2.0)


def picture(data: Any) -> Any:
    """Graph and table."""
    return picture_of(data, PLACES, "w₂ log w₁ + √(w₂ log w₁) at (3, 2)")


if __name__ == "__main__":
    save(picture(data()), __file__)
