"""The maps: the world from its tunnels, the United States from their flights."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from demo import worldmap
from demo.data import Places, all_airports, on_sphere
from demo.mds import procrustes
from demo.methods import Run
from demo.style import GREY, headline, legend, save

REGIONS = {
    "Africa": "#c98a1b",
    "Asia": "#c8452f",
    "Europe": "#2a6fb0",
    "North America": "#3c8d5a",
    "South America": "#7a55a5",
    "Oceania": "#1d9aa5",
}
ZONES = {"Pacific": "#1d9aa5", "Mountain": "#c98a1b", "Central": "#7a55a5", "Eastern": "#c8452f"}
ZONE_OF = {"Los_Angeles": "Pacific", "Denver": "Mountain", "Boise": "Mountain", "Phoenix": "Mountain"}
ZONE_OF |= {"Chicago": "Central", "Menominee": "Central"}  # the rest is Eastern
# fmt: off
HUBS = {
    "SEA", "GEG", "PDX", "BOI", "SFO", "LAS", "LAX", "SAN", "PHX", "SLC", "DEN", "BIL", "ABQ", "ELP", "RAP", "FAR",
    "MSP", "MCI", "DFW", "BRO", "IAH", "MSY", "STL", "ORD", "CMX", "DTW", "PIT", "ATL", "CLT", "MIA", "MCO", "EYW",
    "IAD", "JFK", "BOS", "BGR",
}
# fmt: on
MOMENTS = {"cities": {5, 25}, "airports": {0, 10, 40}}  # steps of the descent that the small maps show


def world(descent: Run, blind: Run) -> Path:
    """The cities as the gradient finds them; below, on the way, and without the gradient at the same cost."""
    places, land = descent.problem.places, all_airports()
    figure = plt.figure(figsize=(15, 11.0))
    headline(
        figure,
        f"{places.count} cities, placed from nothing but the lengths of straight tunnels between them",
        f"Gradient descent, {descent.result.values.size - 1} steps from a random start: distances right to "
        f"{descent.problem.distance_error_km(descent.result.x):.1f} km (root mean square). "
        "Grey: airports, drawn to show the land.",
    )
    legend(figure, REGIONS, 1.02)
    main = figure.add_axes((0.01, 0.25, 0.98, 0.665))
    drawn = _globe(main, places, descent.result.x, land, 30)
    figure.canvas.draw()  # the names are placed in pixels, which this settles
    worldmap.place_labels(main, drawn, places.names, 8.0, dot=4.5)
    titles = [f"after {k} steps" for k in sorted(MOMENTS["cities"])]
    titles += ["without gradients (two-point), at the cost of the whole descent"]
    for i, (W, title) in enumerate(zip([*descent.snapshots, blind.snapshots[-1]], titles, strict=True)):
        ax = figure.add_axes((0.005 + 0.332 * i, 0.012, 0.326, 0.225))
        _globe(ax, places, W, land, 9)
        ax.set_title(title, fontsize=10, color=GREY, pad=3)
    return save(figure, "cities.png")


def _globe(ax: Axes, places: Places, W: np.ndarray, land: np.ndarray, dot: float) -> np.ndarray:
    """Draw the Earth, the places found, a thread from each to where it belongs; returns their positions."""
    truth = on_sphere(places.latitude, places.longitude)
    latitude, longitude = worldmap.to_degrees(procrustes(W, truth))
    drawn = worldmap.equal_earth(latitude, longitude)
    true = worldmap.equal_earth(places.latitude, places.longitude)
    worldmap.draw_globe(ax)
    ax.scatter(*worldmap.equal_earth(*land.T).T, s=dot / 9, color="#bccad4", linewidth=0, zorder=2)
    colours = [REGIONS[group] for group in places.groups]
    for a, b, colour, turn in zip(drawn, true, colours, np.abs(longitude - places.longitude), strict=True):
        if turn < 180.0:  # a thread across the map's edge would run round the whole world
            ax.plot(*zip(a, b, strict=True), color=colour, linewidth=0.6, alpha=0.35, zorder=3)
    ax.scatter(*drawn.T, s=dot, c=colours, linewidth=0.5, edgecolor="white", zorder=5)
    return drawn


def states(descent: Run, blind: Run) -> Path:
    """The airports: the start, two moments of the descent, two-point at the same cost, and the best map."""
    problem, places = descent.problem, descent.problem.places
    centre = (float(places.latitude.mean()), float(places.longitude.mean()))
    truth = worldmap.equidistant(places.latitude, places.longitude, centre)
    colours = np.array([ZONES[ZONE_OF.get(zone.split("/")[-1], "Eastern")] for zone in places.groups])
    figure = plt.figure(figsize=(13, 11.4))
    headline(
        figure,
        f"{places.count} American airports, placed from their distances by air",
        "No flat map keeps every distance on a globe: this one, the best for the loss, is wrong by "
        f"{problem.distance_error_km(problem.best.x):.1f} km (root mean square),\nwhere the distances are "
        f"{problem.unit_km:,.0f} km. Below: the map; above: on the way there.",
    )
    legend(figure, {f"{zone} time": colour for zone, colour in ZONES.items()}, 1.25)
    titles = [f"after {k} steps" if k else "the start" for k in sorted(MOMENTS["airports"])]
    titles += ["without gradients (two-point),\nat the cost of the whole descent"]
    for i, (W, title) in enumerate(zip([*descent.snapshots, blind.snapshots[-1]], titles, strict=True)):
        ax = figure.add_axes((0.015 + 0.245 * i, 0.625, 0.235, 0.19))
        ax.scatter(*procrustes(W, truth).T, s=9, c=colours, linewidth=0)
        ax.set_aspect("equal")
        ax.axis("off")
        ax.set_title(title, fontsize=10, color=GREY, pad=6, va="bottom")
    main = figure.add_axes((0.01, 0.01, 0.98, 0.60))
    _airports(main, places, procrustes(problem.best.x, truth), colours, centre)
    return save(figure, "airports.png")


def _airports(ax: Axes, places: Places, drawn: np.ndarray, colours: np.ndarray, centre: tuple) -> None:
    """Every airport a dot, the hubs with their codes, over parallels and meridians."""
    worldmap.draw_graticule(ax, centre)
    hubs = [i for i, name in enumerate(places.names) if name in HUBS]
    ax.scatter(*drawn.T, s=22, c=colours, linewidth=0, alpha=0.75, zorder=4)
    ax.scatter(*drawn[hubs].T, s=58, c=colours[hubs], linewidth=1.2, edgecolor="white", zorder=5)
    ax.figure.canvas.draw()
    worldmap.place_labels(ax, drawn[hubs], [places.names[i] for i in hubs], 10.5, others=drawn, halo=True)
