"""One server and one browser for the tests of this folder; skipped with a message where they cannot be had."""

import importlib.util
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import lab


@pytest.fixture(scope="package")
def pictures() -> Path:
    """Where the pictures go; kept after the run, for people."""
    folder = os.environ.get("GRADMAGIC_PICTURES") or tempfile.mkdtemp(prefix="gradmagic-pictures-")
    Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


@pytest.fixture(scope="package")
def chromium():
    for module in ("playwright", "jupyterlab"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed (pip install '.[browser]')")
    executable = lab.chromium()
    if executable is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    with lab.browser(executable) as browser:
        yield browser


@pytest.fixture(scope="package")
def server(chromium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[lab.Server]:
    server = lab.Server(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture
def open_notebook(chromium, server, pictures: Path, request: pytest.FixtureRequest):
    """Open a notebook of these cells (or a notebook file already in the server's folder) in a page of its own."""
    contexts = []

    def open_notebook(*cells: str, path: Path | None = None) -> lab.Lab:
        name = request.node.name.replace("[", "-").replace("]", "")
        path = path or lab.write_notebook(server.folder / f"{name}.ipynb", *cells)
        context = chromium.new_context(viewport={"width": 1280, "height": 1300}, device_scale_factor=2)
        context.set_default_timeout(lab.PATIENCE * 1000)
        contexts.append(context)
        opened = lab.Lab(context.new_page(), pictures)
        opened.open(server, path)
        return opened

    yield open_notebook
    for context in contexts:
        context.close()
