"""What a person does with a report in JupyterLab: points, clicks, types, walks, zooms, asks; with pictures."""

from itertools import pairwise

import pytest

from tests.browser.test_lab import LAYERS, PARABOLA, PRODUCT, SETUP, brightness

pytestmark = pytest.mark.browser

LOOP = "%%grad a\ns = a * 1.0\nfor k in range(40):\n    s = np.sin(s) * 0.9 + b\ns"


@pytest.fixture
def live(open_notebook):
    """A notebook with one report, open; `live(cell)` gives the page and the report."""

    def live(*cells: str):
        lab = open_notebook(SETUP, *cells)
        lab.run_all()
        report = lab.outputs(1).locator(".gradmagic")
        report.locator(".gm-board svg").wait_for()
        return lab, report

    return live


def node(report, text: str):
    return report.locator(".gm-board .n").filter(has_text=text).first


def lit(report) -> list[str]:
    return report.locator(".gm-board .n.on .name").all_text_contents()


def press(report, name: str) -> None:
    report.get_by_role("button", name=name, exact=True).click()


def test_each_of_the_four_lights_the_other_three(live):
    lab, report = live(PRODUCT)
    row = report.locator(".gm-table tbody tr").nth(1)
    line = report.locator(".gm-cell tbody tr").nth(0)
    step = report.locator(".gm-steps li").nth(2)
    for pointed in (line.locator(".gm-x").first, step, node(report, "c = a + b")):
        pointed.hover()
        node(report, "c = a + b").and_(report.locator(".on")).wait_for()
        assert "gm-on" in line.get_attribute("class")
        assert "gm-on" in step.get_attribute("class")
    node(report, "b = 1").hover()
    report.locator(".gm-table tr.gm-on").wait_for()
    assert "gm-on" in row.get_attribute("class")
    assert not lab.messages
    lab.picture("live hover", report)


def test_the_keyboard_does_what_the_mouse_does(live):
    lab, report = live(PRODUCT)
    report.locator(".gm-steps li").first.focus()
    lab.page.keyboard.press("ArrowDown")
    report.locator(".gm-steps li.gm-on").nth(0).wait_for()
    assert "d = b + 1" in report.locator(".gm-steps li.gm-on").inner_text()
    assert any("d = b + 1" in text for text in lit(report))
    lab.page.keyboard.press("Enter")
    report.locator(".gm-steps li.gm-pin").wait_for()
    lab.page.keyboard.press("Escape")
    report.locator(".gm-pin").first.wait_for(state="detached")


def test_arrows_follow_the_edges_of_the_graph(live):
    lab, report = live(PRODUCT)
    node(report, "a = 2").focus()
    lab.page.keyboard.press("ArrowRight")
    assert any("c = a + b" in text for text in lit(report))
    lab.page.keyboard.press("ArrowRight")
    assert any("e = c * d" in text for text in lit(report))
    lab.page.keyboard.press("ArrowLeft")
    lab.page.keyboard.press("ArrowDown")
    assert any("d = b + 1" in text for text in lit(report))
    lab.page.keyboard.press("Enter")
    panel = report.locator(".gm-panel")
    panel.wait_for()
    assert "d = b + 1" in panel.inner_text()
    lab.picture("live keyboard", report)
    lab.page.keyboard.press("Escape")
    panel.wait_for(state="hidden")
    # Still one notebook of the same cells: no key reached JupyterLab.
    assert lab.page.locator(".jp-Notebook .jp-Cell").count() == 2


def test_a_click_on_an_arrow_says_its_whole_local_derivative(live):
    lab, report = live(LAYERS)
    report.locator(".gm-board tspan[data-i]").filter(
        has_text="1 - h*h"
    ).click()  # it stands in the row of what it leaves
    panel = report.locator(".gm-panel")
    panel.wait_for()
    text = panel.inner_text()
    assert "local derivative" in text
    assert "carries to" in text
    assert panel.locator(".gm-grid").first.locator("td").count() == 32
    assert not lab.messages
    lab.picture("live edge", report)


