"""Every notebook of examples/, executed from the top in a real kernel, as Run All does it; ja/ is held to it."""

import ast
import os
import re
from itertools import chain, pairwise
from pathlib import Path

import nbclient
import nbformat
import pytest
from jupyter_client import KernelManager
from rich.markdown import Markdown

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))
JAPANESE = sorted(EXAMPLES.glob("ja/*.ipynb"))
IN_JAPANESE = '%config GradMagic.language = "ja"'

# A kernel takes longer to start than most lessons to run: they share one, which forgets each of them.
FORGET = """\
%unload_ext gradmagic
import gradmagic; gradmagic.set_language()
import matplotlib.pyplot; matplotlib.pyplot.close("all")
%reset -f
__spec__ = None  # which a module has, and new processes ask for
"""
MAGIC = re.compile(r"^[ \t]*[%!].*$", re.M)
EXPECTING = re.compile(r"%%grad.*--expect")
ASK = 'print(*(note.kind for note in __import__("gradmagic").last()._trace.notes))'  # in no language
SPEAKS = 'print(__import__("gradmagic").get_language())'


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    manager = KernelManager(kernel_name="python3")
    manager.folder = tmp_path_factory.mktemp("lessons")
    # Small products of matrices: on busy cores two threads wait for each other.
    manager.start_kernel(cwd=manager.folder, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    yield manager
    manager.shutdown_kernel(now=True)


def executed(path, kernel):
    """Give the notebook with its outputs, the kinds of the notes of each cell that has --expect, and its language.

    A cell that fails raises, unless it is tagged raises-exception.
    """
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = notebook.cells
    asking = [nbformat.v4.new_code_cell(ASK if EXPECTING.match(cell.source) else "") for cell in cells]
    between = chain.from_iterable(zip(cells, asking, strict=True))
    notebook.cells = [nbformat.v4.new_code_cell(FORGET), *between, nbformat.v4.new_code_cell(SPEAKS)]
    nbclient.NotebookClient(notebook, timeout=300, km=kernel).execute()
    language = printed(notebook.cells[-1]).strip()
    notebook.cells = cells
    return notebook, [printed(cell).split() for cell in asking], language


def reports(cell) -> list[str]:
    """The pages that gradmagic put below a cell."""
    return [
        o["data"]["text/html"]
        for o in cell.get("outputs", ())
        if "gradmagic" in o.get("data", {}).get("text/html", "")
    ]


def printed(cell, stream="stdout") -> str:
    return "".join(o["text"] for o in cell.get("outputs", ()) if o.get("name") == stream)


def has_japanese(text: str) -> bool:
    return re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", text) is not None


def same_code(here, there) -> bool:
    """Compare what `ast` made of a Japanese cell and of its twin; where strings are Japanese, the words may differ."""
    match here:
        case ast.JoinedStr() if has_japanese(ast.unparse(here)) and isinstance(there, ast.JoinedStr):
            fields = (
                sorted(ast.dump(v) for v in f.values if not isinstance(v, ast.Constant))
                for f in (here, there)
            )
            return next(fields) == next(fields)  # in another order, as its language says them
        case ast.Constant(str(words)) if has_japanese(words):
            return isinstance(there, ast.Constant) and isinstance(there.value, str)
        case ast.AST():
            return type(here) is type(there) and all(
                same_code(getattr(here, field), getattr(there, field)) for field in here._fields
            )
        case list():
            return isinstance(there, list) and len(here) == len(there) and all(map(same_code, here, there))
    return here == there


def links(notebook) -> list[tuple[str, str]]:
    """Give text and target of each link to a file."""
    told = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return re.findall(r"\[([^\]]+)\]\((?!https?:)([^)#]+)\)", told)


def in_language(folder: Path, path: Path) -> Path:
    """Give the lesson as it stands in a folder; where it does not, the English one."""
    return folder / path.name if (folder / path.name).exists() else path


@pytest.mark.parametrize("folder", [EXAMPLES, EXAMPLES / "ja"], ids=["en", "ja"])
def test_the_index_leads_to_every_lesson_in_the_order_of_their_names(folder):
    index, *lessons = NOTEBOOKS
    found = links(nbformat.read(folder / index.name, as_version=4))
    assert index.name == "00_index.ipynb"
    here = [in_language(folder, path) for path in lessons]
    led = [(text, path) for text, target in found if (path := (folder / target).resolve()) in here]
    assert [path for _, path in led] == here
    for text, path in led:
        if path.parent == folder:  # and is not the English one, for want of another
            assert nbformat.read(path, as_version=4).cells[0].source.startswith(f"# {text}\n")


@pytest.mark.parametrize("path", JAPANESE, ids=lambda path: path.stem)
def test_a_japanese_lesson_computes_what_its_twin_does(path):
    notebook, twin = (nbformat.read(p, as_version=4) for p in (path, EXAMPLES / path.name))
    assert [(c.cell_type, c.id, c.metadata) for c in notebook.cells] == [
        (c.cell_type, c.id, c.metadata) for c in twin.cells
    ]
    assert notebook.metadata == twin.metadata
    for cell, original in zip(notebook.cells, twin.cells, strict=True):
        if cell.cell_type == "markdown":
            assert has_japanese(cell.source)
            continue
        source = cell.source.replace(f"%load_ext gradmagic\n{IN_JAPANESE}\n", "%load_ext gradmagic\n")
        assert ("%load_ext" in source) == (source != cell.source), "the language belongs behind %load_ext"
        assert MAGIC.findall(source) == MAGIC.findall(original.source)
        here, there = (ast.parse(MAGIC.sub("", code)) for code in (source, original.source))
        assert same_code(here, there), f"not what the twin computes:\n{source}"
    assert not [target for _, target in links(notebook) if not (path.parent / target).exists()]


def survives_markdown(text: str) -> None:
    """A line break within a paragraph is shown as a space, and `**` between a bracket and a letter as itself."""
    parts = [part for token in Markdown(text).parsed for part in token.children or ()]
    assert not [part.content for part in parts if part.type == "text" and "**" in part.content]
    for before, part, after in zip(parts, parts[1:], parts[2:], strict=False):
        broken = f"{before.content[-1:]}{after.content[:1]}"
        assert part.type != "softbreak" or broken.isascii(), f"one line a paragraph: {broken}"


def test_japanese_pages_survive_markdown():
    for page in (EXAMPLES / "ja" / "TEACHING.md", EXAMPLES.parent / "README.ja.md"):
        survives_markdown(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", JAPANESE, ids=lambda path: path.stem)
def test_japanese_survives_markdown(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            survives_markdown(cell.source)


@pytest.mark.parametrize("folder", [EXAMPLES, EXAMPLES / "ja"], ids=["en", "ja"])
def test_teachers_are_told_of_every_lesson(folder):
    sheet = (folder / "TEACHING.md").read_text(encoding="utf-8")
    told = [(folder / target).resolve() for target in re.findall(r"\]\(([^)]+)\)", sheet)]
    assert told == [in_language(folder, path) for path in NOTEBOOKS]


@pytest.mark.slow
@pytest.mark.parametrize("path", [*NOTEBOOKS, *JAPANESE], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_notebook_runs_and_shows_its_gradients(path, kernel):
    notebook, notes, language = executed(path, kernel)
    assert language == ("ja" if path in JAPANESE else "en")
    magics = [cell for cell in notebook.cells if cell.cell_type == "code" and "%%grad" in cell.source]
    assert magics, "a lesson without a %%grad cell"
    for cell in magics:
        if "raises-exception" not in cell.metadata.get("tags", ()) and "--quiet" not in cell.source:
            assert reports(cell), f"no report below:\n{cell.source}"
    assert not list(kernel.folder.iterdir()), "the notebook left files in its folder"
    warned = [printed(cell, "stderr") for cell in notebook.cells]
    assert not any(warned), "".join(warned)
    for told, cell in pairwise(notebook.cells):  # "prints the same" of another library's program
        if promised := re.search(r"^```text\n(.*?)\n```", told.source, re.M | re.S):
            assert printed(cell).rstrip() == promised[1]
    twin = nbformat.read(EXAMPLES / path.name, as_version=4)
    for told, cell in zip(twin.cells, notebook.cells[1:], strict=False):
        assert "the report names the line" not in told.source or 'class="gm-notes"' in reports(cell)[0]
    for cell, kinds in zip(twin.cells, notes, strict=True):
        if EXPECTING.match(cell.source):
            assert ("differs" if "on purpose" in cell.source else "agrees") in kinds
