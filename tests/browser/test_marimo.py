"""marimo, headless: a report has the reader's names there, and its picture has the script."""

import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.browser.lab import PATIENCE
from tests.browser.test_live import press

pytest.importorskip("marimo")
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore")]

NOTEBOOK = """\
import marimo

app = marimo.App()


@app.cell
def _():
    import numpy as np
    import gradmagic as gm

    x = np.arange(-2, 2.25, 0.25)
    return gm, np, x


@app.cell
def _(gm, np):
    _a = np.array([1.0, 2.0])
    _kept = _a
    with gm.trace("_a") as _t:
        _b = _a * 2
        _c = (_b * _a).sum()
    private = _t.report
    assert _a is _kept and type(_a) is type(_b) is np.ndarray and _b.tolist() == [2, 4]
    private
    return (private,)


@app.cell
def _(gm, x):
    def _f(q):
        _p = q * 3
        return _p.sum()

    of_function = gm.trace(_f)(x)
    of_function
    return (of_function,)


@app.cell
def _(gm, x):
    with gm.trace("x") as traced:
        y = 2 * x**2 + 2
        z = y.sum()
    traced
    return


@app.cell
def _(gm, x):
    with gm.trace("x"):
        w = (x * 3).sum()
    return
"""


def test_names_that_are_a_cells_own_are_those_that_the_reader_wrote(tmp_path):
    (tmp_path / "readers_cells.py").write_text(NOTEBOOK, encoding="utf-8")
    names: dict = {}
    sys.path.insert(0, str(tmp_path))
    try:
        import readers_cells

        _, names = readers_cells.app.run()
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("readers_cells", None)
    private, of_function = names["private"], names["of_function"]
    assert private.grads["_a"].tolist() == [4, 8]
    text = private.to_text(color=False)
    assert text.startswith("_c = 10") and " ● _c = (_b * _a).sum() " in text and "d_c/d_a" in text
    text = of_function.to_text(color=False)
    assert text.startswith("_f = 0.0 ") and "d_f/dq" in text and " ● _p = q * 3 " in text
    assert "_cell_" not in private.to_html() + of_function.to_html()


def test_the_picture_has_its_buttons(chromium, pictures, tmp_path):
    file = tmp_path / "notebook.py"
    file.write_text(NOTEBOOK, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = subprocess.Popen(
        [sys.executable, "-m", "marimo", "-q", "run", str(file), "--headless", "--no-token", "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}/"
        for _ in range(240):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.25)
        page = chromium.new_page(viewport={"width": 1200, "height": 2600})
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(address)
        page.wait_for_function("document.querySelectorAll('iframe').length == 4")
        frames = [page.frame_locator("iframe").nth(i) for i in range(4)]
        for frame in frames:
            frame.get_by_role("button", name="full").wait_for()
        table = frames[2].locator(".gm-table")
        assert "?" not in table.inner_text()
        press(frames[2], "hide the gradients until you ask for them")
        assert "?" in table.inner_text()
        heights = [page.locator("iframe").nth(i).bounding_box()["height"] for i in range(4)]
        assert min(heights) > 380
        page.screenshot(path=str(pictures / "marimo.png"), full_page=True)
        page.close()
    finally:
        served.terminate()
        served.wait()
