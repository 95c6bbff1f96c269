"""`%%grad` in a real kernel, as JupyterLab, nbclient and papermill drive it."""

# ruff: noqa: E501  (a cell on one line of a table)

import threading

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

pytestmark = pytest.mark.slow
START = "%load_ext gradmagic\nimport numpy as np\nx = np.arange(3.0)"


def executed(*cells: str) -> list:
    """Run a notebook of these cells in a fresh kernel and give the cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    try:
        client.execute()
    except CellExecutionError as error:
        notebook.error = error
    return notebook


def test_a_notebook_runs_and_every_cell_shows_its_report():
    notebook = executed(
        START,
        "%%grad x\ny = x**2\nz = y.sum()",
        "%%grad x\nprint('before')\nz = (x**2).sum()\nz",
        "import asyncio\nfrom IPython.display import display",
        "%%grad x\nawait asyncio.sleep(0.01)\nz = x.sum()",
        "%%time\n%%grad x\nz = x.sum()",
        "%%grad x\nz = x.sum();",
        "(type(x).__name__, type(z).__name__, float(z))",
    )
    assert not hasattr(notebook, "error")
    outputs = [cell.outputs for cell in notebook.cells]
    first = outputs[1][0]
    assert first.output_type == "execute_result" and set(first.data) >= {"text/html", "text/plain"}
    assert "image/svg+xml" not in first.data  # nbconvert to PDF would need Inkscape
    assert len(first.data["text/html"]) < 60_000
    assert "gradient of z" in first.data["text/plain"] and "y = x**2" in first.data["text/plain"]
    assert [o.output_type for o in outputs[2]] == ["stream", "display_data", "execute_result"]
    assert outputs[4][0].output_type == "execute_result" and outputs[6] == []
    assert outputs[7][0].data["text/plain"] == "('ndarray', 'float64', 3.0)"
    again = executed(START, "%%grad x\ny = x**2\nz = y.sum()")
    assert again.cells[1].outputs[0].data == first.data  # the same bytes in another process


def test_a_failing_cell_stops_the_notebook_with_a_short_traceback():
    notebook = executed(START, "%%grad x\ny = x * 2\nz = y + np.ones(2)", "after = 1")
    shown, failed = notebook.cells[1].outputs
    assert "y = x * 2" in shown.data["text/plain"]
    assert failed.output_type == "error" and failed.ename == "ValueError"
    assert failed.evalue.startswith("operands could not be broadcast together with shapes (3,) (2,)")
    assert "y of shape (3,)" in " ".join(" ".join(failed.traceback).split())
    assert len("\n".join(failed.traceback).splitlines()) <= 12 and "gradmagic/" not in "".join(
        failed.traceback
    )
    assert notebook.cells[2].execution_count is None


@pytest.mark.parametrize(
    ("cell", "name"),
    [("%%grad nope\nz = 1", "NameOnLineError"), ("%%grad x\ny = x * 2", "NonScalarError"), ("%%grad x\ny = 1 +* 2", "SyntaxError"),
     ("# below\n%%grad x\ny = 1", "CellMagicError")],
)  # fmt: skip
def test_every_error_of_the_readers_stops_the_notebook(cell, name):
    notebook = executed(START, cell, "after = 1")
    assert notebook.cells[1].outputs[-1].ename == name
    assert notebook.cells[2].execution_count is None


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_an_interrupt_puts_everything_back(kernel):
    manager, client = kernel

    def run(code):
        outputs = []
        reply = client.execute_interactive(
            code, timeout=60, output_hook=lambda message: outputs.append(message["content"])
        )
        return reply["content"], outputs

    run(START + "\nimport time")

    def interrupt(message):
        if "ready" in message["content"].get("text", ""):
            threading.Timer(0.5, manager.interrupt_kernel).start()  # in the loop, not in print()

    cell = "%%grad x\ny = x * 2\nkept = [y]\nprint('ready', flush=True)\nfor i in range(600):\n    time.sleep(0.05)\nz = y.sum()"
    reply = client.execute_interactive(cell, timeout=60, output_hook=interrupt)["content"]
    assert reply["ename"] == "KeyboardInterrupt" and len("\n".join(reply["traceback"]).splitlines()) <= 14
    reply, outputs = run("print(type(x).__name__, type(y).__name__, type(kept[0]).__name__, float(y.sum()))")
    assert "ndarray ndarray ndarray 6.0" in outputs[-2]["text"]
    reply, outputs = run("%%grad x\nz = x.sum()")
    assert reply["status"] == "ok"


def test_what_is_forgotten_in_a_loop_is_said_where_the_reader_sees_it():
    notebook = executed(
        START + "\nimport gradmagic as gm\nw = gm.tensor(1.0, requires_grad=True)",
        "%%grad\nl = (w*2 - 4)**2\nl.backward()",
        "%%grad\nl = (w*2 - 4)**2\nl.backward()",
        "%%grad\nfor i in range(8):\n    w.grad = None\n    l = (w*2 - 4)**2\n    l.backward()\n    with gm.no_grad():\n        w -= 0.5*w.grad",
        "with gm.trace('x'):\n    y = (x*x).sum()",
        "%%grad x\ny = x*2\nz = y.reshape(5, 7)",
    )
    clean, held, grows, block, failed = (cell.outputs for cell in notebook.cells[1:])
    texts = [
        " ".join(outputs[0].data["text/plain"].split()) for outputs in (clean, held, grows, block, failed)
    ]
    assert "no notes" in texts[0]
    assert (
        "! line 3: backward() added to what w.grad still held from an earlier sweep, -8 + -8 = -16"
        in texts[1]
    )
    assert "still held from an earlier sweep" in held[0].data["text/html"]
    assert "! line 4: l grows from" in texts[2] and "Take smaller steps" in texts[2]
    assert block[0].output_type == "display_data" and "y = (x*x).sum()" in texts[3]
    assert "^ ValueError" in texts[4] and len("\n".join(failed[1].traceback).splitlines()) <= 8
