r"""Problems inside problems: a penalty, a layer that is an equation, and the rates of a stiff reaction.

Each of these is minimised over parameters of which another problem's *solution* is a function; its derivative comes
from `wg.implicit`, not from the iterations of the solver inside.

On the left, how well a fit predicts other data, over its penalty $\lambda$: $w(\lambda) = \arg\min |Aw - b|^2 +
\lambda |w|^2$, and the logarithmic loss of a logistic regression likewise. The tangents are gradients through
`implicit.minimize`; the crosses stand where following them ended.

In the middle, the training of a layer without depth: its output is the fixed point $z = \tanh(Wz + Ux + c)$, found by
`implicit.fixed_point` (S. Bai, J. Z. Kolter, V. Koltun, "Deep equilibrium models", 2019). Reverse mode keeps $z$, and
none of the rounds that led to it.

On the right, Robertson's reaction, whose three rates differ by a factor of $10^9$, fitted to seven noisy measurements
of each concentration. The steps of `ode(..., method="rodas4")` follow the error, compile with the loss, and have a
discrete adjoint.
"""

from typing import Any

import numpy as np
from pictures import BLACK, BLUE, GREEN, GREY, VERMILION, canvas, save

import wengert as wg
from wengert import implicit

RATES = np.array([0.04, 1e4, 3e7])


# a penalty -------------------------------------------------------------------------------------------------------
def samples() -> tuple[np.ndarray, ...]:
    """Features and values to fit, and others to predict: (24, 12), (24,), (200, 12), (200,)."""
    rng = np.random.default_rng(4)
    w = rng.standard_normal(12)
    A, B = rng.standard_normal((24, 12)), rng.standard_normal((200, 12))
    return A, A @ w + 2.5 * rng.standard_normal(24), B, B @ w + 2.5 * rng.standard_normal(200)


def ridge(log_penalty: Any, A: np.ndarray, b: np.ndarray) -> Any:
    """The coefficients of the penalised least-squares fit."""
    loss = lambda w: np.sum((A @ w - b) ** 2) + np.exp(log_penalty) * np.sum(w**2)
    return implicit.minimize(loss, np.zeros(12), linear="cholesky")


def logistic(log_penalty: Any, A: np.ndarray, b: np.ndarray) -> Any:
    """Those of the penalised logistic regression of the signs."""
    loss = lambda w: np.sum(np.logaddexp(0.0, -np.sign(b) * (A @ w))) + 0.5 * np.exp(log_penalty) * np.sum(w**2)
    return implicit.minimize(loss, np.zeros(12), linear="cholesky")


def square_error(log_penalty: Any) -> Any:
    """Of the prediction of the other data, by the ridge fit: a mean, in units of their variance."""
    A, b, B, c = samples()
    return np.mean((B @ ridge(log_penalty, A, b) - c) ** 2) / np.var(c)


def log_loss(log_penalty: Any) -> Any:
    """Of the signs of the other data, by the logistic fit: a mean, in bits."""
    A, b, B, c = samples()
    return np.mean(np.logaddexp(0.0, -np.sign(c) * (B @ logistic(log_penalty, A, b)))) / np.log(2.0)


# a layer that is an equation -------------------------------------------------------------------------------------
def equilibrium(p: dict[str, Any], x: Any) -> Any:
    """z = tanh(W z + U x + c), (8,), with W / (1 + |W|^2)^1/2 for W, so that there is one z, and rounds lead to it."""
    W = p["W"] / np.sqrt(1.0 + np.sum(p["W"] ** 2))
    return implicit.fixed_point(lambda z: np.tanh(W @ z + p["U"] * x + p["c"]), np.zeros(8))


def error(p: dict[str, Any], x: np.ndarray, y: np.ndarray) -> Any:
    """The mean square of what the layer gives for x, less y."""
    return np.mean((wg.vmap(lambda x: p["v"] @ equilibrium(p, x))(x) - y) ** 2)


def trained(rounds: int = 60) -> tuple[list[float], dict[str, Any]]:
    """The error in each round of the training of a layer to give sin(3 x), by BFGS, and the layer."""
    rng = np.random.default_rng(0)
    shapes = {"W": (8, 8), "U": (8,), "c": (8,), "v": (8,)}
    start = {name: 0.3 * rng.standard_normal(shape) for name, shape in shapes.items()}
    x = np.linspace(-1.0, 1.0, 24)
    errors: list[float] = []
    loss = lambda p: error(p, x, np.sin(3.0 * x))
    note = lambda number, p, value: errors.append(float(value))
    found = wg.optimize.minimize(loss, start, method="BFGS", callback=note, options={"maxiter": rounds})
    return errors, found.x


