"""The table that the demo prints."""

from __future__ import annotations

from rich import box
from rich.table import Table

from demo.methods import GD, GOAL, Run

COLUMNS = ("steps", "calls", "grads", "cost", "\N{MULTIPLICATION SIGN} GD", "s", "gap", "km off")
CAPTION = f"""to a gap of {GOAL:.0e};  gap: (L - L*) / (L at the start - L*);  calls: of the loss
cost: in calls, a value with its gradient priced by its measured time
steps: for L-BFGS, evaluations;  s: seconds;  km off: the map, root mean square
*: stopped when its time was up, before it had arrived"""


def tables(groups: list[list[Run]]) -> list[Table]:
    """One table a problem, one row a method: what it took to come within the goal, and what it found."""
    return [_table(runs) for runs in groups]


def _table(runs: list[Run]) -> Table:
    problem = runs[0].problem
    view = Table(
        title=f"{problem.places.count} {problem.places.title}, {problem.variables} variables; "
        f"a value with its gradient costs {problem.gradient_cost:.1f} calls",
        title_style="bold",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    view.add_column("method", no_wrap=True)
    for name in COLUMNS:
        view.add_column(name, justify="right", no_wrap=True)
    descent = next(run for run in runs if run.method == GD)
    for run in runs:
        view.add_row(*_row(run, float(descent.cost[-1])))
    return view


def _row(run: Run, reference: float) -> list[str]:
    stopped = run.arrival is None
    at = run.gap.size - 1 if stopped else run.arrival
    error = run.problem.distance_error_km(run.result.x)
    more, factor = (">" if stopped else ""), run.cost[at] / reference
    return [
        run.method + (" *" if stopped else ""),
        f"{at:,}",
        f"{run.result.evaluations[at]:,}",
        f"{run.result.gradients[at]:,}",
        f"{run.cost[at]:,.0f}",
        more + (f"{factor:,.0f}" if factor >= 10 else f"{factor:.2g}"),
        f"{run.seconds:.2f}" if run.seconds < 10 else f"{run.seconds:.0f}",
        f"{run.gap[at]:.1e}",
        f"{error:,.1f}" if error < 100 else f"{error:,.0f}",
    ]
