"""What a pass of gm.distributed.loss costs besides the partitions' own work, over numbers of partitions.

Two processes of this machine are the workers, and a partition's work is next to nothing: what is measured is the
client's and the scheduler's, which are this process, whose CPU time says it whatever else the machine does. From that
follows how many workers one scheduler can keep busy. `--workers N` holds that against a simulation: N workers in this
process, whose partitions sleep.

    python tests/benchmarks/partitions.py [--sizes 10,100,1000] [--workers 32 --seconds 0.5]
"""

from __future__ import annotations

import argparse
import time

import distributed
import numpy as np

import gradmagic as gm


def tiny(w, k):
    return np.sum(w * w) * k


def slept(w, seconds):
    time.sleep(seconds)
    return np.sum(w * w)


def passes(sizes: list[int]) -> None:
    """Measure a step over so many partitions, the best of some: CPU of client and scheduler, and wall time."""
    w = np.ones(100)
    own = min(timed(lambda: gm.value_and_grad(tiny)(w, 2.0))[1] for _ in range(50))
    print(f"the partition's own work: {1e3 * own:.2f} ms\n")
    print(
        "| partitions | 1 GB each | set up, CPU ms | a pass, CPU ms | wall ms | workers kept busy at 1 s, 60 s |"
    )
    print("|---:|---:|---:|---:|---:|---:|")
    with distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=":0"):
        for n in sizes:
            loss, _, setup = timed(lambda n=n: gm.distributed.loss(tiny, [*range(n)], progress=False))
            step = gm.value_and_grad(loss)
            runs = [timed(lambda step=step: step(w))[1:] for _ in range(max(1, min(6, 10_000 // n)))]
            wall, cpu = (min(r[i] for r in runs) / n for i in (0, 1))
            size = f"{n:,} GB" if n < 1000 else f"{n / 1000:,.0f} TB"
            each = f"{1e3 * setup / n:.2f} | {1e3 * cpu:.2f} | {1e3 * wall:.2f}"
            print(f"| {n:,} | {size} | {each} | {1 / cpu:,.0f}, {60 / cpu:,.0f} |", flush=True)


def simulated(workers: int, seconds: float) -> None:
    """Measure how much of their time so many workers work, whose partitions only sleep."""
    options = {"threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    n = 10 * workers
    with distributed.Client(n_workers=workers, **options):
        step = gm.value_and_grad(gm.distributed.loss(slept, [seconds] * n, progress=False))
        step(np.ones(100))
        wall = min(timed(lambda: step(np.ones(100)))[1] for _ in range(3))
    print(f"\n{workers} workers that sleep {seconds} s for each of {n} partitions: {wall:.2f} s a pass,")
    over = 1e3 * (wall - 10 * seconds) / n
    print(f"{1000 * seconds / wall:.0f} % of the time asleep; {over:.2f} ms more a partition")


def timed(act):
    wall, cpu = time.perf_counter(), time.process_time()
    made = act()
    return made, time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="10,100,1000,10000")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.5)
    given = parser.parse_args()
    passes([int(n) for n in given.sizes.split(",") if n])
    if given.workers:
        simulated(given.workers, given.seconds)
