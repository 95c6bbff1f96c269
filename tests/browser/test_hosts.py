"""Hosts that cannot be run here, by their rules: VS Code's and Colab's marks of darkness, frames, no scripts.

And Notebook 7, which can. The report is that of a real run, and stands in a page made as the host makes it.
"""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import gradmagic as gm
from tests.browser.lab import PATIENCE, write_notebook
from tests.browser.test_lab import PARABOLA, PRODUCT, SETUP, brightness
from tests.browser.test_live import press

pytestmark = pytest.mark.browser

HOSTS = {  # name: (attributes of the page, attributes of its body, whether it is dark)
    "VS Code, light": ("", 'class="vscode-body vscode-light" style="background:#fff"', False),
    "VS Code, dark": ("", 'class="vscode-body vscode-dark" style="background:#1e1e1e;color:#ddd"', True),
    "VS Code, high contrast": ("", 'class="vscode-body vscode-high-contrast" style="background:#000;color:#fff"', True),
    "Colab, light": ("", 'style="background:#fff"', False),
    "Colab, dark": ('theme="dark"', 'style="background:#383838;color:#ddd"', True),
}  # fmt: skip
# What a page with rules of its own may say of every table, paragraph and drawing.
RULES = (
    "table{border:9px solid red;width:100%}td,th{padding:31px;text-align:center}button{font-size:40px}"
    "svg,img{width:40px}pre,code{background:pink;font-size:30px}a{color:red}"
)


def mean_of_product(a):
    b = a.T @ a
    return b.mean()


@pytest.fixture(scope="module")
def made() -> gm.Report:
    return gm.trace(mean_of_product)(np.array([[1.0, 3.0], [4.0, 2.0]]))


@pytest.fixture(scope="module")
def report(made) -> str:
    return made.to_html()


@pytest.fixture
def show(chromium, pictures: Path, request: pytest.FixtureRequest):
    """Open a page with this text; a picture of it is left at the end."""
    contexts = []

    def show(html: str, **settings):
        context = chromium.new_context(viewport={"width": 900, "height": 900}, **settings)
        contexts.append(context)
        page = context.new_page()
        page.set_content(html, wait_until="load")
        return page

    yield show
    name = re.sub(r"\W+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    for context in contexts:
        context.pages[0].screenshot(path=pictures / f"host-{name}.png", full_page=True)
        context.close()


@pytest.mark.parametrize("host", HOSTS)
def test_ink_can_be_read_and_the_graph_lives(show, report, host):
    of_page, of_body, dark = HOSTS[host]
    page = show(f"<html {of_page}><body {of_body}>{report}</body></html>")
    ground = brightness(page.locator("body"), "backgroundColor")
    assert (ground < 0.3) == dark
    for part in (".gm-result", ".gm-muted", ".gm-num"):
        assert abs(brightness(page.locator(part).first, "color") - ground) > 0.3, part
    assert abs(brightness(page.locator(".gm-live svg text").first, "fill") - ground) > 0.3
    press(page, "next")
    assert page.locator(".gm-told").inner_text().startswith("Step 1")


def test_in_a_frame_that_shares_nothing_with_the_page(show, report):
    page = show(
        '<html><body><iframe sandbox="allow-scripts" width="880" height="800"></iframe></body></html>'
    )
    page.locator("iframe").evaluate("(frame, html) => { frame.srcdoc = html }", report)
    inside = page.frame_locator("iframe")
    inside.locator(".gm-board svg").wait_for()
    press(inside, "next")
    assert inside.locator(".gm-told").inner_text().startswith("Step 1")


def test_where_scripts_are_refused_everything_stands_there(show, report):
    rule = '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'
    page = show(f"<html><head>{rule}</head><body>{report}</body></html>")
    assert page.locator("img.gm-svg").is_visible()
    assert page.locator("img.gm-svg").bounding_box()["width"] > 300
    assert page.locator(".gm-table").is_visible()
    assert page.locator("button:visible").count() == 0  # no button that does nothing


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_saved_page_follows_the_readers_system(show, made, tmp_path, scheme):
    made.save(tmp_path / "report.html")
    page = show((tmp_path / "report.html").read_text(encoding="utf-8"), color_scheme=scheme)
    ground = brightness(page.locator("body"), "backgroundColor") if scheme == "dark" else 1.0
    assert (ground < 0.3) == (scheme == "dark")
    assert abs(brightness(page.locator(".gm-result").first, "color") - ground) > 0.5


def test_rules_of_the_page_stay_outside_and_ours_inside(show, report):
    about = "<table><tr><td>1</td></tr></table><pre>x</pre><p>y</p><button>b</button>"
    look = (
        "elements => elements.map(e => JSON.stringify(['padding','fontSize','color','borderTopWidth','display',\
'backgroundColor','textAlign','width'].map(k => getComputedStyle(e)[k])))"
    )
    bare = show(f"<html><head><style>{RULES}</style></head><body>{about}</body></html>")
    both = show(f"<html><head><style>{RULES}</style></head><body>{about}<div>{report}</div></body></html>")
    selector = "body > table td, body > pre, body > p, body > button"
    assert bare.eval_on_selector_all(selector, look) == both.eval_on_selector_all(selector, look)
    cell = both.locator(".gm-table td").first
    assert float(cell.evaluate("e => parseFloat(getComputedStyle(e).paddingTop)")) < 20
    assert both.locator(".gm-live svg").bounding_box()["width"] > 300
    assert both.locator(".gm-table").evaluate("e => getComputedStyle(e).borderTopColor") != "rgb(255, 0, 0)"


@pytest.mark.skipif(importlib.util.find_spec("notebook") is None, reason="Notebook 7 is not installed")
def test_in_notebook_7(chromium, server, pictures):
    write_notebook(server.folder / "seven.ipynb", SETUP, PRODUCT, PARABOLA)
    context = chromium.new_context(viewport={"width": 1280, "height": 1100})
    context.set_default_timeout(PATIENCE * 1000)
    try:
        page = context.new_page()
        page.goto(server.address("notebooks/seven.ipynb"), wait_until="domcontentloaded")
        page.wait_for_selector(".jp-Notebook .jp-Cell", state="visible")
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.locator(".gradmagic").nth(1).locator(".gm-board svg").wait_for()
        assert page.locator("script.gm-pack").count() == 1  # the second has it from the first
        report = page.locator(".gradmagic").first
        report.locator(".gm-board svg").wait_for()
        assert "e = 6" in report.inner_text()
        press(report, "next")
        assert report.locator(".gm-told").inner_text().startswith("Step 1")
        page.screenshot(path=pictures / "notebook-7.png")
    finally:
        context.close()
