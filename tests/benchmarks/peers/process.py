"""One peer in a process of its own, which the driver asks for one thing at a time.

In: `Process(name).ask(verb, ...)`. Out: what the method of `Measured` (or of what is measured by in its place) by that
name gives, or a `Failure` that says why.
"""

import gc
import multiprocessing
import time
import warnings
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from tests.benchmarks.workloads import WORKLOADS, Workload

from . import PEERS, Result, Run, prepare

TOLERANCE = (
    1e-3  # of the largest entry; what float32 rounds in other orders is 2e-6, over 10,000 operations 2e-4
)


@dataclass(frozen=True)
class Failure:
    """Why there is no time: not offered, wrong, an exception, too slow."""

    why: str


class Sample(NamedTuple):
    """Seconds of a call in one round: at best, at the median, and in CPU time of all threads."""

    best: float
    median: float
    cpu: float


class Process:
    """A peer's process, seen from the driver's."""

    def __init__(self, name: str, limit: float, measured: type | None = None) -> None:
        self.limit = limit
        context = multiprocessing.get_context("spawn")  # forked threads of BLAS would hang
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(name, other, measured or Measured), daemon=True)
        self.process.start()
        other.close()

    def ask(self, verb: str, *arguments: Any) -> Any:
        """Give the answer, or a Failure; a process that doesn't answer in time is ended."""
        try:
            self.pipe.send((verb, arguments))
            if self.pipe.poll(self.limit):
                return self.pipe.recv()
        except (EOFError, OSError):
            return Failure("its process has ended")
        self.end()
        return Failure(f"no answer in {self.limit:.0f} s")

    def end(self) -> None:
        self.process.kill()
        self.process.join()


def serve(name: str, pipe: Any, kind: type) -> None:
    """Answer until the driver goes away; what a library raises is an answer as well."""
    warnings.simplefilter("ignore")
    measured = kind(name)
    while True:
        try:
            verb, arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = getattr(measured, verb)(*arguments)
        except Exception as error:
            answer = Failure(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
        pipe.send(answer)


class Measured:
    """A peer, and the work prepared for it."""

    def __init__(self, name: str) -> None:
        self.peer_class = PEERS[name]

    def begin(self) -> str:
        """Import the library; give its name and version as a table's head."""
        self.peer = self.peer_class()
        if "{}" not in self.peer.title:
            return self.peer.title
        return self.peer.title.format(".".join(metadata.version(self.peer.module).split(".")[:2]))

    def prepare(self, name: str) -> float | Failure:
        """Do the work twice, hold the second against the derivative by hand, warm up; give the seconds a call takes."""
        workload = WORKLOADS[name]
        if not getattr(self.peer, workload.kind, True):
            return Failure("not offered")
        run = prepare(self.peer, workload, *workload.inputs())
        run()  # the second result is checked: it is wrong too where a call leaves something behind for the next
        if wrong := difference(self.peer, run(), workload):
            return Failure(f"wrong: {wrong}")
        self.run = run
        return sample(run, 0.3, 0).best

    def sample(self, seconds: float, call: float) -> Sample:
        """Time calls, of about `call` seconds each, for about `seconds`."""
        self.run()  # the caches were another process's
        return sample(self.run, seconds, call)

    def memory(self, length: int) -> float:
        """Give the bytes an operation by which a chain of that length raises the process's peak (Linux)."""
        chain = WORKLOADS["chain_10k"]
        _, leaves = chain.inputs()
        prepare(self.peer, chain, [100], leaves)()
        run = prepare(self.peer, chain, [length], leaves)
        gc.collect()
        before = held("VmRSS")
        run()
        return (held("VmHWM") - before) / length

    def peak(self, name: str) -> tuple[float, float]:
        """Give the bytes by which work raises the process's peak, and of which it then keeps hold (Linux).

        For a process that has done nothing else: what the heap has kept of other work would not be seen.
        """
        workload = WORKLOADS[name]
        if not getattr(self.peer, workload.kind, True):
            raise NotImplementedError("not offered")
        prepare(self.peer, workload, *workload.small_inputs())()  # what is imported and made once
        run = prepare(self.peer, workload, *workload.inputs())
        gc.collect()
        before = held("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak is what is held now
        for _ in range(3):
            run()
        return held("VmHWM") - before, held("VmRSS") - before


def difference(peer: Any, result: Result, workload: Workload) -> str:
    """Say where value or gradients are not those by hand; empty where they are."""
    constants, leaves = workload.inputs()
    value, gradients = workload.by_hand(*constants, *leaves)
    found_value, found = result
    if found_value is not None:
        off = abs(float(peer.array(found_value)) - value) / max(1, abs(value))
        if not off <= TOLERANCE:
            return f"the value is off by {off:.1e}"
    for k, (right, a) in enumerate(zip(gradients, found, strict=True)):
        a = np.asarray(peer.array(a), float)
        if a.shape != np.shape(right):
            return f"gradient {k} has shape {a.shape} for {np.shape(right)}"
        off = np.abs(a - right).max() / np.abs(right).max()
        if not off <= TOLERANCE:
            return f"gradient {k} is off by {off:.1e} of its largest entry"
    return ""


def sample(run: Run, seconds: float, call: float) -> Sample:
    """Time calls; those shorter than 0.1 ms many at a time, as the clock takes 0.1 us itself."""
    together = max(1, int(1e-4 / call)) if call else 1
    times, clock = [], time.perf_counter
    end, cpu = clock() + seconds, time.process_time()
    while not times or clock() < end:
        start = clock()
        for _ in range(together):
            run()
        times.append((clock() - start) / together)
    cpu = (time.process_time() - cpu) / (len(times) * together)
    return Sample(min(times), median(times), cpu)


def held(field: str) -> int:
    """Give a field of /proc/self/status (VmHWM: the most ever held, VmRSS: held now), in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))
