"""The page in a real browser: quiet, accessible, light and dark, on desk and phone, by mouse and by keyboard."""

from __future__ import annotations

import pytest

import axe_core as axe
import chromium
import explained_functions as pages
from wengert.explain.page import fragment, page

DESK, PHONE = (1280, 800), (375, 700)

pytestmark = pytest.mark.skipif(
    chromium.find() is None, reason="no Chromium found: install chromium, or set CHROMIUM to its program"
)


@pytest.fixture(scope="module")
def browser():
    """One browser for all tests of this file."""
    opened = chromium.Browser(chromium.find())
    yield opened
    opened.close()


class Pages:
    """The pages on disk, each written when it is first asked for."""

    def __init__(self, folder):
        self.folder = folder

    def __getitem__(self, name):
        path = self.folder / f"{name}.html"
        if not path.exists():
            path.write_text(page(pages.explanation(name)), encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def axe_script():
    try:
        return axe.source()
    except axe.Missing as error:
        pytest.skip(str(error))


# quiet and whole -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", pages.NAMES)
def test_a_page_is_quiet_and_whole(browser, files, name):
    """Nothing is fetched, nothing complains, nothing sticks out: the body, of the window; text, of its box."""
    browser.view(*DESK)
    browser.open(files[name])
    assert browser.errors == []
    assert browser.requests == [files[name].resolve().as_uri()]
    for size in (DESK, PHONE, (320, 600)):
        browser.view(*size)
        assert browser.js("document.documentElement.scrollWidth") <= size[0]
    browser.js("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.js(OUTSIDE) == []
    assert browser.js("document.querySelectorAll('.wg-graph .wg-node').length") > 2


OUTSIDE = """(() => {
  const found = [];
  for (const svg of document.querySelectorAll('svg.wg-graph:not(.wg-swatch)')) {
    const boxes = [...svg.querySelectorAll('.wg-node')];
    const rects = boxes.map(b => [...b.querySelectorAll('rect')].pop().getBBox());
    boxes.forEach((box, k) => {
      const r = rects[k];
      for (const t of box.querySelectorAll('text')) {
        const b = t.getBBox();
        if (b.x < r.x + 1 || b.x + b.width > r.x + r.width - 1 || b.y < r.y || b.y + b.height > r.y + r.height)
          found.push('text: ' + t.textContent);
      }
      for (let j = 0; j < k; j++) {
        const s = rects[j];
        if (r.x < s.x + s.width + 4 && s.x < r.x + r.width + 4 && r.y < s.y + s.height + 4 && s.y < r.y + r.height + 4)
          found.push('boxes: ' + box.textContent + ' / ' + boxes[j].textContent);
      }
    });
    const view = svg.viewBox.baseVal, all = svg.getBBox();
    const right = view.x + view.width, bottom = view.y + view.height;
    if (all.x < view.x || all.y < view.y || all.x + all.width > right || all.y + all.height > bottom)
      found.push('picture: ' + svg.querySelector('title').textContent);
  }
  return found;
})()"""


# for everybody ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["bell", "perceptron", "rounds"])
def test_axe_finds_no_violation(browser, files, axe_script, name):
    views = [(DESK, False), (PHONE, True)] + ([(DESK, True), (PHONE, False)] if name == "bell" else [])
    browser.view(*DESK)
    browser.open(files[name])
    for size, dark in views:
        browser.view(*size, dark=dark)
        assert axe.violations(browser, axe_script) == []
        axe_script = "true"  # it is there now
    browser.js("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.js("document.querySelectorAll('.wg-player button')[2].click()")
    assert axe.violations(browser, axe_script) == []


def test_axe_would_find_one(browser, files, axe_script, tmp_path):
    text = files["bell"].read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    broken.write_text(text.replace('<html lang="en">', "<html>"), encoding="utf-8")
    browser.open(broken)
    assert [v.split(":")[0] for v in axe.violations(browser, axe_script)] == ["html-has-lang"]


def test_ids_are_unique_and_references_lead_somewhere(browser, files):
    for name in ("perceptron", "pendulum"):
        browser.open(files[name])
        assert browser.js(REPEATED) == []
        assert browser.js(NOWHERE) == []


REPEATED = "[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, k, all) => all.indexOf(id) !== k)"
NOWHERE = """[...document.querySelectorAll('a[href], [aria-labelledby]')]
  .flatMap(e => (e.getAttribute('aria-labelledby') || e.getAttribute('href').slice(1)).split(' '))
  .filter(id => !document.getElementById(id))"""


# by keyboard -----------------------------------------------------------------------------------------------------
def test_tab_reaches_everything_once_and_a_picture_is_one_stop(browser, files):
    browser.view(*DESK)
    browser.open(files["bell"])
    stops = []
    for _ in range(60):
        browser.press("Tab")
        stops.append(browser.js(FOCUSED))
        if stops[-1] == "body":
            break
    assert stops[-1] == "body", "Tab never came out of the page"
    assert stops[0] == "a Skip to the contents"
    assert stops[1] == "button Dark colours"
    assert [s for s in stops if s.startswith("a ")][1:] == [
        f"a {t}"
        for t in [
            "Wengert list",
            "Forward mode",
            "Reverse mode",
            "Graph",
            "Extended graph",
            "Five methods",
            "Error against step",
            "Cost",
        ]
    ]
    assert sum(s.startswith("box") for s in stops) == 2  # one in each picture
    assert [s for s in stops if s.startswith(("button", "input"))][1:] == ["button Play", "button Next", "input Step"]
    assert sum(s.startswith("region") for s in stops) == 8  # five tables, two pictures, one chart


FOCUSED = """(() => {
  const e = document.activeElement;
  if (e === document.body) return 'body';
  if (e.classList.contains('wg-node')) return 'box ' + e.getAttribute('aria-label');
  if (e.getAttribute('role') === 'region') return 'region';
  return e.localName + ' ' + (e.getAttribute('aria-label') || e.textContent);
})()"""


def test_the_focused_element_is_seen(browser, files):
    browser.view(*DESK)
    browser.open(files["bell"])
    browser.press("Tab")
    browser.press("Tab")
    assert browser.js("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_arrows_go_from_box_to_box_and_enter_keeps_one_marked(browser, files):
    browser.view(*DESK)
    browser.open(files["bell"])
    browser.js("document.querySelector('#wg-graph svg [tabindex=\"0\"]').focus()")
    label = "document.activeElement.getAttribute('aria-label')"
    assert browser.js(label).startswith("x1 2")
    browser.press("ArrowDown")
    assert browser.js(label).startswith("v1 = x1**2")
    assert browser.js(MARKED) == ["v1"]
    assert browser.js("[...document.querySelectorAll('#wg-list tr.wg-near th')].map(e => e.textContent)") == ["x1", "r"]
    browser.press("Enter")
    browser.js("document.activeElement.blur()")
    assert browser.js(MARKED) == ["v1"]
    # its row in each table, its box in both pictures, and its adjoint
    assert browser.js("document.querySelectorAll('tr.wg-hot').length") == 3
    assert browser.js("[...document.querySelectorAll('#wg-extended .wg-node.wg-hot')].length") == 2
    browser.js("document.querySelector('#wg-graph svg [tabindex=\"0\"]').focus()")
    browser.press("Escape")
    browser.js("document.activeElement.blur()")
    assert browser.js(MARKED) == []


MARKED = "[...document.querySelectorAll('#wg-list tr.wg-hot th')].map(e => e.textContent)"


def test_the_mouse_marks_a_row_and_its_box(browser, files):
    browser.view(*DESK)
    browser.open(files["bell"])
    place = browser.js(
        "(() => { const e = document.querySelector('#wg-n4'); e.scrollIntoView({block: 'center'});"
        "const r = e.getBoundingClientRect(); return [r.x + 20, r.y + 10]; })()"
    )
    browser.move(*place)
    assert browser.js("document.querySelector('#wg-graph .wg-node.wg-hot').getAttribute('aria-label')").startswith(
        "r ="
    )


# the player ------------------------------------------------------------------------------------------------------
def test_the_player_goes_forward_and_back_through_both_sweeps(browser, files):
    browser.view(*DESK)
    browser.open(files["bell"])
    done = "[...document.querySelectorAll('.wg-stage .wg-node.wg-done')].length"
    said = "document.querySelector('.wg-says').innerText"
    browser.js("document.querySelector('.wg-player input').focus()")
    browser.press("ArrowRight")
    assert browser.js(done) == 1
    assert "x1 = given = 2" in browser.js(said)
    for _ in range(8):
        browser.press("ArrowRight")
    assert "bell = x1*w = 0.238866" in browser.js(said)
    assert browser.js(done) == 9  # all of the function, nothing of its adjoint
    browser.press("ArrowRight")
    assert browser.js(done) == 10
    assert "bell_bar = 1 = 1" in browser.js(said)
    browser.press("End")
    assert browser.js(done) == browser.js("document.querySelectorAll('.wg-stage .wg-node').length")
    assert "x̄1 = 2*x1*v̄1 + w*bell_bar = -0.358299" in browser.js(said)
    assert browser.js("document.querySelectorAll('.wg-player button')[2].disabled")
    browser.press("Home")
    assert not browser.js("document.querySelector('.wg-stage').classList.contains('wg-stepping')")


def test_buttons_of_the_player(browser, files):
    browser.view(*PHONE)
    browser.open(files["perceptron"])
    click = "document.querySelectorAll('.wg-player button')[{}].click()"
    at = "document.querySelector('.wg-player input').value"
    assert browser.js("document.querySelectorAll('.wg-player button')[0].disabled")
    browser.js(click.format(2))
    browser.js(click.format(2))
    assert browser.js(at) == "2"
    browser.js(click.format(0))
    assert browser.js(at) == "1"
    browser.js(click.format(1))
    assert browser.js("document.querySelectorAll('.wg-player button')[1].textContent") == "Pause"
    assert browser.js(f"new Promise(r => setTimeout(() => r({at}), 1300))") == "3"
    browser.js(click.format(1))
    assert browser.js("document.querySelectorAll('.wg-player button')[1].textContent") == "Play"


# boxes that open -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["rounds", "pendulum", "long"])
def test_a_box_opens_its_picture(browser, files, name):
    browser.view(*DESK)
    browser.open(files[name])
    link = "document.querySelector('#wg-graph a.wg-node')"
    assert not browser.js("document.querySelector('#wg-graph details').open")
    browser.js(f"{link}.focus()")
    browser.press("Enter")
    assert browser.js("document.querySelector('#wg-graph details').open")
    assert browser.js("document.activeElement.localName") == "summary"
    assert browser.js("document.querySelector('#wg-graph details svg').getBoundingClientRect().height") > 50


def test_a_wide_picture_can_be_looked_at_whole(browser, files):
    browser.view(*PHONE)
    browser.open(files["perceptron"])
    frame = "document.querySelector('#wg-graph .wg-drawing')"
    assert browser.js(f"{frame}.scrollWidth > {frame}.clientWidth")
    browser.js("document.querySelector('#wg-graph .wg-whole').click()")
    assert browser.js(f"{frame}.scrollWidth <= {frame}.clientWidth")
    assert browser.js("document.querySelector('#wg-graph .wg-whole').getAttribute('aria-pressed')") == "true"


# light and dark --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_switch_turns_what_the_reader_asked_for(browser, files, dark):
    browser.view(*DESK, dark=dark)
    browser.open(files["bell"])
    paper = "getComputedStyle(document.body).backgroundColor"
    colours = {False: "rgb(255, 255, 255)", True: "rgb(21, 24, 29)"}
    assert browser.js(paper) == colours[dark]
    assert browser.js("document.querySelector('.wg-theme').getAttribute('aria-pressed')") == str(dark).lower()
    browser.js("document.querySelector('.wg-theme').click()")
    assert browser.js(paper) == colours[not dark]
    assert browser.js("document.querySelector('.wg-theme').getAttribute('aria-pressed')") == str(not dark).lower()


# elsewhere -------------------------------------------------------------------------------------------------------
def test_two_explanations_in_one_notebook(browser, tmp_path):
    both = fragment(pages.explanation("bell")) + fragment(pages.explanation("bell"))
    (tmp_path / "notebook.html").write_text(f"<!DOCTYPE html><meta charset=utf-8><body>{both}", encoding="utf-8")
    browser.view(*DESK)
    browser.open(tmp_path / "notebook.html")
    assert browser.errors == []
    assert browser.js(REPEATED) == []
    browser.js("document.querySelectorAll('div.wengert')[1].querySelector('.wg-node').focus()")
    assert browser.js(
        "[...document.querySelectorAll('div.wengert')].map(d => d.querySelectorAll('.wg-hot').length > 0)"
    ) == [
        False,
        True,
    ]


@pytest.mark.parametrize("light", [True, False], ids=["light", "dark"])
def test_a_notebook_says_which_colours_and_the_switch_turns_them(browser, tmp_path, light):
    body = f'<body data-jp-theme-light="{str(light).lower()}">{fragment(pages.explanation("bell"))}'
    (tmp_path / "notebook.html").write_text(f"<!DOCTYPE html><meta charset=utf-8>{body}", encoding="utf-8")
    browser.view(*DESK, dark=light)  # the reader's system says the opposite
    browser.open(tmp_path / "notebook.html")
    paper = "getComputedStyle(document.querySelector('div.wengert')).backgroundColor"
    colours = {True: "rgb(255, 255, 255)", False: "rgb(21, 24, 29)"}
    assert browser.js(paper) == colours[light]
    browser.js("document.querySelector('.wg-theme').click()")
    assert browser.js(paper) == colours[not light]


def test_without_scripts_everything_is_there_but_the_player(browser, files):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.view(*DESK)
        browser.open(files["bell"])
        assert browser.js("document.querySelectorAll('table').length") == 6
        assert browser.js("getComputedStyle(document.querySelector('.wg-player')).display") == "none"
        assert browser.js("getComputedStyle(document.querySelector('.wg-theme')).display") == "none"
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_printed_it_has_no_buttons_and_no_scrolling_frames(browser, files):
    browser.view(*DESK, media="print")
    browser.open(files["bell"])
    assert browser.js("getComputedStyle(document.querySelector('.wg-player')).display") == "none"
    assert browser.js("getComputedStyle(document.querySelector('.wg-scroll')).overflow") == "visible"
    browser.view(*DESK)


def test_a_picture_alone_has_its_colours(browser, tmp_path):
    from wengert.explain.page import derivative_graph
    from wengert.explain.svg import Picture

    path = tmp_path / "graph.svg"
    Picture(derivative_graph(pages.explanation("bell"))).save(path)
    fill = "getComputedStyle(document.querySelector('.wg-node.wg-adjoint rect')).fill"
    browser.view(*DESK)
    browser.open(path)
    assert (browser.errors, browser.js(fill)) == ([], "rgb(253, 241, 237)")
    browser.view(*DESK, dark=True)
    browser.open(path)
    assert browser.js(fill) == "rgb(53, 34, 29)"
