"""Two sets of real distances: world cities through the Earth, US airports along its surface."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

EARTH_KM = 6371.0088  # mean radius (IUGG)


@dataclass(frozen=True)
class Places:
    """Named points on the Earth, in degrees, and the distances between them in kilometres.

    dimension: of the space in which the distances are to be drawn: 3 (exact for chords) or 2 (a flat map)
    """

    title: str
    names: list[str]
    groups: list[str]
    latitude: np.ndarray
    longitude: np.ndarray
    distances: np.ndarray
    dimension: int

    @property
    def count(self) -> int:
        return len(self.names)

    def first(self, count: int, rng: np.random.Generator) -> Places:
        """A random subset of `count` places."""
        keep = np.sort(rng.permutation(self.count)[:count])
        return Places(
            f"{count} of {self.title}",
            [self.names[i] for i in keep],
            [self.groups[i] for i in keep],
            self.latitude[keep],
            self.longitude[keep],
            self.distances[np.ix_(keep, keep)],
            self.dimension,
        )


def on_sphere(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Unit vectors of points given in degrees: (n,), (n,) -> (n, 3)."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)


def chords(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Straight distances through the Earth, in km."""
    x = on_sphere(latitude, longitude)
    return EARTH_KM * np.sqrt(np.sum((x[:, None] - x[None]) ** 2, axis=-1))


def great_circles(latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Distances along the surface, in km; by half chords, which keeps short distances accurate."""
    return 2.0 * EARTH_KM * np.arcsin(np.clip(chords(latitude, longitude) / (2.0 * EARTH_KM), 0.0, 1.0))


def cities() -> Places:
    """World cities of demo/cities.csv, with the distances of straight tunnels: a globe fits them exactly."""
    with (Path(__file__).parent / "cities.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    latitude, longitude = (np.array([float(r[key]) for r in rows]) for key in ("latitude", "longitude"))
    return Places(
        "world cities",
        [r["name"] for r in rows],
        [r["region"] for r in rows],
        latitude,
        longitude,
        chords(latitude, longitude),
        dimension=3,
    )


def airports() -> Places:
    """The airports of the 48 contiguous states that have an IATA code and are called International or Regional.

    Their great-circle distances fit no flat map exactly. Names are IATA codes, groups are time zones.
    Source: the package airportsdata (MIT licence).
    """
    rows = [
        r
        for r in _airportsdata().values()
        if r["country"] == "US"
        and 24 < r["lat"] < 50
        and -125 < r["lon"] < -66
        and ("International" in r["name"] or "Regional" in r["name"])
    ]
    rows.sort(key=lambda r: r["iata"])
    latitude, longitude = (np.array([r[key] for r in rows]) for key in ("lat", "lon"))
    return Places(
        "US airports",
        [r["iata"] for r in rows],
        [r["tz"] for r in rows],
        latitude,
        longitude,
        great_circles(latitude, longitude),
        dimension=2,
    )


def all_airports() -> np.ndarray:
    """Latitude and longitude of every airport with an IATA code: shows where there is land. (n, 2), degrees."""
    return np.array([(r["lat"], r["lon"]) for r in _airportsdata().values()])


def _airportsdata() -> dict:
    try:
        import airportsdata
    except ImportError:
        raise SystemExit("The demo needs the package airportsdata: pip install 'wengert[demo]'") from None
    return airportsdata.load("IATA")
