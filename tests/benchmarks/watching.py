"""What it costs to watch a cell: the same loop in plain NumPy, on the tape with its sweep, and under %%grad.

python tests/benchmarks/watching.py                              # the table in README
python tests/benchmarks/watching.py --inputs 200,2000            # one operation or two for each of many inputs
python tests/benchmarks/watching.py --cells 3000                 # memory over many cells, Linux
python tests/benchmarks/watching.py --plain                      # what the collector alone makes of a long tape

Times are the process's own (CPU), the best of several rounds in which all are asked in turn. `%%grad` is the whole
magic, from its text to the report; the report's text and page are made when they are shown, and stand beside it.
"""

import argparse
import gc
import io
import platform
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from IPython.core.interactiveshell import InteractiveShell

import gradmagic as gm

LOOP = "y = x\nfor _ in range({}):\n    y = y * 0.9999\n    y = y + 0.0001\nz = y.sum()\n"


def in_plain_numpy(length: int) -> None:
    """Half multiplications, half additions, over four float64 numbers."""
    y = np.full(4, 0.5)
    for _ in range(length // 2):
        y = y * 0.9999
        y = y + 0.0001
    y.sum()


def on_the_tape(length: int) -> None:
    """The same, recorded; and the way back."""
    y = gm.tensor(np.full(4, 0.5), requires_grad=True)
    for _ in range(length // 2):
        y = y * 0.9999
        y = y + 0.0001
    y.sum().backward()


class Shell:
    """An IPython in which cells run; what they give is not displayed."""

    def __init__(self) -> None:
        self.shell = InteractiveShell.instance(colors="NoColor", history_manager=None)
        self.shell.run_line_magic("load_ext", "gradmagic")

    def grad(self, line: str, cell: str, **names: Any) -> Any:
        self.shell.user_ns.update(names)
        return self.shell.run_cell_magic("grad", line, cell)


def taken(f: Callable[[], Any]) -> float:
    start = time.process_time()
    f()
    return time.process_time() - start


def rounds(work: dict[str, Callable[[], Any]], count: int) -> dict[str, float]:
    """Time each in turn, `count` times, and give the best of each in seconds."""
    for f in work.values():
        f()  # caches, and what is imported late
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(count):
        for name, f in work.items():
            found[name].append(taken(f))
    return {name: min(times) for name, times in found.items()}


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.{2 if seconds < 1e-2 else 1 if seconds < 1e-1 else 0}f}"


def show(heads: list[str], rows: list[list[str]]) -> None:
    """Print a table in Markdown."""
    print(f"| {' | '.join(heads)} |\n|{'---:|' * len(heads)}")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows), flush=True)


def over_lengths(lengths: list[int], count: int) -> None:
    shell, rows = Shell(), []
    for n in lengths:
        x = np.full(4, 0.5)
        made: list[Any] = []

        def watched(n: int = n, x: Any = x, made: list[Any] = made) -> None:
            made[:] = [shell.grad("x", LOOP.format(n // 2), x=x)]

        times = rounds(
            {
                "plain": lambda n=n: in_plain_numpy(n),
                "tape": lambda n=n: on_the_tape(n),
                "grad": watched,
                # A new report each time: it makes its parts once.
                "text": lambda made=made: str(gm.Report(made[0]._trace)),
                "page": lambda made=made: gm.Report(made[0]._trace).to_html(),
            },
            max(2, count if n <= 10_000 else count // 3),
        )
        each = (times["grad"] - times["tape"]) / n * 1e6
        rows.append([f"{n:,}", *map(milliseconds, times.values()), f"{each:,.1f}"])
    show(
        ["operations", "plain NumPy, ms", "tape, ms", "%%grad, ms", "its text", "its page", "added, µs each"],
        rows,
    )


def over_inputs(counts: list[int], count: int) -> None:
    shell, rows = Shell(), []
    for n in counts:
        tensors = [gm.tensor(1.0 + i % 3, requires_grad=True) for i in range(n)]
        names = {f"w{i}": t for i, t in enumerate(tensors)}
        listed = ", ".join(names)
        cells = {
            "squares": f"z = sum(w * w for w in [{listed}])",
            "all zero": f"z = sum(w * w * 0 for w in [{listed}])",
            "a chain": f"z = 1e-3\nfor w in [{listed}]:\n    z = z * w * 0.1",
        }
        work = {
            name: lambda cell=cell, names=names: shell.grad("", cell, **names) for name, cell in cells.items()
        }
        rows.append([f"{n:,}", *map(milliseconds, rounds(work, max(2, count // 3)).values())])
    show(["inputs", *(f"{name}, ms" for name in cells)], rows)


def resident() -> float:
    """The process's memory, in KiB (Linux)."""
    with open("/proc/self/status") as status:
        return next(float(line.split()[1]) for line in status if line.startswith("VmRSS"))


def over_cells(count: int) -> None:
    """Run a cell many times as IPython does, plainly and under %%grad, and tell what each more keeps."""
    shell, rows = Shell(), []
    body = "y = x * 2\nz = (y * y).sum()"
    for name in ("plain", "%%grad --quiet x", "%%grad x"):
        cell = body if name == "plain" else f"{name}\n{body}"
        held = []
        for i in range(count):
            shell.shell.user_ns["x"] = np.full(4, 0.5)
            with redirect_stdout(io.StringIO()):
                shell.shell.run_cell(cell, store_history=True)
            if (i + 1) % (count // 6) == 0:
                gc.collect()
                held.append(resident())
        each = [(b - a) / (count // 6) for a, b in pairwise(held)]
        rows.append([name, *(f"{kib:.1f}" for kib in each)])
    show(["KiB a cell", *(f"sixth {i}" for i in range(2, 7))], rows)


def of_the_collector(lengths: list[int], count: int) -> None:
    """The tape alone: what each operation costs, and how often Python looked through everything it knows."""
    rows = []
    for n in lengths:
        before = gc.get_stats()[2]["collections"]
        best = min(taken(lambda n=n: on_the_tape(n)) for _ in range(count))
        whole = (gc.get_stats()[2]["collections"] - before) / count
        rows.append([f"{n:,}", f"{best / n * 1e6:.2f}", f"{whole:.1f}"])
    show(["operations", "µs each", "full collections"], rows)


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lengths", type=numbers, default=[10, 1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--inputs", type=numbers)
    parser.add_argument("--cells", type=int)
    parser.add_argument("--plain", action="store_true")
    chosen = parser.parse_args()
    print(f"Python {platform.python_version()}, NumPy {np.__version__}\n")
    if chosen.inputs:
        over_inputs(chosen.inputs, chosen.rounds)
    elif chosen.cells:
        over_cells(chosen.cells)
    elif chosen.plain:
        of_the_collector(chosen.lengths, chosen.rounds)
    else:
        over_lengths(chosen.lengths, chosen.rounds)


if __name__ == "__main__":
    main()