# a stiff reaction ------------------------------------------------------------------------------------------------
TIMES = np.array([0.0, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3, 1e4])
SCALES = np.array([1.0, 3e4, 1.0])


def concentrations(log_rates: Any, t: np.ndarray) -> Any:
    """Robertson's three concentrations at the times t, (T, 3)."""

    def rates(t: Any, y: Any) -> Any:
        k = np.exp(log_rates)
        one, two, three = k[0] * y[0], k[1] * y[1] * y[2], k[2] * y[1] ** 2
        return np.stack([two - one, one - two - three, three])

    return implicit.ode(rates, np.array([1.0, 0.0, 0.0]), t, method="rodas4", rtol=1e-5, atol=1e-9)


def fitted() -> dict[str, Any]:
    """Measurements with one per cent of noise, and rates that were found from twice and half of the true ones."""
    rng = np.random.default_rng(2)
    measured = concentrations(np.log(RATES), TIMES) * SCALES + 0.01 * rng.standard_normal((8, 3))
    loss = wg.jit(lambda q: np.sum((concentrations(q, TIMES)[1:] * SCALES - measured[1:]) ** 2))
    start = np.log(RATES * np.array([2.0, 0.5, 2.0]))
    found = wg.optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-7}).x
    slopes = wg.jacfwd(lambda q: (concentrations(q, TIMES)[1:] * SCALES).ravel())(found)
    errors = 0.01 * np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes)))  # of logarithms, by the linearised fit
    return {"measured": measured, "start": start, "rates": found, "errors": errors, "loss": loss}


# the picture -----------------------------------------------------------------------------------------------------
def data() -> dict[str, Any]:
    """Curves with tangents and minima; errors in training; measurements and fits."""
    grid, at = np.linspace(-3.0, 7.0, 41), np.array([-2.0, 1.0, 4.5, 6.0])
    curves = {}
    for name, f in (("square error, ridge", square_error), ("bits, logistic", log_loss)):
        best = float(wg.optimize.minimize(f, 0.0).x)
        values, slopes = wg.map(wg.value_and_grad(f), at)
        curves[name] = {"values": [float(f(q)) for q in grid], "at": values, "slopes": slopes, "best": best, "f": f}
    errors, layer = trained()
    return {"grid": grid, "at": at, "curves": curves, "errors": errors, "layer": layer, "fit": fitted()}


def picture(data: dict[str, Any]) -> Any:
    """The three, side by side."""
    figure, (left, middle, right) = canvas(12.6, 4.0, ncols=3)
    for (name, curve), color in zip(data["curves"].items(), (BLUE, GREEN), strict=True):
        left.plot(data["grid"], curve["values"], color=color, label=name)
        for x, y, slope in zip(data["at"], curve["at"], curve["slopes"], strict=True):
            left.plot([x - 0.7, x + 0.7], [y - 0.7 * slope, y + 0.7 * slope], color=VERMILION, linewidth=2.4)
        left.plot(curve["best"], curve["f"](curve["best"]), "x", color=BLACK, markersize=9)
    left.set(xlabel="logarithm of the penalty", title="which penalty predicts best?")
    left.legend()
    middle.semilogy(np.arange(1, len(data["errors"]) + 1), data["errors"], color=BLUE)
    middle.set(xlabel="round of BFGS", ylabel="mean square error", title="a layer that is an equation")
    fit, t = data["fit"], np.concatenate([[0.0], np.logspace(-2, 4, 61)])
    for column, (name, color) in enumerate((("A", BLUE), ("B × 30,000", VERMILION), ("C", GREEN))):
        right.semilogx(TIMES[1:], fit["measured"][1:, column], "o", color=color, label=name)
        for rates, style, shade in ((fit["start"], ":", GREY), (fit["rates"], "-", color)):
            right.semilogx(t[1:], concentrations(rates, t)[1:, column] * SCALES[column], style, color=shade)
    right.semilogx([], [], ":", color=GREY, label="before the fit")
    right.set(xlabel="time", title="the rates of a stiff reaction")
    right.legend()
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
