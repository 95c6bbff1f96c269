"""Style and script stand once in a notebook; no report is broken where the cell that has them is elsewhere, or gone."""

import json
import re

import nbconvert
import nbformat
import pytest

from tests.browser.test_lab import LAYERS, PARABOLA, PRODUCT, SETUP
from tests.browser.test_live import press

pytestmark = pytest.mark.browser

CELLS = (SETUP, PRODUCT, PARABOLA, LAYERS)
SIZE = 25_000  # bytes of a report that brings neither


def choose(lab, k: int) -> None:
    lab.page.evaluate("k => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = k }", k)


def run(lab, *cells: int) -> None:
    for k in cells:
        choose(lab, k)
        lab.command("notebook:run-cell")
        lab.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
        )
        lab.page.wait_for_timeout(300)


def opened_anew(lab, server, path) -> dict[int, str]:
    """Save the notebook and open its page anew; gives the HTML that each cell has kept."""
    lab.command("docmanager:save")
    lab.page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    lab.open(server, path)
    notebook = nbformat.read(path, as_version=4)
    found = {}
    for k, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if "text/html" in output.get("data", {}):
                found[k] = output["data"]["text/html"]
    return found


def brought(outputs: dict[int, str]) -> list[int]:
    return [k for k, html in outputs.items() if "gm-pack" in html]


def alive(lab, k: int) -> None:
    report = lab.outputs(k).locator(".gradmagic")
    report.locator(".gm-board svg").wait_for()
    press(report, "next")
    assert report.locator(".gm-told").inner_text().startswith("Step ")
    assert not report.locator(".gm-plain").is_visible() if report.locator(".gm-plain").count() else True


def test_the_first_brings_both_and_all_are_alive(open_notebook, server, chromium, tmp_path):
    lab = open_notebook(*CELLS)
    path = next(server.folder.glob("test_the_first_brings*.ipynb"))
    lab.run_all()
    for k in (1, 2, 3):
        alive(lab, k)
    run(lab, 1)  # again: what it brought before is gone
    alive(lab, 1)
    outputs = opened_anew(lab, server, path)
    assert brought(outputs) == [1]
    assert all(len(outputs[k].encode()) <= SIZE for k in (2, 3))
    for k in (1, 2, 3):
        alive(lab, k)
    assert not lab.messages
    # An export has them once; a report that is saved has them, too.
    page = lab.page.context.new_page()
    made = nbconvert.HTMLExporter().from_filename(path)[0]
    assert len(re.findall('class="gm-pack"', made)) == 1
    page.set_content(made, wait_until="domcontentloaded")
    for k in range(3):
        page.locator(".gradmagic").nth(k).locator(".gm-board svg").wait_for()
    alone = tmp_path / "alone.html"
    lab.page.evaluate(
        "code => jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({ code }).done.then()",
        f"import gradmagic as gm\ngm.last().save({json.dumps(str(alone))})",
    )
    page.goto(alone.as_uri())
    page.locator(".gm-board svg").wait_for()


def test_out_of_order_and_the_cell_that_brought_them_deleted(open_notebook, server):
    lab = open_notebook(*CELLS)
    path = next(server.folder.glob("test_out_of_order*.ipynb"))
    run(lab, 0, 3, 2, 1)
    assert brought(opened_anew(lab, server, path)) == [3]
    for k in (1, 2, 3):
        alive(lab, k)
    choose(lab, 3)
    lab.command("notebook:delete-cell")
    alive(lab, 2)  # the page has the script
    assert brought(opened_anew(lab, server, path)) == []
    plain = lab.outputs(2).locator(".gradmagic")
    plain.locator("table").first.wait_for()
    assert "z = " in plain.inner_text()
    assert "run this cell again" in plain.inner_text()
    assert plain.locator("img").first.evaluate("image => image.complete && image.naturalWidth") > 200
    assert plain.locator("button:visible").count() == 0
    lab.picture("plain", plain)
    # The page is new to the kernel: the next report brings both, for all that are there.
    run(lab, 1)
    assert brought(opened_anew(lab, server, path)) == [1]
    for k in (1, 2):
        alive(lab, k)
    assert not lab.messages
