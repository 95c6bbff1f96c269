"""Many programs, judged in child processes: a crash, or a program that hangs, costs that program only.

In: a seed and numbers of programs. Out: a `Case` for each. A child writes one line before a program and one after it;
what it had begun when it died is the one that crashed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .devices import judge_on
from .draw import draw
from .judge import VERDICTS, Finding, judge
from .running import Program

LIMIT = 20.0  # seconds a program; the median takes 0.05
HANGS = 120.0  # seconds without a word from a child


class OutOfTime(BaseException):
    """The program ran longer than it may."""


@dataclass
class Case:
    """A program's number and its findings."""

    number: int
    findings: list[Finding] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """The worst of its verdicts."""
        return min((f.verdict for f in self.findings), key=VERDICTS.index, default="right")


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise OutOfTime after so many seconds."""

    def late(*_: Any) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def judged(
    program: Program, functions: bool = True, seconds: float = LIMIT, device: str = ""
) -> list[Finding]:
    """Judge in this process, within a time; a device is judged by the host."""
    try:
        with limited(seconds):
            return judge_on(device, program) if device else judge(program, functions)
    except OutOfTime:
        return [Finding("cell", "timeout", f"longer than {seconds} s")]


def _told(error: Exception) -> str:
    """Say where the fuzzer itself failed."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"the fuzzer: {type(error).__name__}: {error}, {Path(last.filename).name} line {last.lineno}"


def child(seed: int, first: int, last: int, out: str, device: str = "") -> None:
    """Judge programs first to last - 1, writing into the file `out`: what runs in a child process."""
    with open(out, "a") as file:
        for number in range(first, last):
            print(json.dumps({"number": number}), file=file, flush=True)
            try:
                findings = judged(draw(seed, number), device=device)
            except Exception as error:
                findings = [Finding("cell", "crash", _told(error))]
            print(
                json.dumps({"number": number, "findings": [asdict(f) for f in findings]}),
                file=file,
                flush=True,
            )
            if any(f.verdict == "timeout" for f in findings):
                os._exit(3)  # what an alarm broke off is no ground to judge others on


def _command(seed: int, first: int, last: int, out: str, device: str) -> list[str]:
    return [
        sys.executable,
        "-X",
        "faulthandler",
        "-m",
        "tests.fuzz.batches",
        str(seed),
        str(first),
        str(last),
        out,
        device,
    ]


class _Batch:
    """One child after another, until all numbers from first to last - 1 are judged."""

    def __init__(self, seed: int, first: int, last: int, device: str) -> None:
        self.seed, self.next, self.last, self.device = seed, first, last, device
        self.cases: list[Case] = []
        self._start()

    def _start(self) -> None:
        handle, self.out = tempfile.mkstemp(suffix=".jsonl")
        os.close(handle)
        root = str(Path(__file__).resolve().parents[2])
        self.child = subprocess.Popen(
            _command(self.seed, self.next, self.last, self.out, self.device), cwd=root, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def ended(self) -> bool:
        """Tell whether all is judged; look after the child."""
        hangs = time.time() - os.path.getmtime(self.out) > HANGS
        if hangs:
            self.child.kill()
        elif self.child.poll() is None:
            return False
        error = self.child.communicate()[1].decode(errors="replace")
        begun = self._collect()
        if begun is not None:
            how = "hangs" if hangs else f"exit status {self.child.returncode}: {_first_frame(error)}"
            self.cases.append(Case(begun, [Finding("cell", "crash", how)]))
        self.next = self.cases[-1].number + 1 if self.cases else self.next
        os.unlink(self.out)
        if self.next >= self.last:
            return True
        if begun is None and not hangs and self.child.returncode != 3:
            raise RuntimeError(f"the child of programs {self.next} to {self.last} failed:\n{error}")
        self._start()
        return False

    def _collect(self) -> int | None:
        """Take what the child wrote; give the number that it began and did not end."""
        begun = None
        for line in Path(self.out).read_text().splitlines():
            row = json.loads(line)
            begun = row["number"] if "findings" not in row else None
            if "findings" in row:
                self.cases.append(Case(row["number"], [Finding(**f) for f in row["findings"]]))
        return begun


def _first_frame(error: str) -> str:
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return "; ".join(lines[:2] + [t for t in lines if t.startswith("File")][:2])[:300]


def run(
    seed: int,
    first: int,
    last: int,
    jobs: int = 1,
    size: int = 50,
    tell: Callable[[Case], None] = lambda case: None,
    minutes: float = math.inf,
    device: str = "",
) -> list[Case]:
    """Judge programs first to last - 1 of a seed, `jobs` children at a time; `tell` hears each batch as it ends.

    After so many minutes no other batch is begun.
    """
    end = time.monotonic() + 60 * minutes
    starts = iter(range(first, last, size))
    running: list[_Batch] = []
    cases: list[Case] = []
    try:
        while True:
            while (
                len(running) < jobs and time.monotonic() < end and (start := next(starts, None)) is not None
            ):
                running.append(_Batch(seed, start, min(start + size, last), device))
            if not running:
                return sorted(cases, key=lambda case: case.number)
            time.sleep(0.05)
            for batch in [b for b in running if b.ended()]:
                running.remove(batch)
                cases += batch.cases
                for case in batch.cases:
                    tell(case)
    finally:
        for batch in running:
            batch.child.kill()


if __name__ == "__main__":
    child(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
