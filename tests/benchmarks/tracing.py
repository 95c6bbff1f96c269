"""What watching the tape costs: traced over untraced, in time and in memory. Every number is of a process of its own.

python tests/benchmarks/tracing.py [--rounds 7] [--length 10000]
"""

import argparse
import gc
import json
import platform
import subprocess
import sys
import time
import tracemalloc
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

import gradmagic as gm
from gradmagic.engine.tape import modes
from gradmagic.engine.watch.recorder import Recorder


def chain(length: int, traced: bool) -> None:
    """Half multiplications, half additions, over four float32 numbers; forward and backward."""
    x = gm.tensor(np.full(4, 0.5, np.float32), requires_grad=True)
    with modes.watch(Recorder()) if traced else nullcontext():
        y = x
        for _ in range(length // 2):
            y = y * 0.9999
            y = y + 0.0001
        y.sum().backward()
    assert x.grad is not None


def best_time(length: int, traced: bool, rounds: int) -> float:
    chain(length, traced)
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        chain(length, traced)
        times.append(time.perf_counter() - start)
    return min(times)


def allocated(length: int, traced: bool) -> int:
    """Peak of what Python and NumPy allocate while the chain runs, in bytes."""
    chain(100, traced)
    gc.collect()
    tracemalloc.start()
    chain(length, traced)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def process_memory(field: str) -> int:
    """A field of /proc/self/status (VmHWM: the most ever held, VmRSS: held now), in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


def resident(length: int, traced: bool) -> int:
    """How far the process's peak memory rises while the chain runs, in bytes (Linux)."""
    chain(100, traced)
    gc.collect()
    before = process_memory("VmRSS")
    chain(length, traced)
    return process_memory("VmHWM") - before


def loop(sweeps: int) -> list[int]:
    """Python's allocations after every tenth of the sweeps of one traced loop, in bytes."""
    x = gm.tensor(np.full(4, 0.5, np.float32), requires_grad=True)
    held = []
    tracemalloc.start()
    with modes.watch(Recorder()):
        for k in range(sweeps):
            y = x
            for _ in range(50):
                y = y * 0.99 + 0.01
            y.sum().backward()
            x.grad.zero_()
            if (k + 1) % (sweeps // 10) == 0:
                del y
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return held


MEASURES = {"time": best_time, "allocated": allocated, "resident": resident, "loop": loop}


def measure(name: str, *arguments: object):
    """Call one of MEASURES in a fresh interpreter."""
    command = [sys.executable, __file__, "--measure", json.dumps([name, *arguments])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        name, *arguments = json.loads(options.measure)
        print(json.dumps(MEASURES[name](*arguments)))
        return
    n = options.length
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, {n:,} operations over 4 float32 numbers"
    )
    # Processes in turn, so that a busy moment of the machine hits both.
    pairs = [(measure("time", n, False, 3), measure("time", n, True, 3)) for _ in range(options.rounds)]
    plain, traced = (min(times) for times in zip(*pairs, strict=True))
    print(f"time       {plain * 1e3:8.1f} ms   traced {traced * 1e3:8.1f} ms   ratio {traced / plain:.2f}")
    for name in ("allocated", "resident"):
        plain, traced = measure(name, n, False), measure(name, n, True)
        print(
            f"{name:10s} {plain / 2**20:8.2f} MiB  traced {traced / 2**20:8.2f} MiB  ratio {traced / plain:.2f}"
        )
    for name in ("allocated", "resident"):
        print(
            f"100,000 operations untraced, {name}: {measure(name, 100_000, False) / 100_000:.0f} bytes an operation"
        )
    held = measure("loop", 200)
    print("a traced loop of 200 sweeps, KiB held after each 20:", " ".join(f"{b / 1024:.0f}" for b in held))


if __name__ == "__main__":
    main()
