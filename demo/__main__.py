"""`python -m demo`: maps from distances, with gradients and without; pictures in demo/out/ and one table."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from demo import charts, data, maps, methods, report
from demo.mds import Problem

SIZES = {8: 7, 16: 5, 32: 3, 64: 2}  # number of cities: how many random sets of them
PATIENCE_S = 8.0  # for each method without gradients on the airports, where it would need hours


def main() -> None:
    console = Console()
    console.print(
        "[bold]Multidimensional scaling[/]: where are the places, if only their distances are known?\n"
        "L(W) = sum_ij (|W_i - W_j|^2 - D_ij)^2 -> min, over the coordinates W\n"
    )
    columns = (
        TextColumn("{task.description:40}"),
        BarColumn(36),
        TextColumn("{task.percentage:3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        cities, airports = Problem(data.cities()), Problem(data.airports())
        groups = [
            solve(cities, progress, maps.MOMENTS["cities"], 60.0),
            solve(airports, progress, maps.MOMENTS["airports"], PATIENCE_S),
        ]
        points = law_of_dimension(cities, groups[0], progress)
        drawing = progress.add_task("drawing", total=4)
        paths = []
        for path in pictures(groups, points):
            paths.append(path)
            progress.advance(drawing)
    for table in report.tables(groups):
        console.print(table)
    console.print(report.CAPTION, style="dim")
    _, steps, _ = points[-1]
    console.print(
        f"\nTwo-point descent made {steps:.0f} steps for each step of gradient descent in {cities.variables} "
        f"dimensions: {steps / cities.variables:.2f} n."
    )
    descent = groups[1][0]
    console.print(f"At that rate it would need {2 * airports.variables * descent.arrival:,.0f} calls for the airports.")
    console.print("Pictures: " + ", ".join(str(path.relative_to(path.parents[2])) for path in paths))


def solve(problem: Problem, progress: Progress, keep: set[int], limit_s: float) -> list[methods.Run]:
    """All four methods; two-point keeps the iterate that it has reached when gradient descent was done."""
    descent = methods.run(problem, methods.GD, progress, keep=keep)
    same_cost = {int(descent.cost[-1] / 2)}  # a two-point step is two calls
    return [
        descent,
        methods.run(problem, methods.LBFGS, progress),
        methods.run(problem, methods.MULTI, progress, limit_s=limit_s),
        methods.run(problem, methods.TWO, progress, limit_s=limit_s, keep=same_cost),
    ]


def law_of_dimension(cities: Problem, runs: list[methods.Run], progress: Progress) -> list[tuple[int, float, float]]:
    """(n, steps of two-point over steps of gradient descent, cost over cost), on random sets of cities."""
    sets = [(count, seed) for count, repeats in SIZES.items() for seed in range(repeats)]
    pairs = []
    task = progress.add_task("the law of dimension", total=len(sets))
    with Progress(disable=True) as silent:
        for count, seed in sets:
            problem = Problem(cities.places.first(count, np.random.default_rng(seed)), seed)
            pairs.append([methods.run(problem, name, silent, seed=seed) for name in (methods.GD, methods.TWO)])
            progress.advance(task)
    pairs.append([run for run in runs if run.method in (methods.GD, methods.TWO)])
    return [
        (a.problem.variables, b.arrival / a.arrival, b.cost[b.arrival] / a.cost[a.arrival])
        for a, b in pairs
        if a.arrival and b.arrival
    ]


def pictures(groups: list[list[methods.Run]], points: list[tuple[int, float, float]]):
    """Draw them one by one, so that the progress bar can follow."""
    by_name = [{run.method: run for run in runs} for runs in groups]
    yield charts.convergence(groups)
    yield charts.dimension(points)
    yield maps.world(by_name[0][methods.GD], by_name[0][methods.TWO])
    yield maps.states(by_name[1][methods.GD], by_name[1][methods.TWO])


if __name__ == "__main__":
    main()