def test_zoom_by_buttons_wheel_and_keys(live):
    _, report = live(LAYERS)
    drawing = report.locator(".gm-board svg")

    def scale() -> float:
        return drawing.evaluate("svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width")

    frame = drawing.bounding_box()
    whole = scale()
    assert 11 / 12 <= whole <= 1.2  # cards are read at their own size, all of them at once
    seen, high = drawing.evaluate("svg => [svg.viewBox.baseVal.height, +svg.getAttribute('height')]")
    assert seen >= high - 1
    for row in report.locator(".gm-board .n").all():
        box = row.bounding_box()
        assert frame["x"] <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
    press(report, "zoom in")
    assert scale() == pytest.approx(whole * 1.25, rel=0.02)
    drawing.hover()
    report.page.keyboard.down("Control")
    report.page.mouse.wheel(0, -120)
    report.page.keyboard.up("Control")
    report.page.wait_for_timeout(100)
    assert scale() > whole * 1.3
    left = drawing.evaluate("svg => svg.viewBox.baseVal.x")
    report.page.mouse.move(frame["x"] + 600, frame["y"] + 100)
    report.page.mouse.down()
    report.page.mouse.move(frame["x"] + 450, frame["y"] + 100, steps=5)
    report.page.mouse.up()
    assert drawing.evaluate("svg => svg.viewBox.baseVal.x") == pytest.approx(left + 150 / scale(), abs=3)
    press(report, "natural size")
    assert scale() == pytest.approx(1, rel=0.02)
    node(report, "h @ W2").focus()
    report.page.keyboard.press("0")
    assert scale() == pytest.approx(whole, rel=0.02)


def test_the_graph_fills_the_screen_on_a_key(live):
    lab, report = live(LAYERS)
    node(report, "h @ W2").focus()
    report.page.keyboard.press("f")
    report.page.wait_for_function("document.fullscreenElement?.localName === 'details'")
    report.page.wait_for_timeout(300)
    frame = report.locator(".gm-board svg").bounding_box()
    window = report.page.viewport_size
    assert frame["width"] > 0.9 * window["width"]
    press(report, "next")  # the walk is there too
    assert report.locator(".gm-told").inner_text().startswith("Step 1")
    lab.picture("live full screen")
    node(report, "h @ W2").focus()
    report.page.keyboard.press("f")
    report.page.wait_for_function("!document.fullscreenElement")
    assert not lab.messages


def test_a_small_graph_is_drawn_large_and_one_click_makes_it_natural(live):
    _, report = live(PRODUCT)
    drawing = report.locator(".gm-board svg")
    drawn = "svg => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width"
    assert drawing.evaluate(drawn) == pytest.approx(1.35, rel=0.02)
    frame, last = drawing.bounding_box(), node(report, "e = c * d").bounding_box()
    assert frame["x"] <= last["x"] and last["x"] + last["width"] <= frame["x"] + frame["width"]
    assert frame["y"] <= last["y"] and last["y"] + last["height"] <= frame["y"] + frame["height"]
    press(report, "natural size")
    assert drawing.evaluate(drawn) == pytest.approx(1, rel=0.02)


def test_the_walk_backward_shows_what_flows_and_hides_what_is_to_come(live):
    lab, report = live(PRODUCT)
    told = report.locator(".gm-told")
    press(report, "next")
    assert "Step 1" in told.inner_text()
    assert told.get_attribute("aria-live") == "polite"
    flows = report.locator(".gm-board .f").all_text_contents()
    assert sorted(flows) == ["◀ 2", "◀ 3"]
    a = report.locator(".gm-table tbody tr").nth(0).locator(".gm-g").first
    assert not a.is_visible()
    assert "later" in node(report, "a = 2").get_attribute("class")
    press(report, "next")
    assert "3 + …" in node(report, "b = 1").text_content()
    lab.picture("live step", report)
    press(report, "last")
    assert "with step 2’s 3: 5" in told.inner_text()
    assert a.is_visible()
    slider = report.get_by_role("slider")
    slider.fill("0")
    assert "Nothing has been sent yet" in told.inner_text()
    press(report, "end the walk: show all gradients")
    assert told.inner_text() == ""
    assert report.locator(".gm-board .later").count() == 0
    assert not lab.messages


def test_in_cards_the_walk_can_be_read(live):
    lab, report = live(LAYERS)
    drawing = report.locator(".gm-board svg")
    for _ in range(3):
        press(report, "next")
    now, frame = report.locator(".gm-board .n.now").bounding_box(), drawing.bounding_box()
    assert now["height"] >= 20 * 11 / 12
    assert frame["x"] <= now["x"]
    assert now["x"] + now["width"] <= frame["x"] + frame["width"]
    lab.picture("live wide step", report)
    # Of a walk forward too each number stays in its column.
    report.get_by_label("walk forward").select_option(label="forward from W1")
    press(report, "last")
    for row in report.locator(".gm-board .n.row").all():
        spans = row.evaluate(
            "row => [...row.querySelectorAll('text')].map(t => [t.getBBox().x, t.getBBox().width])"
        )
        spans = [(x, wide) for x, wide in spans if wide]
        assert all(x + wide <= after for (x, wide), (after, _) in pairwise(spans)), spans


