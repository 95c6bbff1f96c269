"""A loop is gone through by its slider: what lines show, what keys do, what a quiz and a walk keep."""

import re
from pathlib import Path

import pytest

from gradmagic.report import Report
from tests.browser.test_live import press
from tests.cell.helpers import fresh, traced

pytestmark = pytest.mark.browser

TRAINING = """w = gm.tensor(1.0, requires_grad=True, dtype=gm.float64)
for k in range(20):
    loss = (w*3 - k)**2
    if k < 2:
        loss = loss + w
    loss.backward()
    with gm.no_grad():
        w -= 0.01*w.grad
    w.grad = None"""
NESTED = """def f(u):
    return np.sin(u)*w
h = w
for i in range(4):
    for j in range(i + 2):
        h = f(h) + f(h*0.5)
    h = h*1.1
z = h*2"""


@pytest.fixture
def opened(chromium, tmp_path: Path, pictures: Path, request: pytest.FixtureRequest):
    """Open the page of a cell; `opened(text, names)` gives it."""
    contexts = []

    def opened(text: str, names: str = "", quiz: bool = False, **settings):
        path = Report(traced(text, fresh("w = 0.9"), names), quiz=quiz).save(tmp_path / "report.html")
        context = chromium.new_context(**({"viewport": {"width": 1100, "height": 900}} | settings))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.goto(f"file://{path}")
        if settings.get("java_script_enabled", True):
            page.locator(".gm-turns").first.wait_for()
        return page

    yield opened
    for context in contexts:
        context.pages[0].screenshot(path=pictures / f"{request.node.name}.png", full_page=True)
        context.close()


def row(page, code: str):
    """The row of a line, or of an expression in it."""
    code = page.locator("code", has_text=re.compile(r"^\s*" + re.escape(code)))
    return page.locator(".gm-cell tr").filter(has=code).first


def shown(page, code: str) -> tuple[str, str]:
    """The value and the gradient of a line."""
    cells = row(page, code).locator("td")
    return cells.nth(2).inner_text().strip(), cells.nth(3).inner_text().strip()


def sliders(page):
    return page.locator(".gm-turns:visible")


def move(page, i: int, to: int) -> None:
    sliders(page).nth(i).locator("input").fill(str(to))


def turn(k: int) -> tuple[float, float, float]:
    """The parameter, the loss and the gradient at turn k, from 0."""
    w = 1.0
    for j in range(k + 1):
        loss, slope = (w * 3 - j) ** 2 + (j < 2) * w, 6 * (w * 3 - j) + (j < 2)
        if j == k:
            return w, loss, slope
        w -= 0.01 * slope
    raise AssertionError


def test_the_slider_shows_one_turn_at_all_lines_of_its_loop(opened):
    page = opened(TRAINING)
    assert sliders(page).count() == 1 and sliders(page).inner_text().strip().endswith("turn 20 of 20")
    for k in (19, 4, 0):
        move(page, 0, k)
        w, loss, slope = turn(k)
        assert f"turn {k + 1} of 20" in sliders(page).inner_text()
        value, grad = shown(page, "w = gm.tensor")
        assert float(value) == pytest.approx(w, rel=1e-3) and float(grad) == pytest.approx(slope, rel=1e-3)
        value, grad = shown(page, "loss = (w*3")
        assert float(value) == pytest.approx((w * 3 - k) ** 2, rel=1e-3) and grad.split()[0] == "1"
        assert ("start" in grad) == (k == 19)
        assert float(shown(page, "w*3 - k")[1]) == pytest.approx(2 * (w * 3 - k), rel=1e-3)
        value, grad = shown(page, "loss = loss + w")
        assert (value, grad) == ("–", "") if k > 1 else float(value) == pytest.approx(loss, rel=1e-3)
    assert not page.locator(".gm-first:visible").count()


def test_keys_and_buttons_go_from_turn_to_turn(opened):
    page = opened(TRAINING)
    slider = sliders(page).locator("input")
    slider.focus()
    for key, told in (("Home", 1), ("ArrowRight", 2), ("ArrowUp", 3), ("ArrowLeft", 2), ("End", 20)):
        page.keyboard.press(key)
        assert slider.get_attribute("aria-valuetext") == f"turn {told} of 20"
    press(page, "turn before")
    assert slider.get_attribute("aria-valuetext") == "turn 19 of 20"
    press(page, "next turn")
    assert page.get_by_role("button", name="next turn").is_disabled()


