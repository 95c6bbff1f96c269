"""A report is a few screens high, however large: its parts scroll. Notebooks put what is longer into a box."""

import numpy as np
import pytest

from gradmagic.report import Report
from gradmagic.report.model import Trace
from tests.cell.helpers import fresh, traced
from tests.report import traces

pytestmark = pytest.mark.browser

HIGHEST = 2_000  # pixels of a report, twice the height of a screen


def long_one() -> Trace:
    """Forty inputs, a hundred lines that are all different, their steps."""
    rng = np.random.default_rng(0)
    namespace = fresh() | {f"w{i}": rng.random((4, 4)) for i in range(40)}
    text = "\n".join(
        f"v{i} = np.{f}(w{i % 40}) * {i}" for i, f in enumerate(["sin", "cos", "tanh", "exp"] * 25)
    )
    return traced(f"{text}\nloss = ({' + '.join(f'v{i}' for i in range(100))}).sum()", namespace)


@pytest.fixture(scope="module")
def reports() -> dict[str, str]:
    made = {name: getattr(traces, name)() for name in ("network", "descent", "parabola")} | {
        "long": long_one()
    }
    return {name: Report(trace).to_html() for name, trace in made.items()}


@pytest.mark.parametrize("width", [600, 800, 1100, 1400])
def test_the_height_is_bounded_and_the_rest_scrolls(chromium, reports, pictures, width):
    page = chromium.new_page(viewport={"width": width, "height": 900})
    try:
        for name, html in reports.items():
            page.set_content(html)
            report = page.locator(".gradmagic[data-live]")
            report.locator(".gm-board svg").first.wait_for()
            assert report.bounding_box()["height"] <= HIGHEST, name
            wide = page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert wide[0] <= wide[1], name
        # Nothing is cut off: what stands in less room than it takes can be scrolled.
        hidden = page.locator(".gradmagic *").evaluate_all(
            "all => all.filter(e => e.scrollHeight > e.clientHeight + 40 && e.clientHeight > 100"
            " && !['auto', 'visible', 'scroll'].includes(getComputedStyle(e).overflowY)).map(e => e.className)"
        )
        assert not hidden
        page.screenshot(path=pictures / f"long-{width}.png", full_page=True)
        # A walk brings its row into sight, and leaves the page where it is.
        page.evaluate("scrollTo(0, 0)")
        page.locator(".gm-steps").evaluate("list => { list.closest('details').open = true }")
        page.get_by_role("button", name="last", exact=True).click()
        seen = page.locator(".gm-graph").evaluate(
            "graph => { const now = graph.querySelector('.gm-board').shadowRoot.querySelector('.n.now'),"
            " a = now.getBoundingClientRect(), b = graph.getBoundingClientRect();"
            " return a.top >= b.top - 1 && a.bottom <= b.bottom + 1 }"
        )
        assert seen
        page.emulate_media(media="print")
        assert page.locator(".gm-listing").evaluate("e => e.scrollHeight <= e.clientHeight + 1")
    finally:
        page.close()


@pytest.mark.parametrize("width", [600, 700, 1100])
def test_a_long_line_of_code_leaves_the_values_in_view(chromium, width):
    line = "z = (np.log(1 + np.exp(-x * (x**2 + 3 * x - 4))) * 0.5 + 0.25 * (x - np.cos(x)) ** 2).sum() + 0.1 * x.sum()"
    html = Report(traced(f"y = x * 2\n{line}", fresh("x = np.array([1.0, 2.0, 3.0])"), "x")).to_html()
    page = chromium.new_page(viewport={"width": width, "height": 900})
    try:
        page.set_content(html)
        right = page.locator(".gm-cell tbody tr").evaluate_all(
            "rows => Math.max(...rows.flatMap(r => [...r.cells].slice(2)).map(c => c.getBoundingClientRect().left))"
        )
        assert right < width - 60
    finally:
        page.close()
