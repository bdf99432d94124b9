r"""A map from distances alone, with the gradient and without.

Where are the places, if only their distances are known? Multidimensional scaling minimises
$L(W) = \sum_{ij} (|W_i - W_j|^2 - D_{ij})^2$ over the coordinates W, D the squared distances, here those between 18
cities of Europe along the surface of the Earth. Gradient descent pays about three calls of L for a value with its
gradient, and needs few steps. Two-point descent has only values to go by; its direction is random, so it needs about
as many times more steps as there are variables: 36. The maps show what both have found at the same cost.

(Related to principal components: for distances that a plane fits exactly, the minimum is what the eigenvectors of the
doubly centred D give. The distances of a sphere are not such.)
"""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from pictures import BLUE, GREY, VERMILION, canvas, save

from wengert import optimize

CITIES = (
    "Lisbon Madrid London Paris Rome Berlin Vienna Warsaw Athens Stockholm Oslo Helsinki Dublin Kyiv Bucharest Moscow"
)
CITIES += " Istanbul Budapest"
EARTH_KM, GOAL = 6371.0088, 1e-4
PRICE = 3  # of a value with its gradient, in values
TABLE = Path(__file__).parents[2] / "demo" / "cities.csv"


def places() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, distances along the surface in km, and a map seen from above the middle, in km."""
    with TABLE.open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(x for x in file if not x.startswith("#")) if r["name"] in CITIES.split()]
    lat, lon = (np.radians([float(r[key]) for r in rows]) for key in ("latitude", "longitude"))
    x = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    chords = np.sqrt(np.sum((x[:, None] - x[None]) ** 2, axis=-1))
    middle = x.mean(axis=0) / np.linalg.norm(x.mean(axis=0))
    east = np.cross([0.0, 0.0, 1.0], middle) / np.linalg.norm(np.cross([0.0, 0.0, 1.0], middle))
    above = EARTH_KM * x @ np.stack([east, np.cross(middle, east)], axis=1)
    return [r["name"] for r in rows], 2 * EARTH_KM * np.arcsin(np.minimum(chords / 2, 1)), above


def laid_over(W: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """W turned, mirrored, scaled and shifted to lie as near to `truth` as it can (Procrustes)."""
    w, t = W - W.mean(axis=0), truth - truth.mean(axis=0)
    u, s, vt = np.linalg.svd(w.T @ t)
    return np.sum(s) / np.sum(w * w) * w @ (u @ vt) + truth.mean(axis=0)


def data() -> dict[str, Any]:
    """Both runs from the same start, and the maps that they have found at the cost at which descent is done."""
    names, distances, truth = places()
    unit = np.sqrt(np.mean(distances**2))
    D = (distances / unit) ** 2

    def loss(W: Any) -> Any:
        squares = np.sum(W * W, axis=1)
        return np.sum((squares[:, None] + squares[None, :] - 2.0 * (W @ W.T) - D) ** 2)

    start = 0.1 * np.random.default_rng(3).standard_normal((len(names), 2))
    best = optimize.minimize(loss, start, options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 2000})
    L, n = optimize.smoothness(loss, best.x), start.size
    target = best.fun + GOAL * (loss(start) - best.fun)
    descent = optimize.gradient_descent(loss, start, 1 / L, 5000, target=target)
    cost, maps = PRICE * descent.values.size, {}
    keep = lambda k, x, value: maps.setdefault("two-point", x) is None if 2 * k >= cost else False
    two_point = optimize.zeroth_order_descent(loss, start, 1 / (n * L), 60_000, target=target, callback=keep)
    maps["gradient"] = descent.x
    gap = lambda r: (r.values - best.fun) / (loss(start) - best.fun)
    return {
        "names": names,
        "truth": truth,
        "maps": {name: laid_over(unit * W, truth) for name, W in maps.items()},
        "gaps": {"gradient": gap(descent), "two-point": gap(two_point)},
        "cost": {"gradient": PRICE * descent.evaluations, "two-point": two_point.evaluations},
        "steps": {"gradient": descent.values.size - 1, "two-point": two_point.values.size - 1},
        "variables": n,
        "best": best,
    }


def picture(data: dict[str, Any]) -> Any:
    """The gap against the cost; both maps over the true one."""
    colours = {"gradient": BLUE, "two-point": VERMILION}
    titles = {"gradient": "with the gradient", "two-point": "two values at a time, same cost"}
    figure, axes = canvas(10.6, 3.9, ncols=3)
    for name, colour in colours.items():
        axes[0].loglog(
            data["cost"][name], data["gaps"][name], color=colour, label=f"{name}: {data['steps'][name]:,} steps"
        )
    axes[0].set(
        xlabel="cost, in calls of L",
        ylabel="what is left of the loss",
        title=f"{data['variables']} variables",
        ylim=(3e-6, 3),
    )
    axes[0].legend(loc="lower left", fontsize=9)
    for ax, (name, colour) in zip(axes[1:], colours.items(), strict=True):
        for found, true, city in zip(data["maps"][name], data["truth"], data["names"], strict=True):
            ax.plot(*np.stack([found, true], axis=1) / 1e3, color=GREY, linewidth=0.7)
            if city in ("Lisbon", "Dublin", "Helsinki", "Moscow", "Athens", "Paris", "Istanbul"):
                ax.annotate(city, true / 1e3, (5, 5), textcoords="offset points", fontsize=8, color=GREY)
        ax.plot(*data["truth"].T / 1e3, "o", color=GREY, markerfacecolor="none", markersize=6)
        ax.plot(*data["maps"][name].T / 1e3, "o", color=colour, markersize=4.5)
        ax.set(aspect="equal", title=titles[name], xlabel="1,000 km", xlim=(-2.4, 2.2), ylim=(-1.6, 1.6))
    return figure


if __name__ == "__main__":
    save(picture(data()), __file__)
