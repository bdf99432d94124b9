"""Layered drawings against what they promise: nodes apart, edges downwards, few crossings, long edges straight."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.explain import layout as lay
from wengert.explain.coordinates import horizontal


def graph(seed: int) -> tuple[list[tuple[float, float]], list[tuple[int, int]], list[int]]:
    """A random graph of up to 60 nodes in two columns: an edge leads to a later node, and never back to the first."""
    r = random.Random(seed)
    n = r.randint(1, 60)
    near = r.choice([3, 10, 60])
    edges = {(r.randint(max(0, b - near), b - 1), b) for b in range(1, n) for _ in range(r.randint(0, 3))}
    columns = [int(k >= n // 2) if seed % 2 else 0 for k in range(n)]
    return [(r.uniform(40, 200), r.uniform(30, 60)) for _ in range(n)], sorted(edges), columns


@pytest.mark.parametrize("seed", range(40))
def test_boxes_stay_apart_and_inside(seed):
    sizes, edges, columns = graph(seed)
    plan = lay.layout(sizes, edges, columns)
    boxes = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for (x, y), (w, h) in zip(plan.centres, sizes, strict=True)]
    for (a, b, c, d), (p, q, r, s) in itertools.combinations(boxes, 2):
        assert c + lay.GAP - 1e-6 <= p or r + lay.GAP - 1e-6 <= a or d < q or s < b
    assert min(b[0] for b in boxes) >= -1e-9 and max(b[2] for b in boxes) <= plan.width + 1e-9
    assert min(b[1] for b in boxes) >= -1e-9 and max(b[3] for b in boxes) <= plan.height + 1e-9


@pytest.mark.parametrize("seed", range(40))
def test_edges_lead_down_from_box_to_box_and_through_none(seed):
    sizes, edges, columns = graph(seed)
    plan = lay.layout(sizes, edges, columns)
    for (a, b), path in zip(edges, plan.paths, strict=True):
        assert abs(path[0][0] - plan.centres[a][0]) <= sizes[a][0] / 2
        assert path[0][1] == pytest.approx(plan.centres[a][1] + sizes[a][1] / 2)
        assert path[-1][1] == pytest.approx(plan.centres[b][1] - sizes[b][1] / 2)
        assert all(y0 <= y1 + 1e-9 for (_, y0), (_, y1) in itertools.pairwise(path))
        for k, (x, y) in enumerate(plan.centres):  # in a row, a line keeps away from the boxes there
            w, h = sizes[k]
            crossed = [p for p in path[1:-1] if abs(p[0] - x) < w / 2 and abs(p[1] - y) < h / 2]
            assert not crossed


@pytest.mark.parametrize("seed", range(1, 20, 2))
def test_columns_stay_beside_one_another(seed):
    sizes, edges, columns = graph(seed)
    plan = lay.layout(sizes, edges, columns)
    rows = itertools.groupby(sorted(range(len(sizes)), key=lambda k: plan.centres[k][1]), lambda k: plan.centres[k][1])
    for _, members in rows:
        order = sorted(members, key=lambda k: plan.centres[k][0])
        assert [columns[k] for k in order] == sorted(columns[k] for k in order)


def test_rows_are_longest_paths_and_inputs_stand_above_their_first_use():
    #  0 -> 1 -> 2 -> 3,  4 -> 3,  5 -> 1 and 3
    assert lay.rows_of(6, [(0, 1), (1, 2), (2, 3), (4, 3), (5, 1), (5, 3)]) == [0, 1, 2, 3, 2, 0]


def test_a_wide_row_is_broken():
    rows = lay.narrowed([0] * 20 + [1], 9)
    assert max(rows[:20].count(r) for r in set(rows)) <= 9
    assert rows[20] > max(rows[:20])


@given(st.integers(0, 10**6))
def test_crossings_are_counted_as_pairs(seed):
    r = random.Random(seed)
    upper, lower = [0, 1, 2, 3], [4, 5, 6, 7]
    edges = [(a, b) for a in upper for b in lower if r.random() < 0.5]
    r.shuffle(lower)
    below = [[b for a, b in edges if a == k] for k in range(4)] + [[]] * 4
    place = {v: k for row in (upper, lower) for k, v in enumerate(row)}
    pairs = itertools.combinations(edges, 2)
    expected = sum((place[a] - place[c]) * (place[b] - place[d]) < 0 for (a, b), (c, d) in pairs)
    assert lay.crossings([upper, lower], below) == expected


def test_a_planar_graph_is_drawn_without_crossings():
    # a complete binary tree, given in an order that crosses everything
    edges = [(k, 2 * k + 1) for k in range(15)] + [(k, 2 * k + 2) for k in range(15)]
    r = random.Random(1)
    names = list(range(31))
    r.shuffle(names)
    shuffled = [(names[a], names[b]) for a, b in edges]
    drawing = lay.Drawing([(50.0, 30.0)] * 31, shuffled, [0] * 31, lay.rows_of(31, shuffled))
    assert lay.crossings(lay.ordered(drawing), drawing.below) == 0


def test_long_edges_are_straight():
    # 0 -> 1 -> 2 -> 3 -> 4 and 0 -> 4: the long edge's points between its ends have one x
    plan = lay.layout([(80.0, 30.0)] * 5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)])
    inner = plan.paths[4][1:-1]
    assert len(inner) == 6 and len({x for x, _ in inner}) == 1
    assert {x for x, _ in plan.centres[1:4]} == {plan.centres[1][0]}


def test_a_parent_stands_over_the_middle_of_its_children():
    plan = lay.layout([(40.0, 30.0)] * 4, [(0, 1), (0, 2), (0, 3)])
    xs = sorted(x for x, _ in plan.centres[1:])
    assert plan.centres[0][0] == pytest.approx(xs[1])
    assert xs[1] - xs[0] == pytest.approx(40 + lay.GAP)


def test_blocks_of_the_example_in_the_erratum_do_not_overlap():
    """Blocks that hold one another up across classes: there algorithm 3 of the paper lets them overlap."""
    rows = [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    edges = [(0, 4), (1, 5), (2, 5), (3, 6), (4, 7), (5, 8), (3, 7)]
    above, below = lay.neighbours(9, edges)
    xs = horizontal(rows, above, below, 9, lambda u, v: 10.0)
    for row in rows:
        assert all(xs[v] - xs[u] >= 10.0 - 1e-9 for u, v in itertools.pairwise(row))


def test_the_same_graph_is_drawn_the_same():
    sizes, edges, columns = graph(5)
    assert lay.layout(sizes, edges, columns) == lay.layout(list(sizes), list(edges), list(columns))


def test_nothing_and_one_node():
    assert lay.layout([], []) == lay.Layout([], [], 0.0, 0.0)
    assert lay.layout([(60.0, 30.0)], []).centres == [(30.0, 15.0)]


def test_a_cycle_is_refused():
    with pytest.raises(AssertionError, match="no cycle"):
        lay.layout([(60.0, 30.0)] * 2, [(0, 1), (1, 0)])
