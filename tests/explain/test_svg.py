"""Pictures: well formed, accessible, wide enough for their text, readable in light and in dark."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import explained_functions as functions
from wengert.explain import explain
from wengert.explain.chart import Series, log_chart
from wengert.explain.measure import text_width
from wengert.explain.svg import PALETTE, Picture, standalone_style

SVG = "{http://www.w3.org/2000/svg}"


def pictures():
    for name in functions.NAMES:
        e = functions.explanation(name)
        yield from (e.graph, e.extended_graph)


# form ------------------------------------------------------------------------------------------------------------
def test_pictures_are_xml_with_unique_ids_that_references_find():
    for picture in pictures():
        root = ElementTree.fromstring(picture.svg("p"))
        ids = [e.get("id") for e in root.iter() if e.get("id")]
        assert len(ids) == len(set(ids)) and all(i.startswith("p-") for i in ids)
        assert set(root.get("aria-labelledby").split()) <= set(ids)
        assert root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text


def test_each_box_and_each_edge_is_there():
    picture = functions.explanation("bell").extended_graph
    root = ElementTree.fromstring(picture.svg())
    boxes = [g for g in root.iter(f"{SVG}g") if "wg-node" in g.get("class", "")]
    edges = [g for g in root.iter(f"{SVG}g") if "wg-edge" in g.get("class", "")]
    assert len(boxes) == len(picture.graph.nodes) and len(edges) == len(picture.graph.edges)
    assert all(g.get("role") == "img" and g.get("aria-label") and g.find(f"{SVG}title").text for g in boxes)
    adjoint = [g for g in boxes if "wg-adjoint" in g.get("class")]
    assert len(adjoint) == sum(n.half for n in picture.graph.nodes)


def test_names_are_escaped():
    x = {"<b>&'\"": np.float64(2.0)}
    picture = explain(lambda p: p["<b>&'\""] ** 2, x).graph
    texts = [t.text for t in ElementTree.fromstring(picture.svg()).iter(f"{SVG}tspan")]
    assert any("<b>&" in (t or "") for t in texts)


def test_a_picture_is_saved_and_shown_by_notebooks(tmp_path):
    picture = functions.explanation("bell").graph
    picture.save(tmp_path / "bell.svg")
    assert (tmp_path / "bell.svg").read_text(encoding="utf-8") == picture.svg() == picture._repr_svg_()


def test_the_same_graph_is_drawn_the_same():
    first, second = (explain(functions.bell, 2.0, 0.5).extended_graph.svg() for _ in range(2))
    assert first == second


def test_edges_end_where_their_arrows_point():
    for picture in pictures():
        for g in ElementTree.fromstring(picture.svg()).iter(f"{SVG}g"):
            if "wg-edge" in g.get("class", ""):
                line, head = (p.get("d") for p in g.findall(f"{SVG}path"))
                end = re.search(r"L(\S+) (\S+)L", head)
                x, y = float(end[1]), float(end[2])
                numbers = [float(v) for v in re.findall(r"-?\d+\.?\d*", line)]
                last = numbers[-1]
                upwards = "wg-adjoint" in g.get("class")
                assert abs(last - (y + (6 if upwards else -6))) < 0.11
                assert numbers[0] >= 0 and x >= 0


# width -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("font", "fixed"), [("DejaVuSans", False), ("DejaVuSans-Bold", False), ("DejaVuSansMono", True)]
)
def test_text_is_never_wider_than_it_is_taken_to_be(font, fixed):
    """Against the advance widths in the font's own table; matplotlib brings the font."""
    ttlib = pytest.importorskip("fontTools.ttLib")
    matplotlib = pytest.importorskip("matplotlib")
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    table = ttlib.TTFont(path)
    characters, advances, em = table.getBestCmap(), table["hmtx"], table["head"].unitsPerEm
    for c in map(chr, (*range(32, 127), *range(0x3B1, 0x3CA), *map(ord, "ΓΔΘΛΞΠΣΦΨΩ²³⁴₀₁₂₉ₖ×−·…∂√∑≤≥≠∞→←‖"))):
        if ord(c) in characters:
            width = advances[characters[ord(c)]][0] / em * 100
            assert width - 0.51 <= text_width(c, 100, fixed), c
            assert text_width(c, 100, fixed) <= 1.7 * width + 20, c
    assert text_width("x\u0304", 100) == text_width("x", 100)
    assert text_width("变量", 10) == 20


