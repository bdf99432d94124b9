r"""Through a least-squares fit, and through singular values.

A fit is a function of its data, $w = \arg\min |A w - b|^2$, so it has derivatives in them. On the left, a straight
line through noisy points: the arrows show how each point pulls on the slope of the line when it is raised,
$\partial w_1 / \partial b_i$, which in closed form is a row of $(A^\top A)^{-1} A^\top$. The points at the ends have
the longest levers. The last one is an outlier, and the derivative in *where* it stands along the axis depends on the
residual as well.

On the right, the singular values of a matrix that moves along a line, $A + tE$, with their tangents at t = 0. The
gradient of $\sigma_i$ is $u_i v_i^\top$, so the slope is $u_i^\top E\, v_i$. Both derivatives go through
`np.linalg.lstsq` and `np.linalg.svd` as they stand.
"""

from typing import Any

import numpy as np
from pictures import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION, canvas, save

import wengert as wg


def points() -> tuple[np.ndarray, np.ndarray]:
    """Where and what was measured: (12,), (12,)."""
    t = np.linspace(0.0, 1.0, 12)
    y = 0.3 + 0.8 * t + 0.06 * np.random.default_rng(6).standard_normal(12)
    y[-1] -= 0.45
    return t, y


def line(t: Any, y: Any) -> Any:
    """Intercept and slope of the least-squares line."""
    A = np.stack([np.ones_like(t), t], axis=1)
    return np.linalg.lstsq(A, y, rcond=None)[0]


def matrices() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    return rng.standard_normal((5, 4)), rng.standard_normal((5, 4))


def data() -> dict[str, Any]:
    """The fit with its derivatives in the data; singular values along a line with their slopes."""
    t, y = points()
    slope = lambda t, y: line(t, y)[1]
    in_t, in_y = wg.grad(slope, (0, 1))(t, y)
    A, E = matrices()
    singular = lambda s: np.linalg.svd(A + s * E, compute_uv=False)
    steps = np.linspace(-1.0, 1.0, 201)
    values, slopes = wg.jvp(singular, (0.0,), (1.0,))
    return {
        "t": t,
        "y": y,
        "line": line(t, y),
        "in t": in_t,
        "in y": in_y,
        "steps": steps,
        "path": np.array([singular(s) for s in steps]),
        "values": values,
        "slopes": slopes,
    }


def picture(data: dict[str, Any]) -> Any:
    """The fit with its levers; the singular values with their tangents."""
    figure, (left, right) = canvas(9.6, 4.1, ncols=2)
    t, y, (w0, w1) = data["t"], data["y"], data["line"]
    left.plot(t, w0 + w1 * t, color=BLUE, label=f"least squares, slope {w1:.2f}")
    for at, height, pull in zip(t, y, data["in y"], strict=True):
        arrow = {"arrowstyle": "-|>", "color": VERMILION, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0}
        left.annotate("", (at, height + 0.9 * pull), (at, height), arrowprops=arrow)
    left.plot(t, y, "o", color=BLACK, markersize=5)
    left.plot([], [], color=VERMILION, label="pull on the slope, if raised")
    left.set(xlabel="t", ylabel="y", title="a derivative in the data", ylim=(-0.15, 1.35))
    left.legend(loc="upper left")
    near = abs(data["steps"]) <= 0.35
    for k, colour in enumerate((BLUE, VERMILION, GREEN, ORANGE)):
        right.plot(data["steps"], data["path"][:, k], color=colour, label=f"σ{'₁₂₃₄'[k]}")
        tangent = data["values"][k] + data["slopes"][k] * data["steps"][near]
        right.plot(data["steps"][near], tangent, "--", color=BLACK, linewidth=1.2)
    right.axvline(0.0, color=GREY, linewidth=0.8)
    right.set(xlabel="t", title="singular values of A + tE, and their tangents", ylim=(0, None))
    right.legend(ncols=4, loc="upper center", fontsize=9)
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
