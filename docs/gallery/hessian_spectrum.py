r"""The Hessian's spectrum of a residual network, before and after training.

At a random start the Hessian of the loss has large negative eigenvalues: directions in which the loss curves
downwards. Training follows them; at its end the negative tail is gone, most eigenvalues are close to zero, and a few
large positive ones stand apart (B. Ghorbani, S. Krishnan and Y. Xiao, "An investigation into neural net optimization
via Hessian eigenvalue density", ICML 2019). The network has 2,208 weights: 8 × 8 images of handwritten digits, a layer
of 16, two residual blocks $v + \tanh(v A)\,B$, and ten results. The Hessian is never formed: both densities are
estimated from products with it, by stochastic Lanczos quadrature (`wg.curvature.spectral_density`).

The images are those of `feed_forward`, the first 300 of them.
"""

from typing import Any

import numpy as np
from pictures import BLUE, VERMILION, canvas, save

import wengert as wg

WIDTH, BLOCKS, IMAGES, STEPS = 16, 2, 300, 600


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Images as rows of 64 numbers from -1 to 1, and their digits."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.data[:IMAGES] / 8.0 - 1.0, found.target[:IMAGES]


def start() -> dict[str, Any]:
    """Weights of a random network."""
    rng = np.random.default_rng(3)
    square = lambda: rng.standard_normal((WIDTH, WIDTH)) / np.sqrt(WIDTH)
    return {
        "in": rng.standard_normal((64, WIDTH)) / 8.0,
        "blocks": [(square(), square()) for _ in range(BLOCKS)],
        "out": rng.standard_normal((WIDTH, 10)) / np.sqrt(WIDTH),
    }


def loss(weights: dict[str, Any], x: np.ndarray, y: np.ndarray) -> Any:
    """Mean of -log softmax(network(x))[y]."""
    v = x @ weights["in"]
    for A, B in weights["blocks"]:
        v = v + np.tanh(v @ A) @ B
    z = v @ weights["out"]
    z = z - np.max(z, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(len(y)), y])


def data() -> dict[str, Any]:
    """Weights, spectra and extreme eigenvalues before and after training."""
    x, y = digits()
    f = lambda weights: loss(weights, x, y)
    trained = wg.optimize.adam(f, start(), 0.005, STEPS, jit=True)
    found: dict[str, Any] = {"loss": trained.values}
    for name, weights in (("before", start()), ("after", trained.x)):
        H = wg.curvature.hessian(f, weights)
        spectrum = wg.curvature.spectral_density(H, np.random.default_rng(0), samples=4, steps=60)
        found[name] = {"weights": weights, "spectrum": spectrum, "ends": (min(spectrum.nodes), max(spectrum.nodes))}
    return found


def picture(data: dict[str, Any]) -> Any:
    """Both densities, on a logarithmic scale."""
    figure, axes = canvas(9.4, 4.0, ncols=2)
    for ax, name, colour in zip(axes, ("before", "after"), (VERMILION, BLUE), strict=True):
        low, high = data[name]["ends"]
        t = np.linspace(low - 0.1 * (high - low), high + 0.1 * (high - low), 800)
        density = data[name]["spectrum"].density(t, (high - low) / 100)
        ax.semilogy(t, np.maximum(density, 1e-12), color=colour)
        ax.fill_between(t, 1e-12, np.maximum(density, 1e-12), color=colour, alpha=0.2)
        ax.axvline(0.0, color="black", linewidth=0.8)
        ax.set(title=f"{name} training: {low:.2g} to {high:.2g}", xlabel="eigenvalue", ylim=(1e-6, None))
        ax.locator_params(axis="x", nbins=6)
    axes[0].set(ylabel="density")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
