"""Map projections, and names placed beside their points without covering one another."""

from __future__ import annotations

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from demo.data import EARTH_KM


def equal_earth(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Equal Earth projection of degrees: (n,), (n,) -> (n, 2). Source: Savric, Patterson and Jenny 2018."""
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    theta = np.arcsin(np.sqrt(3.0) / 2.0 * np.sin(np.radians(latitude)))
    t2 = theta * theta
    slope = 9 * a4 * t2**4 + 7 * a3 * t2**3 + 3 * a2 * t2 + a1
    x = 2.0 * np.sqrt(3.0) * np.radians(longitude) * np.cos(theta) / (3.0 * slope)
    return np.stack([x, theta * (a4 * t2**4 + a3 * t2**3 + a2 * t2 + a1)], axis=-1)


def equidistant(latitude: np.ndarray, longitude: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
    """Azimuthal equidistant projection about `centre` (degrees), in km: (n,), (n,) -> (n, 2)."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    phi0, lam0 = np.radians(centre)
    cosine = np.sin(phi0) * np.sin(phi) + np.cos(phi0) * np.cos(phi) * np.cos(lam - lam0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    stretch = np.where(angle > 0.0, angle / np.sin(np.where(angle > 0.0, angle, 1.0)), 1.0)
    x = np.cos(phi) * np.sin(lam - lam0)
    y = np.cos(phi0) * np.sin(phi) - np.sin(phi0) * np.cos(phi) * np.cos(lam - lam0)
    return EARTH_KM * stretch[:, None] * np.stack([x, y], axis=1)


def to_degrees(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of the directions of points in space: (n, 3) -> (n,), (n,)."""
    unit = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-300)
    return np.degrees(np.arcsin(unit[:, 2])), np.degrees(np.arctan2(unit[:, 1], unit[:, 0]))


def draw_globe(ax: Axes) -> None:
    """Sea, meridians and parallels of the whole Earth in the Equal Earth projection."""
    line = np.linspace(-90.0, 90.0, 91)
    edge = np.concatenate([equal_earth(line, np.full(91, -180.0)), equal_earth(line[::-1], np.full(91, 180.0))])
    ax.fill(*edge.T, facecolor="#f3f7fa", edgecolor="#9fb3c1", linewidth=0.8, zorder=0)
    for longitude in range(-150, 180, 30):
        ax.plot(*equal_earth(line, np.full(91, longitude)).T, color="#dbe5ec", linewidth=0.6, zorder=1)
    for latitude in range(-60, 90, 30):
        ends = equal_earth(np.full(2, latitude), np.array([-180.0, 180.0]))
        ax.plot(*ends.T, color="#dbe5ec", linewidth=0.6, zorder=1)
    ax.set_aspect("equal")
    ax.axis("off")


def draw_graticule(ax: Axes, centre: tuple[float, float]) -> None:
    """Parallels and meridians of the contiguous United States, every 5 and 10 degrees."""
    for latitude in range(25, 55, 5):
        longitude = np.linspace(-130.0, -62.0, 90)
        ax.plot(*equidistant(np.full(90, latitude), longitude, centre).T, color="#e3e9ee", linewidth=0.7, zorder=0)
    for longitude in range(-130, -55, 10):
        latitude = np.linspace(23.0, 51.0, 40)
        ax.plot(*equidistant(latitude, np.full(40, longitude), centre).T, color="#e3e9ee", linewidth=0.7, zorder=0)
    ax.set_aspect("equal")
    ax.axis("off")


# Where a name may stand beside its point: offset in units of the text's height, and alignment.
_SIDES = [
    (0.55, 0.0, "left", "center"),
    (-0.55, 0.0, "right", "center"),
    (0.4, 0.45, "left", "bottom"),
    (0.4, -0.45, "left", "top"),
    (-0.4, 0.45, "right", "bottom"),
    (-0.4, -0.45, "right", "top"),
    (0.0, 0.6, "center", "bottom"),
    (0.0, -0.6, "center", "top"),
]


def place_labels(
    ax: Axes,
    points: np.ndarray,
    names: list[str],
    size: float,
    *,
    dot: float = 3.0,
    others: np.ndarray | None = None,
    halo: bool = False,
) -> int:
    """Write each name where it covers least, and leave out those that would cover a name. Returns how many stand.

    points: (n, 2), data coordinates;  size: of the letters, points;  dot: radius of a dot to be left free,
    pixels others: further dots to be left free;  halo: a white rim, for names that must stand among dots
    """
    pixels = ax.transData.transform(points)
    dots = pixels if others is None else ax.transData.transform(others)
    taken = [Bbox.from_extents(x - dot, y - dot, x + dot, y + dot) for x, y in dots]
    rim = [patheffects.withStroke(linewidth=2.5, foreground="white")] if halo else None
    standing: list[Bbox] = []
    for i in np.argsort(-_crowding(pixels)):  # the most crowded choose first
        text = ax.annotate(names[i], points[i], (0.0, 0.0), textcoords="offset points", fontsize=size, zorder=6)
        text.set_path_effects(rim)
        trials = [(_covered(text, side, size, standing, taken), side) for side in _SIDES]
        covered, side = min(trials, key=lambda trial: trial[0])
        if covered > 3.0 * size * size:
            text.remove()
            continue
        _covered(text, side, size, standing, taken)
        standing.append(text.get_window_extent())
    return len(standing)


def _covered(text: Annotation, side: tuple, size: float, standing: list[Bbox], taken: list[Bbox]) -> float:
    """Move the name to a side of its point; the area it then covers, that of other names counted tenfold."""
    dx, dy, horizontal, vertical = side
    text.set(position=(dx * size, dy * size), ha=horizontal, va=vertical)
    box = text.get_window_extent()
    return 10.0 * sum(_overlap(box, other) for other in standing) + sum(_overlap(box, other) for other in taken)


def _crowding(pixels: np.ndarray) -> np.ndarray:
    distance = np.linalg.norm(pixels[:, None] - pixels[None], axis=-1)
    return np.sum(1.0 / (distance + 10.0), axis=1)


def _overlap(a: Bbox, b: Bbox) -> float:
    """Area that two boxes share, in square pixels."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return max(0.0, width) * max(0.0, height)
