"""The page as text: whole, by itself, escaped, of bounded size."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import explained_functions as functions
from wengert.explain import explain
from wengert.explain.page import DRAWINGS, EXTENDED, STEPS, Page, fragment, page

VOID = {"meta", "input", "br", "link", "img"}


class Reader(HTMLParser):
    """Checks that elements are closed in order; collects text by element and all attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, key, value or "") for key, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += [(tag, key, value or "") for key, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("name", functions.NAMES)
def test_elements_are_closed_and_nothing_is_outside(name):
    text = page(functions.explanation(name))
    reader = read(text)
    assert text.startswith("<!DOCTYPE html>")
    links = [v for _, key, v in reader.attributes if key in ("href", "src", "action", "poster", "srcset")]
    assert all(v.startswith("#") for v in links)
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)


def test_sections_and_their_order():
    reader = read(page(functions.explanation("bell")))
    heads = ["Wengert list", "Forward mode", "Reverse mode", "Graph", "Extended graph", "Five methods"]
    heads += ["Error against step", "Cost"]
    joined = "\n".join(reader.text)
    places = [joined.rindex(f"\n{h}\n") if f"\n{h}\n" in joined else -1 for h in heads]
    assert -1 not in places and places == sorted(places)


def test_numbers_of_the_tables_are_on_the_page():
    """f = x1 exp(-(x1² + x2²)/2) at (2, 1/2): closed forms of the value and of both derivatives."""
    text = "".join(read(page(functions.explanation("bell"))).text)
    w = np.exp(-(4 + 0.25) / 2)
    for number in (2 * w, w * (1 - 4), -2 * 0.5 * w, -4.25, -2.125):
        assert f"{number:.6g}" in text


def test_texts_of_the_user_are_escaped():
    def f(x):
        return np.sin(x) * 1.0  # </script><script>alert(1)</script> <img src=x onerror=alert(2)>

    text = page(explain(f, 1.0))
    reader = read(text)
    assert not [a for a in reader.attributes if a[1] == "onerror"]
    assert "alert(1)</script>" not in text and "alert(1)" in text
    assert "</script><script>alert(1)" in "".join(reader.text)


def test_data_for_the_script():
    e = functions.explanation("bell")
    data = Page(e, "p").data()
    assert json.loads(json.dumps(data))["near"]["4"] == [2, 3, 5]  # r is made of v1 and v2, and v3 uses it
    assert [s["forward"] for s in data["steps"]] == [True] * 9 + [False] * 9
    assert data["steps"][4]["lines"][0] == "r = v1 + v2 = 4.25"
    assert data["steps"][-1]["lines"] == ["x̄1 = 2*x1*v̄1 + w*bell_bar = -0.358299"]


def test_two_fragments_have_no_id_in_common():
    e = functions.explanation("bell")
    ids = [{v for _, key, v in read(fragment(e)).attributes if key == "id"} for _ in range(2)]
    assert ids[0] and not ids[0] & ids[1]


def test_references_lead_somewhere():
    for name in functions.NAMES:
        reader = read(page(functions.explanation(name)))
        ids = [v for _, key, v in reader.attributes if key == "id"]
        assert len(ids) == len(set(ids))
        named = {i for _, key, v in reader.attributes if key == "aria-labelledby" for i in v.split()}
        linked = {v[1:] for _, key, v in reader.attributes if key == "href"}
        assert named | linked <= set(ids)


def test_arrays_open_and_large_ones_stay_small():
    text = page(explain(lambda x: np.sum(x * x), np.linspace(0.0, 1.0, 200_000)))
    read(text)
    assert "200000 elements" in text and len(text) < 300_000


def test_a_long_program_has_no_player_and_bounded_drawings():
    e = functions.explanation("long")
    text = page(e)
    assert e.wengert_list.total > STEPS and '<div class="wg-player"' not in text
    assert text.count("<svg") <= 2 * (DRAWINGS + 1) + 5
    assert len(text) < 4_000_000


def test_the_derivative_of_a_very_long_program_is_not_drawn(monkeypatch):
    monkeypatch.setattr(sys.modules["wengert.explain.page"], "EXTENDED", 20)
    assert EXTENDED > 20
    assert "above 20 its derivative is not drawn" in page(functions.explanation("sixty"))


def test_what_is_not_differentiable_by_symbols_or_without_loops_is_said():
    text = "".join(read(page(functions.explanation("rounds"))).text)
    assert "loop of 100 rounds" in text and "what loops run is in the Wengert list" in text


def test_functions_of_every_kind_have_a_page():
    for f, args in (
        (lambda x: x, (2.0,)),
        (lambda x: (x, 3.0), (np.ones(3),)),
        (lambda x, n: x**n, (np.float32(2.0), 3)),
        (lambda z: np.abs(z) ** 2, (1.0 + 2.0j,)),
        (lambda x: np.sum(x), (np.ones((0, 3)),)),
        (lambda p: p["a"] * p["b"][0], ({"a": 2.0, "b": (3.0, None)},)),
        (lambda x: np.linalg.slogdet(x)[1], (np.eye(3),)),
    ):
        read(page(explain(f, *args)))
