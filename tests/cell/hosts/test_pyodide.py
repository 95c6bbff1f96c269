"""In Pyodide, as in JupyterLite: no process, no thread, and of wheels only its own and pure ones.

PYODIDE names a folder made by `python tests/outside/pyodide.py FOLDER`; Node runs it. What holds everywhere of a place
without processes is in tests/report/pictures/test_without_processes.py.
"""

import json
import os
import shutil
import subprocess
import tomllib

import pytest

from tests.conftest import ROOT

FOLDER = os.environ.get("PYODIDE", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (FOLDER and shutil.which("node")), reason="needs Node, and PYODIDE, a folder with Pyodide"),
]  # fmt: skip

NODE = """
import { loadPyodide } from "%(folder)s/pyodide.mjs";
import { readFileSync } from "fs";
const pyodide = await loadPyodide({ indexURL: "%(folder)s/", stdout: line => console.log(line) });
await pyodide.loadPackage(%(loaded)s, { messageCallback: () => {} });
for (const [at, root] of [["/site", "%(folder)s/site"], ["/gradmagic", "%(package)s"]]) {
    pyodide.FS.mkdirTree(at);
    pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root }, at);
}
const script = readFileSync("script.py", "utf8");
try { pyodide.runPython(script); } catch (error) { console.log(error.message); process.exit(1); }
"""

SCRIPT = """
import importlib.metadata, json, sys

sys.dont_write_bytecode = True
sys.path[:0] = ["/", "/site"]

from packaging.requirements import Requirement
for requirement in map(Requirement, DEPENDENCIES):
    if requirement.marker is None or requirement.marker.evaluate():
        assert requirement.specifier.contains(importlib.metadata.version(requirement.name)), requirement

from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor", history_manager=None)

def run(cell):
    shell.run_cell(cell).raise_error()

run("import numpy as np\\nX, W = np.ones((3, 2)), np.full((2, 4), 0.1)")
shell.run_line_magic("load_ext", "gradmagic")
run("%%grad W --check --time --steps\\nh = np.tanh(X @ W)\\nloss = np.mean(np.log(1 + np.exp(-h)) + h**2)")
import gradmagic as gm
from gradmagic.report import ReportError
report = gm.last()
made = report.to_html()
assert "data:image/svg+xml" in made and "gm-graph" in made and "tanh" in made
for kind in ("html", "svg", "json", "md", "tex", "txt", "dot"):
    report.save(f"report.{kind}")
assert abs(float(report.explain("W[0,0]").value) - report.grads["W"][0, 0]) < 1e-4
x = gm.tensor(3.0, requires_grad=True)
assert gm.make_dot(x**2).source.startswith("digraph") and report.graph.pipe("svg").startswith(b"<svg")
errors = []
for draw in (lambda: report.save("graph.png"), lambda: report.graph.render("graph")):
    try:
        draw()
    except ReportError as error:
        errors.append(str(error))
import numpy as np
(x**3).backward()
traced = gm.trace(lambda x: (x**2).sum())(np.array([1.0, 2.0]))

open("program.py", "w").write("x = 3.0\\ny = x**2\\n")
from gradmagic.__main__ import main
status = main(["program.py", "x"])
print(json.dumps([sys.platform, errors, x.grad.item(), traced.grads["x"].tolist(), status, str(report)]))
"""


def test_cells_scripts_and_files_run_and_say_what_they_need(tmp_path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    loaded = json.dumps(["numpy", "ipython", "wcwidth", "packaging"])
    node = NODE % {"folder": os.path.abspath(FOLDER), "package": ROOT / "gradmagic", "loaded": loaded}
    (tmp_path / "run.mjs").write_text(node, encoding="utf-8")
    script = f"DEPENDENCIES = {project['dependencies']!r}\n{SCRIPT}"
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        ["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    platform, errors, grad, grads, status, text = json.loads(done.stdout.strip().rpartition("\n")[2])
    assert platform == "emscripten" and grad == 27 and grads == [2, 4] and status == 0
    assert "checked by differences" in text and "●   X @ W" in text and "forward  backward" in text
    assert len(errors) == 2 and all("svg" in error for error in errors)
