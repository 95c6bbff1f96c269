"""How fast gradmagic is: forward and backward, in multiples of the same derivative written by hand in NumPy.

python tests/benchmarks/speed.py                                  # every workload, every library that is installed
python tests/benchmarks/speed.py -w parabola,network -p torch     # some
python tests/benchmarks/speed.py --memory 100000                  # bytes an operation that a tape holds
python tests/benchmarks/speed.py --peak -w elementwise,attention  # the most memory that the work takes

Each library is in a process of its own: their thread pools spin for work that isn't theirs, importing one changes how
another rounds or allocates, and one that fails takes none along. The processes stay, warm, and are asked in turn, round
by round, so that a busy moment of the machine hits all. All have the same number of threads, and no more cores than
that. A library is timed only after its gradients were held against those by hand.
"""

import argparse
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from tests.benchmarks.peers import PEERS
from tests.benchmarks.peers.process import Failure, Process, Sample
from tests.benchmarks.workloads import WORKLOADS

OTHERS = [name for name in PEERS if name != "by_hand"]
Times = list[Sample]  # one a round
Found = dict[str, Times | Failure]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("-w", "--workloads", default=",".join(WORKLOADS), help="of: %(default)s")
    add("-p", "--peers", default=",".join(OTHERS), help="of: %(default)s")
    add("-r", "--rounds", type=int, default=15)
    add("--slice", type=float, default=0.05, help="seconds of a library in a round (%(default)s)")
    add("--limit", type=float, default=120, help="seconds that one answer may take (%(default)s)")
    add("--threads", type=int, default=2, help="threads of each library (%(default)s)")
    add("--memory", type=int, metavar="N", help="bytes an operation, of a chain of N operations (Linux)")
    add(
        "--peak",
        action="store_true",
        help="the most memory that the work takes, and what is held after it (Linux)",
    )
    add("--json", metavar="FILE", help="keep every round's times there, in seconds")
    chosen = parser.parse_args()
    for name, known in ("workloads", WORKLOADS), ("peers", OTHERS):
        setattr(chosen, name, getattr(chosen, name).split(","))
        if unknown := set(getattr(chosen, name)) - set(known):
            parser.error(f"no such {name}: {', '.join(sorted(unknown))} (there are: {', '.join(known)})")
    return chosen


def limit_threads(number: int) -> None:
    """Hold every process that is started from here to so many threads."""
    for pool in "OMP_NUM OPENBLAS_NUM MKL_NUM NUMEXPR_NUM VECLIB_MAXIMUM".split():
        os.environ[f"{pool}_THREADS"] = str(number)
    # XLA makes as many threads as NPROC says. JAX looks for a GPU unless told not to.
    os.environ.update(NPROC=str(number), JAX_PLATFORMS="cpu")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:number])


def start(names: list[str], limit: float) -> dict[str, tuple[str, Process]]:
    """Start the libraries that are installed, and say which aren't; give title and process by name."""
    started = {}
    for name in names:
        if importlib.util.find_spec(PEERS[name].module) is None:
            print(f"Not installed, so left out: {name}")
            continue
        process = Process(name, limit)
        title = process.ask("begin")
        if isinstance(title, Failure):
            print(f"Left out: {name}: {title.why}")
        else:
            started[name] = title, process
    return started


def rounds(workload: str, processes: dict[str, Process], chosen: argparse.Namespace) -> Found:
    """Prepare the work in every process, then time it in each in turn."""
    calls = {name: process.ask("prepare", workload) for name, process in processes.items()}
    found = {name: call if isinstance(call, Failure) else [] for name, call in calls.items()}
    for _ in range(chosen.rounds):
        for name, times in found.items():
            if isinstance(times, Failure):
                continue
            sample = processes[name].ask("sample", chosen.slice, calls[name])
            if isinstance(sample, Failure):
                found[name] = sample
            else:
                times.append(sample)
    if isinstance(by_hand := found["by_hand"], Failure):
        sys.exit(f"{workload}, by hand: {by_hand.why}")
    return found


def best(times: Times) -> float:
    return min(sample.best for sample in times)


def best_over_best(times: Times, by_hand: Times) -> str:
    return figure(best(times) / best(by_hand))


def median_of_rounds(times: Times, by_hand: Times) -> str:
    """Give the median over the rounds of median over median by hand, and the middle half of the rounds."""
    ratios = sorted(mine.median / hand.median for mine, hand in zip(times, by_hand, strict=True))
    quarter = len(ratios) // 4
    return f"{figure(median(ratios))} ({figure(ratios[quarter])} to {figure(ratios[-1 - quarter])})"


