r"""Derivatives of solutions: a root up to its fold, and a pendulum in its first angle.

A solver's result is differentiated without its iterations: where $F(y, a) = 0$, $F_y\, \dot y = -F_a\, \dot a$. On
the left, the solutions of $y^3 - y = a$, with the tangents that `wg.implicit.root` gives, $1 / (3y^2 - 1)$. At the two
folds $F_y = 0$: the solution turns back, it has no derivative there, and asking for one is an error.

On the right, the angle of a pendulum, $\ddot\theta = -\sin\theta$, released at rest from $\theta_0 = 2.5$, and what a
change of $\theta_0$ does to it at each later time: SciPy's solver steps as it likes, and the tangent is the solution of
the linearised equation beside it. A pendulum that starts higher swings more slowly, so its sensitivity grows with each
swing: the phases drift apart.
"""

from typing import Any

import numpy as np
from pictures import BLACK, BLUE, GREY, VERMILION, canvas, save

import wengert as wg

BRANCHES = {"upper": (1.5, (-0.25, 0.3, 1.2)), "middle": (0.0, (-0.2, 0.2)), "lower": (-1.5, (-1.2, -0.3, 0.25))}
ANGLE = 2.5


def root(a: Any, start: float) -> Any:
    """The solution of y^3 - y = a that a solver reaches from `start`."""
    return wg.implicit.root(lambda y: y**3 - y - a, start)


def angle(first: Any, t: np.ndarray) -> Any:
    """The angles of the pendulum at the times t."""
    return wg.implicit.ode(lambda t, y: np.stack([y[1], -np.sin(y[0])]), np.stack([first, 0.0]), t)[:, 0]


def data() -> dict[str, Any]:
    """Points on the branches with their slopes; angles with their tangents in the first one."""
    points = []
    for start, parameters in BRANCHES.values():
        for a in parameters:
            y, slope = wg.jvp(lambda a, start=start: root(a, start), (a,), (1.0,))
            points.append((a, float(y), float(slope)))
    t = np.linspace(0.0, 20.0, 201)
    angles, tangents = wg.jvp(lambda first: angle(first, t), (ANGLE,), (1.0,))
    return {"points": np.array(points), "t": t, "angles": angles, "tangents": tangents}


def picture(data: dict[str, Any]) -> Any:
    """The curve with its tangents; the pendulum with its sensitivity."""
    figure, (left, right) = canvas(9.6, 4.1, ncols=2)
    y = np.linspace(-1.6, 1.6, 400)
    left.plot(y**3 - y, y, color=GREY, label="y³ − y = a")
    for a, at, slope in data["points"]:
        half = 0.28 / np.hypot(1.0, slope)
        left.plot([a - half, a + half], [at - half * slope, at + half * slope], color=VERMILION, linewidth=2.4)
        left.plot(a, at, "o", color=BLACK, markersize=4)
    left.plot([], [], color=VERMILION, label="tangent: dy/da")
    fold = 1.0 / np.sqrt(3.0)
    left.plot([-2 * fold**3, 2 * fold**3], [fold, -fold], "x", color=BLUE, markersize=8, label="fold: no derivative")
    left.set(xlabel="a", ylabel="y", title="a root moves with its parameter", xlim=(-1.8, 1.8))
    left.legend(loc="lower right")
    right.plot(data["t"], data["angles"], color=BLUE, label="θ(t)")
    right.plot(data["t"], data["tangents"], color=VERMILION, label="∂θ(t) / ∂θ₀")
    right.set(xlabel="t", title="a pendulum, and its sensitivity to its start")
    right.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
