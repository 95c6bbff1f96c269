"""Every notebook of examples/, executed from the top in a real kernel, as Run All does it."""

from pathlib import Path

import nbclient
import nbformat
import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


def reports(cell) -> list[str]:
    """The pages that gradmagic put below a cell."""
    return [
        o["data"]["text/html"]
        for o in cell.get("outputs", ())
        if "gradmagic" in o.get("data", {}).get("text/html", "")
    ]


def test_there_is_a_notebook_for_each_of_the_six_programs():
    assert len(NOTEBOOKS) >= 6


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_and_shows_its_gradients(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()  # a cell that fails raises here, unless it is tagged raises-exception
    magics = [cell for cell in notebook.cells if cell.cell_type == "code" and "%%grad" in cell.source]
    assert magics, "a lesson without a %%grad cell"
    for cell in magics:
        if "raises-exception" not in cell.metadata.get("tags", ()) and "--quiet" not in cell.source:
            assert reports(cell), f"no report below:\n{cell.source}"
    assert not list(tmp_path.iterdir()), "the notebook left files in its folder"
    printed = [o for cell in notebook.cells for o in cell.get("outputs", ()) if o.get("name") == "stderr"]
    assert not printed, "".join(o["text"] for o in printed)