def cpu_over_cpu(times: Times, by_hand: Times) -> str:
    return figure(cpu(times) / cpu(by_hand))


def cpu(times: Times) -> float:
    return median(sample.cpu for sample in times)


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.{1 if seconds < 1e-4 else 0}f}"


def unrest(by_hand: Times) -> str:
    """Give how much longer than at best it took by hand as a rule: 1.0 on a machine that does nothing else."""
    return f"{median(sample.median for sample in by_hand) / best(by_hand):.2f}"


def figure(number: float) -> str:
    """Give two digits: 0.0062, 0.85, 2.7, 34, 160."""
    number = float(f"{number:.2g}")
    return f"{number:.1f}" if 1 <= number < 10 else f"{number:g}"


def show_table(heads: list[str], rows: list[list[str]]) -> None:
    """Print a table in Markdown."""
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))


def show_ratios(
    found: dict[str, Found],
    titles: dict[str, str],
    ratio: Callable[[Times, Times], str],
    last_head: str,
    last: Callable[[Times], str],
) -> None:
    """Print a row for each workload: what `ratio` says of each library, and in the end what `last` says of by hand."""
    rows = []
    for workload, times in found.items():
        by_hand = times["by_hand"]
        cells = ["-" if isinstance(times[n], Failure) else ratio(times[n], by_hand) for n in titles]
        rows.append([WORKLOADS[workload].title, *cells, last(by_hand)])
    show_table(["work", *titles.values(), last_head], rows)


def show_speed(chosen: argparse.Namespace) -> None:
    started = start(["by_hand", *chosen.peers], chosen.limit)
    processes = {name: process for name, (_, process) in started.items()}
    titles = {name: title for name, (title, _) in started.items() if name != "by_hand"}
    found = {}
    for workload in chosen.workloads:
        print(WORKLOADS[workload].title, "...", file=sys.stderr)
        found[workload] = rounds(workload, processes, chosen)
    for process in processes.values():
        process.end()

    print(f"\nBest of {chosen.rounds} rounds over best by hand:\n")
    show_ratios(found, titles, best_over_best, "by hand, µs", lambda times: microseconds(best(times)))
    print("\nMedian over the rounds of time over time by hand, and their middle half:\n")
    show_ratios(found, titles, median_of_rounds, "by hand, median/best", unrest)
    print("\nCPU time of all threads over that by hand, which other work on the machine changes least:\n")
    show_ratios(found, titles, cpu_over_cpu, "by hand, µs", lambda times: microseconds(cpu(times)))
    print()
    for workload, times in found.items():
        for name in titles:
            if isinstance(times[name], Failure):
                print(f"- {WORKLOADS[workload].title}, {titles[name]}: {times[name].why}")
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(found, indent=1, default=vars))


def show_memory(chosen: argparse.Namespace) -> None:
    rows = []
    for title, process in start(["by_hand", *chosen.peers], chosen.limit).values():
        number = process.ask("memory", chosen.memory)
        rows.append([title, number.why if isinstance(number, Failure) else f"{number:,.0f}"])
        process.end()
    print(f"\nA chain of {chosen.memory:,} operations:\n")
    show_table(["library", "bytes an operation"], rows)


def show_peak(chosen: argparse.Namespace) -> None:
    """Print the peak of each work over that by hand, each in a process of its own; and what is held after it."""
    rows, titles = [], {}
    for workload in chosen.workloads:
        found = {}
        for name in ["by_hand", *chosen.peers]:
            for title, process in start([name], chosen.limit).values():
                titles[name] = title
                found[name] = process.ask("peak", workload)
                process.end()
        by_hand = found.pop("by_hand")[0]
        cells = [
            "-" if isinstance(f, Failure) else f"{f[0] / by_hand:.2f} ({megabytes(f[1])})"
            for f in found.values()
        ]
        rows.append([WORKLOADS[workload].title, *cells, megabytes(by_hand)])
    titles.pop("by_hand")
    print("\nPeak over that by hand, and (held after it, MB):\n")
    show_table(["work", *titles.values(), "by hand, MB"], rows)


def megabytes(number: float) -> str:
    return f"{number / 1e6:.1f}"


def main() -> None:
    chosen = options()
    limit_threads(chosen.threads)
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {chosen.threads} threads")
    (show_memory if chosen.memory else show_peak if chosen.peak else show_speed)(chosen)


if __name__ == "__main__":
    main()