def test_markup_in_names_and_values_stays_text(live):
    evil = "<img src=x onerror=document.title=1>"
    lab, report = live(f'%%grad a\nd = {{"{evil}": a * 3.0}}\nz = d["{evil}"] ** 2  # {evil}')
    press(report, "last")
    report.locator(".gm-board .n").first.click()
    assert evil in report.locator(".gm-cell").inner_text()
    assert report.locator("img[onerror], .gm-board img").count() == 0
    assert lab.page.title() != "1"


def test_the_walk_forward_carries_tangents(live):
    lab, report = live(PRODUCT)
    press(report, "forward from b")
    press(report, "last")
    assert "④·1 + ⑤·1 = 2·1 + 3·1" in report.locator(".gm-told").inner_text()
    assert "∂/∂b 5" in node(report, "e = c * d").text_content()
    lab.picture("live forward", report)


def test_the_walk_forward_starts_at_the_entry_that_is_chosen(live):
    lab, report = live("%%grad A\nB = A.T @ A\nc = B.mean()")
    assert not report.get_by_label("entry that grows").is_visible()
    press(report, "forward from A")
    told = report.locator(".gm-told")
    press(report, "last")
    assert told.inner_text().endswith("= 3; one sweep forward tells of A[1,0] only.")
    report.get_by_label("entry that grows").select_option(label="A[0,0]")
    assert "tells of A[0,0] only" in told.inner_text() and "= 2;" in told.inner_text()
    press(report, "back")
    assert "② from A.T: [[1, 3], [0, 0]] + ③ from A: [[1, 0], [3, 0]]" in " ".join(told.inner_text().split())
    assert told.inner_text().endswith("= [[2, 3], [3, 0]]")
    assert "[[2, 3], [3, 0]]" in node(report, "B = A.T @ A").text_content()
    lab.picture("live forward entry", report)
    assert not lab.messages


def test_it_plays_by_itself(live):
    _, report = live(PRODUCT)
    press(report, "walk through the steps by itself")
    report.locator(".gm-told").filter(has_text="Step 2").wait_for(timeout=6000)
    report.locator(".gm-told").filter(has_text="Step 3").wait_for(timeout=6000)
    report.get_by_text("play", exact=True).wait_for(timeout=6000)


def test_a_quiz_gives_one_gradient_at_a_time(live):
    lab, report = live(PRODUCT)
    press(report, "hide the gradients until you ask for them")
    rows = report.locator(".gm-table tbody tr")
    assert "?" in rows.nth(0).inner_text()
    assert "grad ?" in node(report, "b = 1").text_content()
    rows.nth(1).get_by_role("button").first.click()
    assert rows.nth(1).locator(".gm-g").first.inner_text() == "5"
    assert "grad 5" in node(report, "b = 1").text_content()
    assert "?" in rows.nth(0).inner_text()
    assert not rows.nth(0).locator(".gm-g").first.is_visible()
    lab.picture("live quiz", report)
    press(report, "hide the gradients until you ask for them")
    assert "grad 2" in node(report, "a = 2").text_content()


def test_an_arrow_that_is_the_answer_is_asked_for_with_it(live):
    lab, report = live("%%grad --quiz a\nz = a**3")
    arrow, row = report.locator(".gm-board .e"), report.locator(".gm-table tbody tr")
    drawn = report.locator(".gm-board svg")
    assert drawn.locator(".e text").text_content() == "① ?" and "3*a" not in arrow.get_attribute("aria-label")
    report.get_by_role("button", name="forward from a", exact=True).click()
    press(report, "next")
    assert (
        "= ?" in report.locator(".gm-told").inner_text()
        and "12" not in report.locator(".gm-told").inner_text()
    )
    press(report, "end the walk: show all gradients")
    drawn.locator(".e text").click()
    assert (
        report.locator(".gm-panel").inner_text().count("?") == 2
        and "3*a" not in report.locator(".gm-panel").inner_text()
    )
    assert report.locator(".gm-q, details:not([open])").count() == 0
    row.get_by_role("button").first.click()
    assert (
        "3*a**2 = 12" in drawn.locator(".e text").text_content()
        and "12" in report.locator(".gm-panel").inner_text()
    )
    assert "12" in row.inner_text() and "grad 12" in drawn.text_content()
    lab.picture("live quiz of one operation", report)


