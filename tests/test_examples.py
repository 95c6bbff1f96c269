"""Every notebook of examples/, executed from the top in a real kernel, as Run All does it."""

import os
import re
from itertools import pairwise
from pathlib import Path

import nbclient
import nbformat
import pytest
from jupyter_client import KernelManager

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))

# A kernel takes longer to start than most lessons to run: they share one, which forgets each of them.
FORGET = """\
%unload_ext gradmagic
%reset -f
__spec__ = None  # which a module has, and new processes ask for
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    manager = KernelManager(kernel_name="python3")
    manager.folder = tmp_path_factory.mktemp("lessons")
    # Small products of matrices: on busy cores two threads wait for each other.
    manager.start_kernel(cwd=manager.folder, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    yield manager
    manager.shutdown_kernel(now=True)


def executed(path, kernel):
    """Give the notebook with its outputs; a cell that fails raises, unless it is tagged raises-exception."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(FORGET))
    nbclient.NotebookClient(notebook, timeout=300, km=kernel).execute()
    del notebook.cells[0]
    return notebook


def reports(cell) -> list[str]:
    """The pages that gradmagic put below a cell."""
    return [
        o["data"]["text/html"]
        for o in cell.get("outputs", ())
        if "gradmagic" in o.get("data", {}).get("text/html", "")
    ]


def printed(cell, stream="stdout") -> str:
    return "".join(o["text"] for o in cell.get("outputs", ()) if o.get("name") == stream)


def test_the_index_leads_to_every_lesson_in_the_order_of_their_names():
    index = nbformat.read(NOTEBOOKS[0], as_version=4)
    links = re.findall(r"\]\((\w+\.ipynb)\)", "".join(cell.source for cell in index.cells))
    assert NOTEBOOKS[0].name == "00_index.ipynb"
    assert links == [path.name for path in NOTEBOOKS[1:]]


def test_teachers_are_told_of_every_lesson():
    sheet = (EXAMPLES / "TEACHING.md").read_text(encoding="utf-8")
    assert not [path.name for path in NOTEBOOKS[1:] if f"({path.name})" not in sheet]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_and_shows_its_gradients(path, kernel):
    notebook = executed(path, kernel)
    magics = [cell for cell in notebook.cells if cell.cell_type == "code" and "%%grad" in cell.source]
    assert magics, "a lesson without a %%grad cell"
    for cell in magics:
        if "raises-exception" not in cell.metadata.get("tags", ()) and "--quiet" not in cell.source:
            assert reports(cell), f"no report below:\n{cell.source}"
    assert not list(kernel.folder.iterdir()), "the notebook left files in its folder"
    warned = [printed(cell, "stderr") for cell in notebook.cells]
    assert not any(warned), "".join(warned)
    expecting = [cell for cell in magics if "--expect" in cell.source and "on purpose" not in cell.source]
    for told, cell in pairwise(notebook.cells):  # "prints the same" of another library's program
        if promised := re.search(r"^```text\n(.*?)\n```", told.source, re.M | re.S):
            assert printed(cell).rstrip() == promised[1]
    told = [" ".join(cell.outputs[-1]["data"]["text/plain"].split()) for cell in expecting]
    assert all("as expected" in report for report in told)
