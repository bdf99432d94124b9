r"""Hutchinson's estimate: the trace of a Hessian that is never formed.

For random vectors v of independent signs, $\mathbb{E}\, v^\top H v = \operatorname{tr} H$ (M. F. Hutchinson, 1990).
Each product $H v$ is one `wg.hvp`, forward over reverse, at the cost of a few evaluations of f, whatever the number
of variables. The error of the mean of V of them falls as $1/\sqrt V$, with the variance $2 \sum_{i \ne j} H_{ij}^2$
of a single one: the dashed line is computed, not fitted.
"""

from typing import Any

import numpy as np
from pictures import BLACK, BLUE, canvas, save

import wengert as wg

N, REPEATS = 60, 64
SAMPLES = 2 ** np.arange(0, 11)


def f(x: Any) -> Any:
    """The logarithm of a sum of exponentials of random projections, and a well."""
    A = np.random.default_rng(7).standard_normal((N, N)) / 4.0
    return np.log(np.sum(np.exp(A @ x))) + np.sum(np.cos(x) * x[::-1] ** 2) / 10.0


def data() -> dict[str, Any]:
    """The trace; for each V the relative errors of many estimates; and the standard deviation that theory gives."""
    x = np.linspace(-1.0, 1.0, N)
    product = wg.jit(lambda v: wg.hvp(f, (x,), (v,)))
    batch = wg.jit(wg.vmap(lambda v: v @ wg.hvp(f, (x,), (v,))))
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (REPEATS, SAMPLES[-1], N))
    samples = np.array([batch(v) for v in signs])
    means = np.cumsum(samples, axis=1)[:, SAMPLES - 1] / SAMPLES
    hessian = np.stack([product(e) for e in np.eye(N)])
    spread = np.sqrt(2 * (np.sum(hessian**2) - np.sum(np.diag(hessian) ** 2)))
    trace = np.trace(hessian)
    return {"trace": trace, "errors": abs(means - trace) / abs(trace), "theory": spread / abs(trace) / np.sqrt(SAMPLES)}


def picture(data: dict[str, Any]) -> Any:
    """Relative error against the number of products."""
    figure, ax = canvas(7.0, 4.2)
    for run in data["errors"][:24]:
        ax.loglog(SAMPLES, run, ".", color=BLUE, alpha=0.3, markersize=5)
    rms = np.sqrt(np.mean(data["errors"] ** 2, axis=0))
    ax.loglog(SAMPLES, rms, "o-", color=BLUE, label=f"root mean square of {REPEATS} runs")
    ax.loglog(SAMPLES, data["theory"], "--", color=BLACK, linewidth=1.4, label=r"theory, $\propto 1/\sqrt{V}$")
    ax.plot([], [], ".", color=BLUE, alpha=0.5, label="single runs")
    ax.set(xlabel="Hessian-vector products V", ylabel="relative error of the trace", ylim=(1e-4, None))
    ax.set_title(f"The trace of a {N} × {N} Hessian, without the Hessian")
    ax.legend(loc="lower left")
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