def test_a_turn_of_a_loop_opens_in_its_place_and_closes_again(live):
    lab, report = live(LOOP)
    rows = report.locator(".gm-board .n[data-k]")
    assert "turns 4 … 37 of 40" in " ".join(rows.locator(".name").all_text_contents())
    scope, said = report.locator(".gm-scope"), rows.count() - 1  # a is no operation
    assert f"121 operations in {said} rows; numbers" in scope.inner_text()
    closed, last = rows.count(), rows.filter(has_text="turn 40 of 40").bounding_box()["y"]
    rows.filter(has_text="turn 1 of 40").click()
    assert rows.count() > closed
    assert rows.filter(has_text="turn 40 of 40").bounding_box()["y"] > last + 60  # it makes room
    lab.picture("live turn", report)
    rows.filter(has_text="np.sin").first.hover()
    report.locator(".gm-cell .gm-on").first.wait_for()
    press(report, "operations")
    assert "turn" not in " ".join(rows.locator(".name").all_text_contents())
    assert "121 operations, put together to 4; numbers" in scope.inner_text()
    press(report, "boxes")
    assert rows.count() == closed
    assert not lab.messages


def inside(box: dict, other: dict) -> bool:
    return (
        box is not other
        and other["y"] <= box["y"]
        and box["y"] + box["height"] <= other["y"] + other["height"]
    )


CALLS = (
    "%%grad a b\nsigmoid = lambda t: 1 / (1 + np.exp(-t))\ndef layer(x, w):\n    return sigmoid(x * w) + x * 0.5\n"
    + "\n".join(f"h{i} = layer({f'h{i - 1}' if i else 'a * 0.1'}, b)" for i in range(5))
    + "\nz = h4**2"
)


def test_a_box_opens_within_a_box_and_the_walk_goes_on_in_every_form(live):
    lab, report = live(CALLS)
    rows = report.locator(".gm-board .n[data-k]")
    names = rows.locator(".name")
    closed = rows.count()
    rows.filter(has_text="h2 = layer").click()
    assert rows.filter(has_text="h2 = layer").get_attribute("aria-expanded") == "true"
    panel = report.locator(".gm-panel")
    assert "∂h2/∂h1" in panel.inner_text()
    rows.filter(has_text="= sigmoid(").click()  # in it, which is the only one that shows it
    assert any("exp(" in text for text in names.all_text_contents())
    frame = report.locator(".gm-board svg").bounding_box()
    outer = [row.bounding_box() for row in report.locator(".gm-board svg > .n, .gm-board .in").all()]
    outer = [box for box in outer if not any(inside(box, other) for other in outer)]
    heights = sorted((box["y"], box["y"] + box["height"]) for box in outer)
    assert all(low + 2 >= above for (_, above), (low, _) in pairwise(heights))
    assert heights[-1][1] <= frame["y"] + frame["height"] + 1
    lab.picture("live boxes", report)
    press(report, "last")
    for form in ("operations", "boxes"):  # the walk is where it was
        press(report, form)
        assert report.locator(".gm-told").inner_text().startswith("Step ")
        assert report.locator(".gm-board .n.now").count() == 1
    press(report, "back")
    assert report.locator(".gm-board .n.now").count() == 1
    press(report, "end the walk: show all gradients")
    rows.filter(has_text="h2 = layer").focus()
    for opened in (True, False):
        lab.page.keyboard.press("Enter")
        assert (rows.count() > closed) == opened
    # With the pointer over the graph f needs no focus.
    report.locator(".gm-cell").click()
    report.locator(".gm-board").hover()
    lab.page.keyboard.press("f")
    lab.page.wait_for_function("document.fullscreenElement?.localName === 'details'")
    lab.page.keyboard.press("f")
    lab.page.wait_for_function("!document.fullscreenElement")
    assert lab.page.locator(".jp-Notebook .jp-Cell").count() == 2
    assert not lab.messages


