r"""Newton's method without a Hessian: steps by conjugate gradients.

Each step solves $H p = -g$ by conjugate gradients, which ask for products $H v$ only
(`wg.curvature.hessian(f, x).operator`); roughly while the gradient is large, ever more exactly as it falls, so that the
convergence is quadratic in the end (R. S. Dembo, S. C. Eisenstat and T. Steihaug, "Inexact Newton methods", 1982). The
function is the regularised loss of a logistic regression in 500 weights, whose features are scaled over three orders
of magnitude: what makes gradient descent slow is what the curvature corrects. Work is counted in gradients; a product
with the Hessian counts as two.
"""

from typing import Any

import numpy as np
from pictures import BLUE, GREY, VERMILION, canvas, save
from scipy.sparse.linalg import cg

import wengert as wg

SAMPLES, WEIGHTS = 2000, 500
TOLERANCE = 1e-11


def problem() -> tuple[np.ndarray, np.ndarray]:
    """Features of very different scales, and labels -1 and 1 that depend on them."""
    rng = np.random.default_rng(1)
    features = rng.standard_normal((SAMPLES, WEIGHTS)) * np.geomspace(1.0, 1e-3, WEIGHTS)
    labels = np.sign(features @ (rng.standard_normal(WEIGHTS) / np.geomspace(1.0, 0.1, WEIGHTS)))
    return features, labels


def loss_of(features: np.ndarray, labels: np.ndarray) -> Any:
    """Mean of log(1 + exp(-label * score)), and a little of |w|^2."""
    return lambda w: np.mean(np.logaddexp(0.0, -labels * (features @ w))) + 1e-4 * (w @ w)


def newton_cg(f: Any, w: Any) -> Any:
    """For each step the gradients spent so far and the norm of the gradient; and the weights found."""
    f, gradient = wg.jit(f), wg.jit(wg.grad(f))
    spent, path = 0, []
    while True:
        g = gradient(w)
        size = np.linalg.norm(g)
        spent += 1
        path.append((spent, size))
        if size < TOLERANCE:
            return np.array(path), w
        products: list[Any] = []
        H = wg.curvature.hessian(f, w)
        p, _ = cg(H.operator, -g, rtol=min(0.5, np.sqrt(size)), callback=products.append)
        spent += 2 * len(products)
        step = 1.0
        while f(w + step * p) > f(w) + 1e-4 * step * (g @ p):
            step /= 2
        w = w + step * p


def descent(f: Any, w: Any, steps: int) -> Any:
    """The same of gradient descent, with the largest step that is safe."""
    gradient = wg.jit(wg.grad(f))
    largest = wg.curvature.eigenpairs(wg.curvature.hessian(wg.jit(f), w))[0][0]
    path = []
    for k in range(steps):
        g = gradient(w)
        path.append((k + 1, np.linalg.norm(g)))
        w = w - g / largest
    return np.array(path)


def data() -> dict[str, Any]:
    """The paths of both methods."""
    f = loss_of(*problem())
    newton, w = newton_cg(f, np.zeros(WEIGHTS))
    return {"newton": newton, "w": w, "descent": descent(f, np.zeros(WEIGHTS), int(2 * newton[-1, 0]))}


def picture(data: dict[str, Any]) -> Any:
    """The gradient's norm against the work."""
    figure, ax = canvas(7.0, 4.2)
    ax.semilogy(*data["descent"].T, color=VERMILION, label="gradient descent")
    ax.semilogy(*data["newton"].T, "o-", color=BLUE, label="Newton's method by conjugate gradients")
    ax.axhline(TOLERANCE, color=GREY, linestyle="--", linewidth=1.0)
    ax.set(xlabel="gradients (a product with the Hessian is two)", ylabel="norm of the gradient")
    ax.set_title(f"A logistic regression in {WEIGHTS} weights")
    ax.legend(loc="center right")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
