"""How time grows: operations from 10 to a million on four numbers, and entries from 1 to 100 million in ten operations.

python tests/benchmarks/growth.py PICTURE.png            # some minutes; needs matplotlib
python tests/benchmarks/growth.py PICTURE.png --most 1e5 # smaller

Value and gradient of each, by hand in NumPy, by gradmagic's tape, and by its recorded programs (by NumPy, and compiled
where numba is installed). Best of some rounds, one after the other in each; recording and compiling are not timed.
"""

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

import gradmagic as gm
from tests.benchmarks.workloads import small


def chain(length, x):
    return small.chain(np, length, x)


def waves(x):
    """Ten elementwise operations, and their sum."""
    for _ in range(2):
        x = np.exp(np.sin(x) * 0.5) - x * 0.25
    return np.sum(x)


def waves_by_hand(x):
    kept = []
    for _ in range(2):
        grown = np.exp(np.sin(x) * 0.5)
        kept.append((x, grown))
        x = grown - x * 0.25
    d = np.ones_like(x)
    for before, grown in reversed(kept):
        d = d * (grown * (np.cos(before) * 0.5) - 0.25)
    return np.sum(x), d


def ways(f, by_hand, x, recorded):
    """Give the calls that are timed, by name."""
    slope = gm.value_and_grad(f)
    found = {"by hand": partial(by_hand, x), "tape": partial(slope, x)}
    if recorded:
        found["replay"] = partial(gm.replay(slope, backend="numpy"), x)
        try:
            found["replay, numba"] = partial(gm.replay(slope, backend="numba"), x)
        except ImportError:
            print("numba is not installed")
    return found


def best(call, seconds):
    """Give the best time of a call, from as many as fit into so many seconds, three at least."""
    call(), call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


def measured(sizes, make, limit=20_000):
    found = {}
    for n in sizes:
        for name, call in make(n).items():
            found.setdefault(name, []).append((n, best(call, 0.5)))
            print(f"{n:>11,} {name:<14} {found[name][-1][1] * 1e6:>14,.1f} us", flush=True)
    return found


def sizes(most, first=10):
    return [int(first * 10**k) for k in range(10) if first * 10**k <= most]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("picture")
    parser.add_argument(
        "--most", type=float, default=1e8, help="entries at most; operations: a hundredth (%(default)s)"
    )
    parser.add_argument(
        "--recorded", type=float, default=1e5, help="operations at most that are recorded (%(default)s)"
    )
    parser.add_argument(
        "--held",
        type=float,
        default=1e7,
        help="entries at most of what is recorded: all values at once (%(default)s)",
    )
    chosen = parser.parse_args()
    four = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
    operations = measured(
        sizes(chosen.most / 100),
        lambda n: ways(partial(chain, n), lambda x: small.chain_by_hand(n, x), four, n <= chosen.recorded),
    )
    random = np.random.default_rng(0)
    entries = measured(
        sizes(chosen.most, 1),
        lambda n: ways(waves, waves_by_hand, random.standard_normal(n).astype(np.float32), n <= chosen.held),
    )
    draw(chosen.picture, operations, entries)


def draw(path, operations, entries):
    import matplotlib

    matplotlib.use("svg" if path.endswith("svg") else "agg")
    from matplotlib import pyplot

    figure, places = pyplot.subplots(1, 2, figsize=(10, 4), sharey=False)
    for place, found, label in zip(
        places, (operations, entries), ("operations on 4 numbers", "entries, 10 operations"), strict=True
    ):
        for (name, points), colour in zip(
            found.items(), ("#5b6875", "#b3431a", "#1d5fa8", "#8a6100"), strict=False
        ):
            xs, ys = zip(*points, strict=True)
            place.loglog(xs, np.array(ys) * 1e6, "o-", label=name, color=colour, markersize=3)
        place.set_xlabel(label)
        place.grid(True, color="#d5dbe1", linewidth=0.5)
    places[0].set_ylabel("value and gradient, µs")
    places[0].legend(frameon=False)
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    figure.suptitle(f"NumPy {np.__version__}, threads: {threads}", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