def test_two_reports_on_one_page_keep_to_themselves(live):
    lab, first = live(PRODUCT, PARABOLA)
    second = lab.outputs(2).locator(".gradmagic")
    second.locator(".gm-board svg").wait_for()
    press(first, "next")
    node(first, "c = a + b").click()
    assert first.locator(".gm-panel").is_visible()
    assert not second.locator(".gm-panel").is_visible()
    assert second.locator(".gm-told").inner_text() == ""
    assert second.locator(".gm-on, .gm-pin, .gm-now").count() == 0
    assert second.locator(".gm-board .dim, .gm-board .later").count() == 0


@pytest.mark.parametrize("width", [1280, 800])
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_in_both_themes_and_two_widths(live, theme, width):
    lab, report = live(LAYERS)
    lab.page.set_viewport_size({"width": width, "height": 1300})
    lab.theme(theme)
    press(report, "next")
    press(report, "show the whole graph")  # the walk goes close to its own box; the others may be outside
    node(report, "out = h @ W2").click()
    ground = brightness(lab.page.locator(".jp-Notebook").first, "backgroundColor")
    assert ground < 0.2 if "Dark" in theme else ground > 0.8
    for part in (".gm-told", ".gm-panel .gm-num", ".gm-button"):
        ink = brightness(report.locator(part).first, "color")
        assert abs(ink - ground) > 0.4, part
    wide = report.evaluate("element => [element.scrollWidth, element.clientWidth]")
    assert wide[0] <= wide[1] + 1
    lab.picture(f"live {theme} {width}", report)


def test_an_entry_of_a_gradient_is_expanded_by_click_and_by_key(live):
    lab, report = live("%%grad A\nB = A.T @ A\nc = B.mean()")
    told = report.locator("pre.gm-explain")
    assert not told.is_visible()
    first = report.locator(".gm-table .gm-entry").first
    first.click()
    assert told.inner_text().splitlines() == [
        "dc/dA[0,0] = (2*A[0,0] + A[0,1] + A[0,1])/4", "           = (2*1 + 3 + 3)/4", "           = 2"
    ]  # fmt: skip
    first.focus()
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        lab.page.keyboard.press(key)
    assert told.inner_text().startswith("dc/dA[1,0] = ")
    lab.picture("live entry", report)
    lab.page.keyboard.press("Escape")
    assert not told.is_visible()
    press(report, "hide the gradients until you ask for them")
    first.wait_for(state="hidden")
    assert not lab.messages


def test_of_a_large_gradient_the_page_says_how_to_ask(live):
    lab, report = live(
        "%%grad v\nv = np.linspace(0, 1, 300).reshape(100, 3)\nz = (v**2).sum()",
        'import gradmagic as gm\ngm.last().explain("v[0,0]")',
    )
    told = report.locator("pre.gm-explain")
    report.locator(".gm-table .gm-entry").first.click()
    assert told.inner_text() == 'In Python: gm.last().explain("v[0,0]"), or any other entry'
    assert "dz/dv[0,0] = 0" in lab.outputs(2).inner_text()
    assert not lab.messages


def test_of_an_entry_that_is_not_written_out_the_one_that_was_clicked_is_named(live):
    _, report = live("%%grad M\nM = np.linspace(0, 1, 30).reshape(5, 6)\nz = (M**2).sum()")
    part = report.locator(".gm-table .gm-entry").first
    part.locator("summary").click()
    part.locator("tr").nth(2).locator("td").nth(4).click()
    assert report.locator("pre.gm-explain").inner_text() == 'In Python: gm.last().explain("M[2,4]")'
    _, report = live("%%grad v\nv = np.linspace(0, 1, 30)\nz = (v**2).sum()")
    part = report.locator(".gm-table .gm-entry").first
    part.locator("summary").click()
    part.locator("tr").nth(2).locator("td").nth(4).click()  # in rows of 6
    assert report.locator("pre.gm-explain").inner_text() == 'In Python: gm.last().explain("v[16]")'


FORMULAS = {
    "product": PRODUCT,
    "parabola": PARABOLA,
    "layers": LAYERS,
    "names": "%%grad A\n勾配_1 = np.exp(-A.T @ A)\nc = np.sqrt(勾配_1).mean()",
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_latex_is_read_by_mathjax(live, name):
    show = "import gradmagic as gm\nfrom IPython.display import Latex\nLatex(gm.last().to_latex())"
    lab, _ = live(FORMULAS[name], show)
    math = lab.outputs(2).locator("mjx-container").first
    math.wait_for()
    assert math.locator("mjx-mtr").count() >= 2
    assert math.locator("mjx-merror").count() == 0
    lab.picture(f"latex {name}", math)
