"""The five methods, the curve and the cost as HTML."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from .chart import Series, log_chart
from .cost import CostRow, Costs
from .curve import Curve
from .methods import Method, Methods
from .tables import Tables, counted

COLUMNS = 4  # directions whose values are shown


def methods_table(tables: Tables, methods: Methods) -> str:
    """One row a method; what a method cannot do is said in its row."""
    names = methods.directions[:COLUMNS]
    heads = ["Method", *(f"#along {escape(n)}" for n in names), "#Error", "#Calls of f"]
    heads += ["#Passes", "#Time", "#Size"]
    rows = [_method(m, len(names)) for m in methods.rows]
    truth = "".join(f'<td class="wg-number">{escape(_digits(t))}</td>' for t in methods.truth.texts[: len(names)])
    rows.append(f'<tr><th scope="row">truth</th>{truth}<td colspan="5">{escape(methods.truth.reference)}</td></tr>')
    more = len(methods.directions) - len(names)
    caption = "Derivatives by each method" + (f", {counted(more, 'further direction')} not shown" if more else "")
    return tables.table(caption, heads, rows)


def _method(m: Method, columns: int) -> str:
    note = f'<br><span class="wg-muted wg-note">{escape(m.note)}</span>' if m.note else ""
    head = f'<th scope="row">{escape(m.name)}</th>'
    if not m.values:
        why = f'<span class="wg-muted">{escape(m.note)}</span>'
        return f'<tr>{head}<td class="wg-why" colspan="{columns + 5}">{why}</td></tr>'
    cells = [full(v) for v in m.values[:columns]]
    cells += [error(m.relative), _count(m.evaluations), _count(m.passes), seconds(m.seconds), _count(m.size)]
    numbers = "".join(f'<td class="wg-number">{c}</td>' for c in cells)
    return f"<tr>{head.replace('</th>', note + '</th>')}{numbers}</tr>"


def _count(n: int | None) -> str:
    return "–" if n is None else f"{n:,}"


def _digits(text: str) -> str:
    """The first digits of a long decimal number."""
    mantissa, e, exponent = text.partition("e")
    return text if len(mantissa) <= 24 else f"{mantissa[:22]}…{e}{exponent}"


def full(value: Any) -> str:
    """All digits of a floating-point number."""
    return escape(repr(value.item() if isinstance(value, np.generic) else value).strip("()"))


def error(value: float) -> str:
    """`3.1e-11`; 0 where nothing differs."""
    return "–" if np.isnan(value) else ("0" if value == 0 else f"{value:.1e}")


def seconds(value: float) -> str:
    """`12.3 µs`."""
    if np.isnan(value):
        return "–"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} µs"


# the curve -------------------------------------------------------------------------------------------------------
def curve_chart(curve: Curve, prefix: str) -> str:
    """The chart of the errors; what does not apply is said by the page."""
    steps = [float(h) for h in curve.steps]
    series = [Series(line.scheme, steps, [float(e) for e in line.errors]) for line in curve.lines if line.errors.size]
    exact = [("forward mode", curve.forward), ("reverse mode", curve.reverse)]
    same = len({e for _, e in exact}) == 1
    for name, level in [("forward and reverse mode", curve.forward)] if same else exact:
        if np.isfinite(level):
            series.append(Series(f"{name}, no step" + (", no error" if level == 0 else ""), [], [level], True))
    title = f"Error of the derivative along {curve.direction} against the step"
    return log_chart(series, title, "step", "relative error", prefix)


def curve_table(tables: Tables, curve: Curve) -> str:
    """The numbers of the chart."""
    lines = [line for line in curve.lines if line.errors.size]
    heads = ["#Step", *(f"#{escape(line.scheme)}" for line in lines)]
    rows = []
    for k, h in enumerate(curve.steps):
        cells = "".join(f'<td class="wg-number">{error(float(line.errors[k]))}</td>' for line in lines)
        rows.append(f'<tr><th scope="row" class="wg-number">{h:.1e}</th>{cells}</tr>')
    return tables.table("Relative error at each step", heads, rows)


# the cost --------------------------------------------------------------------------------------------------------
def cost_table(tables: Tables, costs: Costs) -> str:
    """Operations and bytes, and their ratio to the function's own."""
    heads = ["Computed", "#Passes", "#Operations", "#× function", "#Bytes", "#× function’s bytes"]
    caption = f"{counted(costs.inputs, 'input number')}, {counted(costs.outputs, 'output number')}"
    return tables.table(caption, heads, [_cost(r) for r in costs.rows])


def _cost(r: CostRow) -> str:
    cells = (f"{r.passes:,}", f"{r.operations:,}", f"{r.operations_ratio:.3g}", f"{r.bytes:,}", f"{r.bytes_ratio:.3g}")
    numbers = "".join(f'<td class="wg-number">{c}</td>' for c in cells)
    return f'<tr><th scope="row">{escape(r.name)}</th>{numbers}</tr>'
