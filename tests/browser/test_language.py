"""Reports of two languages in one document: one script serves both, and each speaks its own."""

import re
from pathlib import Path

import pytest

import gradmagic as gm
from gradmagic.report import Report
from gradmagic.report.page.html import page
from tests.browser.test_live import press
from tests.browser.test_turns import NESTED
from tests.cell.helpers import fresh, traced
from tests.report import traces
from tests.report.page.test_language import SAME, words

pytestmark = pytest.mark.browser

# All that is shown or read aloud, in drawings too; not what is only kept.
SAID = """report => {
    const said = [], walk = (root) => {
        for (const one of root.childNodes) {
            if (one.nodeType === 3) said.push(one.textContent);
            if (one.nodeType !== 1 || one.matches("script,style,code,samp")) continue;
            said.push(one.title ?? "", one.getAttribute("aria-label") ?? "", one.getAttribute("aria-valuetext") ?? "");
            walk(one);
            if (one.shadowRoot) walk(one.shadowRoot);
        }
    };
    walk(report);
    return said.join("\\n");
}"""


@pytest.fixture
def both(chromium, tmp_path: Path, pictures: Path, request: pytest.FixtureRequest):
    """Open one page with the report of a trace in English, which brings the script, and the same in Japanese."""
    contexts = []

    def both(trace, width: int = 1100):
        made = []
        for language in ("en", "ja"):
            gm.set_language(language)
            made.append(Report(trace)._html(brings=language == "en"))
        gm.set_language("en")
        path = tmp_path / "both.html"
        path.write_text(page("\n".join(made), Report(trace)._view))
        context = chromium.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        opened = context.new_page()
        opened.on("pageerror", lambda error: pytest.fail(str(error)))
        opened.goto(f"file://{path}")
        reports = opened.locator(".gradmagic")
        for i in range(2):
            reports.nth(i).locator(".gm-walk").wait_for()
        return reports.nth(0), reports.nth(1)

    yield both
    gm.set_language("en")
    for context in contexts:
        context.pages[0].screenshot(path=pictures / f"{request.node.name}.png", full_page=True)
        context.close()


def test_each_report_speaks_its_own_language(both):
    trace = traces.product()
    ours, theirs = both(trace)
    for report, names in (
        (ours, ("hide the gradients until you ask for them", "backward from e", "next")),
        (theirs, ("勾配を隠し、1つずつ答え合わせをする", "eからの逆伝播", "1つ進む")),
    ):
        press(report, names[1])
        press(report, names[2])
        report.locator(".gm-board .n").first.click()
        press(report, names[0])
        report.locator(".gm-told .gm-ask, .gm-told button").first.click()
    said = theirs.evaluate(SAID)
    for words_ in ("ステップ1", "勾配 ?", "勾配を表示", "から出発", "局所微分", "全画面", "LaTeXをコピー"):
        assert words_ in said, words_
    names = {f"{d}{name}" for d in ("", "d") for o in trace.operations for name in o.names}
    left = words(said) - SAME - names - {o.rule for o in trace.operations}
    assert not left
    assert not re.search("[぀-ヿ一-鿿]", ours.evaluate(SAID))
    assert "Step 1 " in ours.locator(".gm-told").inner_text()


def test_a_walk_forward_too(both):
    _, report = both(traced("h = np.sin(x)*w\nz = h*2", fresh("x = 0.5; w = 0.9"), "x w"))
    report.get_by_role("button", name="からの順伝播").first.click()
    for _ in range(3):
        press(report, "1つ進む")
    assert "の増える速さは" in report.locator(".gm-told").inner_text()
    press(report, "終了してすべての勾配を表示")
    assert not words(report.locator(".gm-walk").inner_text())


@pytest.mark.parametrize("width", [700, 1100])
def test_nothing_is_wider_than_its_place(both, width):
    """Japanese labels are as long as English ones at most: bars, buttons and heads stay within the page."""
    _, report = both(traced(NESTED, fresh("w = 0.9"), "w"), width)
    assert "呼び出し2回中2回目" in report.locator(".gm-turns").first.inner_text()
    right = report.bounding_box()["x"] + report.bounding_box()["width"]
    for part in report.locator("button:visible, .gm-count:visible, summary, .gm-table th, .gm-foot").all():
        box = part.bounding_box()
        assert box["x"] + box["width"] <= right + 1, part.inner_text()
        assert box["height"] <= 48 or part.evaluate("e => e.matches('.gm-foot')"), part.inner_text()
    assert report.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
