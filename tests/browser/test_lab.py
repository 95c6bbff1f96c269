"""What a person sees of a report in JupyterLab. Every test leaves a picture; look at them when the report changes."""

import re

import nbclient
import nbformat
import pytest

from tests.browser.lab import write_notebook

pytestmark = pytest.mark.browser

SETUP = """\
%load_ext gradmagic
import numpy as np
a, b = 2, 1
A = np.array([[1.0, 3.0], [4.0, 2.0]])
x = np.arange(-2, 2.25, 0.25)
rng = np.random.default_rng(0)
X, target = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))
W1, b1, W2, b2 = rng.normal(size=(3, 4)), np.zeros(4), rng.normal(size=(4, 1)), np.zeros(1)"""
PRODUCT = "%%grad a, b\nc = a + b\nd = b + 1\ne = c * d"
PARABOLA = "%%grad x\ny = 2 * x**2 + 2\nz = y.sum()"
LAYERS = "%%grad W1 b1 W2 b2\nh = np.tanh(X @ W1 + b1)\nout = h @ W2 + b2\nloss = np.mean((out - target)**2)"


def rows(report) -> list[list[str]]:
    """The table of gradients as a reader reads it: the texts of each row."""
    table = report.locator("table.gm-table").first
    return [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]


def brightness(locator, what: str) -> float:
    """The brightness, 0 to 1, of a computed colour."""
    colour = locator.evaluate(f"element => getComputedStyle(element).{what}")
    red, green, blue = (float(part) for part in re.findall(r"[\d.]+", colour)[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def test_a_product_of_sums_shows_table_graph_and_cell(open_notebook):
    lab = open_notebook(SETUP, PRODUCT, "a, b, e")
    lab.run_all()
    report = lab.outputs(1).locator(".gradmagic")
    assert report.count() == 1
    assert "e = 6" in report.inner_text()
    assert [row[:3] for row in rows(report)] == [["a", "2", "2"], ["b", "1", "5"]]
    drawing = report.locator(".gm-live svg")
    box = drawing.bounding_box()
    assert box["width"] > 300
    assert box["height"] > 60
    written = " ".join(drawing.locator("text").all_text_contents())
    for text in ("a = 2", "b = 1", "c = a + b", "d = b + 1", "e = c * d"):
        assert text in written, written
    assert drawing.locator(".n[data-k]").count() >= 5
    assert lab.outputs(2).inner_text().strip() == "(2, 1, 6)"
    assert not lab.messages
    lab.picture("product", report)


def test_pointing_at_a_row_lights_its_paths_through_the_graph(open_notebook):
    lab = open_notebook(SETUP, PRODUCT)
    lab.run_all()
    report = lab.outputs(1).locator(".gradmagic")
    drawing = report.locator(".gm-live svg")
    assert drawing.locator(".dim").count() == 0
    report.locator("table.gm-table tbody tr").first.hover()
    # a reaches e through c: d, b and the arrows between them step back.
    drawing.locator(".n.on").wait_for()
    assert drawing.locator(".n.dim").count() == 2
    assert drawing.locator(".e.dim").count() >= 3
    lab.picture("product pointed at", report)
    lab.page.mouse.move(0, 0)
    drawing.locator(".dim").first.wait_for(state="detached")


@pytest.mark.parametrize(
    ("name", "cell", "names"),
    [("parabola", PARABOLA, ["x"]), ("two layers", LAYERS, ["W1", "b1", "W2", "b2"])],
    ids=["parabola", "two layers"],
)
def test_arrays_show_their_gradients_and_their_graph(open_notebook, name, cell, names):
    lab = open_notebook(SETUP, cell)
    lab.run_all()
    report = lab.outputs(1).locator(".gradmagic")
    text = report.inner_text()
    assert all(name in text for name in names)
    drawings = report.locator(".gm-live svg")
    drawings.first.wait_for(state="attached")
    assert drawings.count() >= 1
    for drawing in drawings.all():
        box = drawing.bounding_box()
        assert box["width"] > 100
        assert box["height"] > 40
    page_width = report.evaluate("element => [element.scrollWidth, element.clientWidth]")
    assert page_width[0] <= page_width[1] + 1, "the report is wider than its place on the page"
    assert not lab.messages
    lab.picture(name, report)
    # The cell and what stands below it: README's picture is this one of the parabola.
    lab.picture(f"{name} cell", lab.page.locator(".jp-Notebook .jp-Cell").nth(1))


def made_elsewhere(server, tmp_path, name: str, *cells: str):
    """A notebook that this server never signed: JupyterLab takes scripts, styles and svg away."""
    path = write_notebook(server.folder / f"{name}.ipynb", SETUP, *cells)
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.write(notebook, path)
    return path


def test_an_untrusted_notebook_still_shows_table_graph_and_cell(open_notebook, server, tmp_path):
    lab = open_notebook(path=made_elsewhere(server, tmp_path, "untrusted", PRODUCT))
    output = lab.outputs(1)
    output.locator("table").first.wait_for()
    assert output.locator("script, style, svg, .gm-live").count() == 0
    text = output.inner_text()
    assert "e = 6" in text
    first = output.locator("table").first
    assert [row.locator("th, td").all_inner_texts()[:3] for row in first.locator("tbody tr").all()] == [
        ["a", "2", "2"],
        ["b", "1", "5"],
    ]
    image = output.locator("img").first
    assert image.is_visible()
    assert image.evaluate("image => image.complete && image.naturalWidth") > 300
    assert "graph" in image.get_attribute("alt")
    lab.picture("untrusted", output.first)


def test_a_quiz_in_an_untrusted_notebook_is_opened_by_hand(open_notebook, server, tmp_path):
    quiz = PRODUCT.replace("%%grad", "%%grad --quiz")
    lab = open_notebook(path=made_elsewhere(server, tmp_path, "untrusted quiz", quiz))
    output = lab.outputs(1)
    output.locator("table").first.wait_for()
    assert output.locator("script, style, svg, .gm-live").count() == 0
    rows = output.locator("table").first.locator("tbody tr")
    grads = [row.locator("td").nth(1) for row in rows.all()]
    assert [grad.inner_text().strip() for grad in grads] == ["?", "?"]
    for text in ("start with", "④②", "by 0.05"):
        assert text not in output.inner_text() and text in output.text_content()
    grads[1].locator("summary").click()
    assert [grad.inner_text().split() for grad in grads] == [["?"], ["?", "5"]]
    lab.picture("untrusted quiz", output.first)


def test_in_the_dark_theme_ink_is_light(open_notebook):
    lab = open_notebook(SETUP, PRODUCT, PARABOLA)
    lab.run_all()
    lab.theme("JupyterLab Dark")
    for cell in (1, 2):
        report = lab.outputs(cell).locator(".gradmagic")
        page = brightness(lab.page.locator(".jp-Notebook").first, "backgroundColor")
        assert page < 0.2
        assert brightness(report.locator(".gm-result").first, "color") > page + 0.5
        assert brightness(report.locator(".gm-muted").first, "color") > page + 0.3
        # The drawing takes the page's colours: no white card shines out of the dark.
        assert brightness(report.locator(".gm-live svg text").first, "fill") > page + 0.4
        lab.picture(f"dark {cell}", report)
