"""Where no process and no thread can be started and no binary lies (Pyodide), a cell is shown as anywhere."""

import subprocess
import sys
import textwrap

SCRIPT = """
import importlib.metadata, os, shutil, subprocess, sys, threading

def refused(*args, **kwargs):
    raise OSError(138, "Function not supported")  # what Emscripten says

found = importlib.metadata.files
def files(name):
    if name == "graphviz-pure":
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)

from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor", history_manager=None)
subprocess.Popen.__init__ = os.posix_spawn = os.fork = refused
threading.Thread.start = refused
shutil.which = lambda *a, **k: None
importlib.metadata.files = files
sys.modules["matplotlib"] = None

shell.run_cell("import numpy as np\\nX, W = np.ones((3, 2)), np.full((2, 4), 0.1)").raise_error()
shell.run_line_magic("load_ext", "gradmagic")
shell.run_cell("%%grad --quiet W\\nh = np.tanh(X @ W)\\nloss = np.mean(np.log(1 + np.exp(-h)) + h**2)").raise_error()
import gradmagic as gm
report = gm.last()
made = report.to_html()
assert "data:image/svg+xml" in made and "gm-graph" in made and "tanh" in made
for kind in ("html", "svg", "json", "md", "tex", "txt", "dot"):
    report.save(f"report.{kind}")
assert abs(float(report.explain("W[0,0]").value) - report.grads["W"][0, 0]) < 1e-4
assert report.graph.source.startswith("digraph")
assert report.graph.pipe("svg").startswith(b"<svg") and "image/svg+xml" in report.graph._repr_mimebundle_()
for draw in (lambda: report.save("graph.png"), lambda: report.graph.render("graph")):
    try:
        draw()
    except Exception as error:
        print(type(error).__name__, error)
    else:
        raise AssertionError("nothing here can draw that")
"""


def test_a_cell_is_shown_and_saved(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    png, render = done.stdout.strip().split("\n")
    assert png.startswith("ReportError") and "svg" in png and "matplotlib" in png
    assert render.startswith("ReportError") and "svg" in render and "save as svg or png" not in done.stdout
    assert (tmp_path / "report.svg").read_text("utf-8").startswith("<svg")