def test_inner_loops_and_functions_follow_the_outer_one(opened):
    page = opened(NESTED, "w")
    trace = traced(NESTED, fresh("w = 0.9"), "w")
    turns = trace.turns
    (line,) = [one for one in turns.series if one.place.text == "f(h) + f(h*0.5)"]
    at = {tuple(turns.moments[m].turn for m in turns.within(m)): i for i, m in enumerate(line.moments)}
    assert [text.strip()[-11:] for text in sliders(page).all_inner_texts()] == [
        "call 2 of 2",
        "turn 4 of 4",
        "turn 5 of 5",
    ]
    move(page, 1, 1)
    assert [text.strip()[-11:] for text in sliders(page).all_inner_texts()] == [
        "call 2 of 2",
        "turn 2 of 4",
        "turn 3 of 3",
    ]
    for outer, inner in ((1, 0), (3, 3), (0, 1)):
        move(page, 1, outer)
        move(page, 2, inner)
        value, grad = shown(page, "h = f(h)")
        i = at[outer + 1, inner + 1]
        assert float(value) == pytest.approx(line.values[i].items, rel=1e-3)
        assert float(grad) == pytest.approx(line.grads[i].items, rel=1e-3)
    before = shown(page, "return np.sin(u)")
    move(page, 0, 0)
    assert "call 1 of 2" in sliders(page).first.inner_text() and shown(page, "return np.sin(u)") != before


def test_a_quiz_hides_the_gradient_of_each_turn_until_it_is_asked_for(opened):
    page = opened(TRAINING, quiz=True)
    grad = row(page, "w*3 - k").locator(".gm-g")
    ask = row(page, "w*3 - k").locator(".gm-ask")
    for k in (19, 3, 5):
        move(page, 0, k)
        assert not grad.is_visible() and ask.is_visible()
    ask.click()
    assert grad.is_visible() and float(grad.inner_text()) == pytest.approx(2 * (turn(5)[0] * 3 - 5), rel=1e-3)
    move(page, 0, 6)
    assert not grad.is_visible() and not row(page, "loss = loss + w").locator(".gm-ask").is_visible()
    move(page, 0, 5)
    assert grad.is_visible()


def test_a_walk_goes_through_the_last_turn(opened):
    page = opened(TRAINING)
    last = shown(page, "w*3 - k")
    move(page, 0, 3)
    assert shown(page, "w*3 - k") != last
    press(page, "next")
    assert "turn 20 of 20" in sliders(page).inner_text() and shown(page, "w*3 - k")[0] == last[0]
    move(page, 0, 2)
    assert not page.locator(".gm-later").count() and "turn 3 of 20" in sliders(page).inner_text()


def test_lines_still_light_their_boxes(opened):
    page = opened(TRAINING)
    move(page, 0, 3)
    row(page, "loss = (w*3").hover()
    page.locator(".gm-board .n.on").first.wait_for()
    page.locator(".gm-board .n").filter(has_text="loss").first.click()
    assert "gradient of loss" in page.locator(".gm-panel").inner_text()


def test_without_script_and_in_print_the_first_and_the_last_turn_stand_there(opened):
    page = opened(TRAINING, java_script_enabled=False)
    first = page.locator(".gm-first", has_text="at turn 1 of 20")
    assert first.count() == 3 and first.first.is_visible() and "▁" in first.first.inner_text()
    w, _, slope = turn(19)
    value, grad = shown(page, "w = gm.tensor")
    assert float(value) == pytest.approx(w, rel=1e-3) and float(grad) == pytest.approx(slope, rel=1e-3)
    page = opened(TRAINING)
    page.emulate_media(media="print")
    assert page.locator(".gm-first:visible").count() == 3
    assert not page.locator(".gm-turns input").is_visible() and "turn 20 of 20" in sliders(page).inner_text()


def test_what_runs_once_has_no_slider(chromium, opened):
    page = opened("y = 2*w\nz = y*y", "w", java_script_enabled=False)
    html = page.content()
    assert "data-t=" not in html and "data-s=" not in html


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [600, 1100])
def test_it_can_be_read_in_both_themes_and_two_widths(opened, theme, width):
    page = opened(NESTED, "w", color_scheme=theme, viewport={"width": width, "height": 900})
    move(page, 1, 1)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    for bar in sliders(page).all():
        box = bar.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert bar.locator("input").bounding_box()["height"] >= 12
