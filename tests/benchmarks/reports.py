"""How long a report takes, from the finished cell to the page, and how large it is.

python tests/benchmarks/reports.py
"""

import sys
import time
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from IPython.core.interactiveshell import InteractiveShell

import gradmagic as gm

SETUP = """
import numpy as np
rng = np.random.default_rng(0)
a, b = 2.0, 1.0
x = np.arange(-2, 2.25, 0.25)
X, target = rng.normal(size=(32, 4)), rng.normal(size=(32, 1))
W1, b1, W2, b2 = rng.normal(size=(4, 8)), np.zeros(8), rng.normal(size=(8, 1)), np.zeros(1)
big = rng.normal(size=1_000_000)
"""

CELLS = {
    "three operations": ("a b", "e = (a + b) * (b + 1)"),
    "parabola": ("x", "y = 2 * x**2 + 2\nz = y.sum()"),
    "two layers": (
        "W1 b1 W2 b2",
        "h = np.tanh(X @ W1 + b1)\nout = h @ W2 + b2\nloss = np.mean((out - target)**2)",
    ),
    "twenty unlike lines": (
        "x",
        "y = x\n"
        + "\n".join(f"y{k} = np.sin(y) + {k} * y\ny = y{k} / {k + 2}" for k in range(20))
        + "\nz = y.sum()",
    ),
    "a loop of 100": ("a b", "for k in range(50):\n    a = a * b + 0.5\na"),
    "a loop of 10,000": ("a b", "for k in range(5000):\n    a = a * 0.9 + b\na"),
    "a million numbers": ("big", "z = np.mean(np.exp(-big**2))"),
}


def main() -> None:
    shell = InteractiveShell.instance(colors="NoColor", history_manager=None)
    shell.run_line_magic("load_ext", "gradmagic")
    shell.run_cell(SETUP, silent=True)
    print(f"{'cell':22s} {'cell':>9s} {'html':>9s} {'again':>9s} {'text':>9s} {'page':>9s}  text")
    for name, (line, body) in CELLS.items():
        marks = [time.perf_counter()]
        shell.run_cell_magic("grad", f"--quiet {line}".strip(), body)
        marks.append(time.perf_counter())
        report = gm.last()
        # The second drawing shows what of the first was the layout program's first start.
        page = report.to_html()
        marks.append(time.perf_counter())
        report.to_html()
        marks.append(time.perf_counter())
        text = report.to_text()
        marks.append(time.perf_counter())
        spent = " ".join(f"{(q - p) * 1e3:6.0f} ms" for p, q in pairwise(marks))
        print(f"{name:22s} {spent} {len(page.encode()) / 1000:6.1f} KB  {len(text.splitlines())} lines")


if __name__ == "__main__":
    main()
