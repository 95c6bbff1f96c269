"""Draw and judge programs: `python -m tests.fuzz --programs 50000 --seed 1 --jobs 2`.

Prints how many programs have which verdict, and writes those that fail, shrunk, into a folder, one file for each kind
of fault with how often it was met. `--show 17` prints program 17 and its findings; `--text FILE` judges a program from
a file (setup, a line `%%grad names`, cell).
"""

from __future__ import annotations

import argparse
import collections
import json
import math
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .batches import Case, judged, run
from .draw import draw
from .judge import FAULTS, VERDICTS
from .running import Program, read
from .shrink import signature

_EACH = 2  # programs of one kind of fault that are shrunk


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no batch after so many")
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"))
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument(
        "--device", default="", help="judge a device by the host (`%%%%grad --device`), not by differences"
    )
    parser.add_argument("--show", type=int)
    parser.add_argument("--text", type=Path)
    args = parser.parse_args()
    if args.show is not None or args.text is not None:
        return _show(
            draw(args.seed, args.show) if args.text is None else read(args.text.read_text()), args.device
        )
    args.failures.mkdir(parents=True, exist_ok=True)
    begun = time.time()
    counts: collections.Counter[str] = collections.Counter()

    def tell(case: Case) -> None:
        counts[case.verdict] += 1
        if sum(counts.values()) % 1000 == 0:
            print(f"{sum(counts.values()):6} {time.time() - begun:5.0f} s  {_counted(counts)}", flush=True)

    cases = run(
        args.seed,
        args.first,
        args.first + args.programs,
        args.jobs,
        tell=tell,
        minutes=args.minutes,
        device=args.device,
    )
    by_mode: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for case in cases:
        for finding in case.findings:
            by_mode[finding.mode][finding.verdict] += 1
    print(f"\n{len(cases)} programs of seed {args.seed}: {_counted(counts)}")
    for mode, of_mode in by_mode.items():
        print(f"  {mode:11} {_counted(of_mode)}")
    _write_failures(cases, args.seed, args.failures, 0 if args.no_shrink else args.jobs, args.device)
    return sum(counts[v] for v in FAULTS)


def _counted(counts: collections.Counter[str]) -> str:
    return ", ".join(f"{counts[v]} {v}" for v in reversed(VERDICTS) if counts[v])


def _write_failures(cases: list[Case], seed: int, folder: Path, jobs: int, device: str) -> None:
    """Write one file for each kind of fault: how often, and the smallest programs."""
    kinds: dict[tuple[str, str, str], list[Case]] = collections.defaultdict(list)
    for case in cases:
        if (kind := signature(case.findings)) is not None:
            kinds[kind].append(case)
    (folder / "cases.json").write_text(
        json.dumps([[*k, [c.number for c in v]] for k, v in kinds.items()], indent=1)
    )
    print(f"\n{len(kinds)} kinds of faults, by their words; shrunk programs in {folder}")
    ordered = sorted(kinds.items(), key=lambda item: -len(item[1]))
    with ThreadPoolExecutor(jobs or 1) as pool:
        small = [
            pool.map(_small, [seed] * _EACH, [c.number for c in v[:_EACH]], [device] * _EACH)
            for _, v in ordered
            if jobs
        ]
        for number, (kind, members) in enumerate(ordered):
            print(f"{len(members):5} {' '.join(kind)[:110]}", flush=True)
            text = f"# {len(members)} of {' '.join(kind)}\n# {[c.number for c in members[:20]]}\n\n"
            (folder / f"{number:03}-{kind[1]}.txt").write_text(
                text + "\n".join(small[number] if jobs else ())
            )


def _small(seed: int, number: int, device: str) -> str:
    """Give a failing program, shrunk in a process of its own; as it was drawn where that one crashes."""
    command = [sys.executable, "-m", "tests.fuzz.shrink", str(seed), str(number), device]
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if made.returncode == 0:
            return made.stdout
    except subprocess.TimeoutExpired:
        pass
    return f"# {seed}/{number}, not shrunk\n{draw(seed, number)}"


def _show(program: Program, device: str) -> int:
    print(program)
    findings = judged(program, device=device)
    for finding in findings:
        print(f"{finding.mode:11} {finding.verdict:9} {finding.detail}")
    return sum(f.verdict in FAULTS for f in findings)


if __name__ == "__main__":
    raise SystemExit(main() and 1)
