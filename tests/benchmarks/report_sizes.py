"""What a report of 10 to 10,000 operations costs: fold, layout, the whole page and the text, and how large the page is.

python tests/benchmarks/report_sizes.py [--profile KIND,OPERATIONS]

Prints a Markdown table, the median of five runs, each from the finished trace, with nothing kept from the run before.
"""

import argparse
import cProfile
import gc
import platform
import pstats
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from IPython.core.interactiveshell import InteractiveShell

import gradmagic as gm
from gradmagic.report.model import Trace
from gradmagic.report.parts.graph import MOST
from gradmagic.report.pictures.drawing import drawing
from gradmagic.report.report import Report
from gradmagic.report.shown.view import View

SIZES = (10, 100, 1_000, 10_000)
RUNS = 5
SETUP = "import numpy as np\nrng = np.random.default_rng(0)\na, b = 2.0, 0.5\nx = rng.normal(size=8)"


def small(_: int) -> tuple[str, str]:
    """Give a cell as it is written every day: a layer with its loss."""
    return "W c", (
        "X, t = rng.normal(size=(16, 4)), rng.normal(size=(16, 3))\nW, c = rng.normal(size=(4, 3)), np.zeros(3)\n"
        "h = np.tanh(X @ W + c)\nloss = np.mean((h - t)**2)"
    )


def chain(n: int) -> tuple[str, str]:
    """Give a cell of lines that are all different: nothing repeats, nothing is a loop."""
    forms = (
        "np.sin({}) + {}",
        "{} * 0.9 - {}",
        "np.tanh({}) * {}",
        "np.exp(-{}) / {}",
        "np.sqrt({}**2 + {})",
    )
    lines, count, k = ["y = x"], 0, 0
    while count < n - 1:
        lines.append(f"y = {forms[k * k % len(forms)].format('y', k + 2)}")
        count += 3 if k * k % len(forms) in (3, 4) else 2
        k += 1
    return "x", "\n".join([*lines, "z = y.sum()"])


def wide(n: int) -> tuple[str, str]:
    """Give a network of two layers written out neuron by neuron, every weight a leaf of its own: many long arrows."""
    inputs = 4
    hidden = max(1, (n - 3) // (2 * inputs + 4))
    values = ", ".join(f"w{i}_{j}" for i in range(hidden) for j in range(min(2, inputs)))
    lines = [f"{values} = rng.normal(size={hidden * 2}).tolist()"]
    for i in range(hidden):
        terms = " + ".join(f"w{i}_{j % 2} * x[{j}]" for j in range(inputs))
        lines.append(f"h{i} = np.tanh({terms} + {i / 10})")
    lines += ["out = 0.0", *(f"out += h{i} * {i + 1}" for i in range(hidden))]
    return "", "\n".join([*lines, "loss = (out - 1.0)**2"])


def loop(n: int) -> tuple[str, str]:
    """Give a loop of two operations a turn."""
    return "a b", f"for k in range({max(1, n // 2)}):\n    a = a * 0.9 + b\na"


KINDS = {"small": small, "chain": chain, "wide": wide, "loop": loop}


def traced(shell: InteractiveShell, kind: str, n: int) -> Trace:
    """Run the cell and take its trace."""
    line, body = KINDS[kind](n)
    done = shell.run_cell(f"%%grad --quiet {line}\n{body};")
    done.raise_error()
    trace: Trace = gm.last()._trace
    return trace


def measured(trace: Trace) -> dict[str, float]:
    """Time the parts of one report, in seconds; its page in bytes."""
    found = {}

    def timed(name, make):
        gc.collect()  # what the part before has left is not its cost
        start = time.perf_counter()
        made = make()
        found[name] = time.perf_counter() - start
        return made

    view = timed("fold", lambda: View.of(trace, MOST))
    timed("layout", lambda: drawing(view))
    page = timed("page", lambda: Report(trace).to_html())
    timed("text", lambda: Report(trace).to_text(width=80))
    found["bytes"] = len(page.encode())
    found["after"] = len(Report(trace)._html(brings=False).encode())  # another has style and script
    found["total"] = view.total
    found["shown"] = len(view.computed)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", metavar="KIND,OPERATIONS", help="profile one page instead")
    arguments = parser.parse_args()
    shell = InteractiveShell.instance(colors="NoColor", history_manager=None)
    shell.run_line_magic("load_ext", "gradmagic")
    shell.run_cell(SETUP, silent=True)
    if arguments.profile:
        kind, n = arguments.profile.split(",")
        trace = traced(shell, kind, int(n))
        Report(trace).to_html()
        with cProfile.Profile() as profile:
            Report(trace).to_html()
        pstats.Stats(profile).sort_stats("cumulative").print_stats(30)
        return
    versions = ", ".join(
        f"{name} {version(name)}" for name in ("numpy", "ipython", "graphviz-pure", "jinja2")
    )
    print(f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {versions}\n")
    heads = "fold, ms | layout, ms | whole page, ms | alone, KB | in a notebook, KB | text, ms"
    print(f"| cell | operations | shown | {heads} |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for kind in KINDS:
        for n in SIZES if kind != "small" else SIZES[:1]:
            trace = traced(shell, kind, n)
            runs = [measured(trace) for _ in range(RUNS + 1)][
                1:
            ]  # the first starts the template and the program
            ms = {
                name: f"{median(run[name] for run in runs) * 1e3:.0f}"
                for name in ("fold", "layout", "page", "text")
            }
            one = runs[0]
            row = (kind, f"{one['total']:,}", f"{one['shown']:,}", ms["fold"], ms["layout"], ms["page"])
            sizes = [f"{one[name] / 1000:.0f}" for name in ("bytes", "after")]
            print("| " + " | ".join((*row, *sizes, ms["text"])) + " |", flush=True)


if __name__ == "__main__":
    main()