def test_boxes_are_as_wide_as_their_text():
    for picture in pictures():
        for lines, (width, height) in zip(picture.lines, picture.sizes, strict=True):
            assert width >= max(line.width for line in lines) + 16
            assert height >= 17 * len(lines) + 8


# colours ---------------------------------------------------------------------------------------------------------
def luminance(colour: str) -> float:
    """Relative luminance, by WCAG 2.2."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    lighter, darker = sorted((luminance(a), luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


GROUNDS = ("paper", "panel", "primal-fill", "adjoint-fill", "tangent-fill", "mark")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("text", ["ink", "muted", "adjoint", "tangent", "accent"])
def test_text_has_a_contrast_of_four_and_a_half(text, dark):
    for ground in GROUNDS:
        assert contrast(PALETTE[text][dark], PALETTE[ground][dark]) >= 4.5, ground


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("line", ["primal", "adjoint", "tangent", "line", "saved", "given", "focus", "accent"])
def test_lines_have_a_contrast_of_three(line, dark):
    assert contrast(PALETTE[line][dark], PALETTE["paper"][dark]) >= 3.0


def test_a_picture_alone_names_no_variables():
    style = standalone_style()
    assert "var(" not in style and "prefers-color-scheme:dark" in style
    assert all(colours[0] in style for name, colours in PALETTE.items() if name in ("ink", "adjoint", "primal"))


# the chart -------------------------------------------------------------------------------------------------------
def test_points_of_the_chart_are_where_they_belong():
    steps = [1.0, 1e-2, 1e-4]
    chart = log_chart(
        [Series("a & b", steps, [1e-1, 1e-3, 0.0]), Series("level", [], [1e-12], True)], "t", "x", "y", "q"
    )
    root = ElementTree.fromstring(chart)
    group = next(g for g in root.iter(f"{SVG}g") if "wg-s0" in g.get("class"))
    points = re.findall(r"(-?[\d.]+) (-?[\d.]+)", group.find(f"{SVG}path").get("d"))
    (x0, y0), (x1, y1), (x2, y2) = [(float(x), float(y)) for x, y in points]
    assert x0 > x1 > x2 and x0 - x1 == pytest.approx(x1 - x2, abs=0.2)
    assert y0 < y1 < y2  # errors fall, and 0 is on the lower edge
    assert root.find(f"{SVG}desc").text == "a & b: least 0.0e+00, at 1.0e-04; level: 1.0e-12."
    assert len(group.findall(f"{SVG}path")) == 4  # the line, and three marks


def test_a_chart_of_nothing_and_of_one_point():
    ElementTree.fromstring(log_chart([], "t", "x", "y"))
    ElementTree.fromstring(log_chart([Series("a", [0.1], [0.0])], "t", "x", "y"))
    ElementTree.fromstring(log_chart([Series("a", [0.1, 0.01], [np.nan, np.inf])], "t", "x", "y"))


def test_pictures_of_constants_and_of_results_that_are_inputs():
    for e in (
        explain(lambda x: x, 2.0),
        explain(lambda x: (x, 3.0), np.ones(3)),
        explain(lambda x: x * np.ones(4), 2.0),
    ):
        for picture in (e.graph, e.extended_graph):
            ElementTree.fromstring(picture.svg())
            assert isinstance(picture, Picture) and picture.graph.nodes
