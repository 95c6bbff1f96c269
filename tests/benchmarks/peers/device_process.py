"""A peer on a device, in a process of its own: is it right, how long does a step take, what does it ask for.

In: the verbs of `MeasuredOnDevice`, by process.py. Out: their answers, or a `Failure`.
"""

import importlib
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from statistics import median
from typing import Any, NamedTuple

from tests.benchmarks.workloads import WORKLOADS
from tests.benchmarks.workloads.training import OPTIMIZERS_BY_HAND, TRAININGS, Training

from .emulated import skipping
from .on_device import ON_DEVICE, Work
from .process import TOLERANCE, Failure, difference

ROWS: dict[str, Work] = {
    **TRAININGS,
    **{name: WORKLOADS[name] for name in ("elementwise", "attention", "gather", "hessian_vector")},
}
STEPS = 3  # after which an optimiser's loss is held against that by hand
TOGETHER = 20  # steps that are waited for once


class Times(NamedTuple):
    """Seconds: of the host to issue one step, at best and at the median; of a whole one, where that means something."""

    issue: float
    issue_median: float
    whole: float | None
    whole_median: float | None


class MeasuredOnDevice:
    """A peer on a device, and the work prepared for it."""

    emulation: Any = None

    def __init__(self, name: str) -> None:
        self.name = name

    def begin(self, device: str, emulated: bool) -> str:
        """Load the library and the device; give the peer's title with its version."""
        if emulated and device == "cuda":
            self.emulation = importlib.import_module("cupy_on_cpu")
        self.times_mean = not emulated
        self.peer = ON_DEVICE[self.name](device)
        return self.peer.title.format(importlib.import_module(self.peer.module).__version__)

    def prepare(self, name: str, small: bool) -> Failure | None:
        """Hold value and gradients against NumPy's by hand, and the loss after some steps; only then it is timed."""
        work = ROWS[name]
        if small:
            work = replace(work, size=work.small)
        run = self.peer.run(work)
        result = run()
        training = isinstance(work, Training)
        # Without an optimiser the second is checked: wrong too where a call leaves something behind for the next.
        if wrong := difference(self.peer, result if training else run(), work):
            return Failure(f"wrong: {wrong}")
        if training:
            for _ in range(STEPS):
                value, _ = run()
            right, found = trained(work, STEPS), float(self.peer.array(value))
            if not abs(found - right) <= TOLERANCE * max(1, abs(right)):
                return Failure(f"wrong: the loss after {STEPS} steps is {found:.6g}, by hand {right:.6g}")
        self.run = run
        return None

    def sample(self, seconds: float) -> Times:
        """Time the issuing of single steps for so long, then steps in a row for so long again."""
        run, wait, clock = self.run, self.peer.wait, time.perf_counter
        issue, whole = [], []
        with skipping(self.emulation) if self.emulation else nullcontext():
            run()
            wait()
            end = clock() + seconds
            while not issue or clock() < end:
                start = clock()
                run()
                issue.append(clock() - start)
                wait()  # or the queue of launches would be full in the end, and issuing would wait for it
            end = clock() + seconds
            while self.times_mean and (not whole or clock() < end):
                start = clock()
                for _ in range(TOGETHER):
                    run()
                wait()
                whole.append((clock() - start) / TOGETHER)
        return Times(min(issue), median(issue), min(whole, default=None), median(whole) if whole else None)

    def asked(self) -> dict[str, int] | Failure:
        """Count the kernels, copies and waits of one step."""
        if self.emulation:
            before = self.emulation.tally()
            self.run()
            after = self.emulation.tally()
            return {kind: after[kind] - before[kind] for kind in ("launch", "d2h", "h2d", "sync")}
        if not self.times_mean:
            return Failure("nothing counts what it does")
        return profiled(self.run, self.peer.wait)


def trained(work: Training, steps: int) -> float:
    """Give the loss by hand, in NumPy, after so many steps."""
    constants, leaves = work.inputs()
    optimizer, kept = OPTIMIZERS_BY_HAND[work.optimizer], []
    for _ in range(steps):
        _, gradients = work.by_hand(*constants, *leaves)
        optimizer(leaves, gradients, kept)
    value, _ = work.by_hand(*constants, *leaves)
    return float(value)


def profiled(run: Callable[[], Any], wait: Callable[[], None]) -> dict[str, int] | Failure:
    """Count by PyTorch's profiler, which CUDA tells of everything in the process, CuPy's work too."""
    try:
        profiler = importlib.import_module("torch.profiler")
        importlib.import_module("torch").cuda.init()
    except (ImportError, AssertionError, RuntimeError) as error:
        return Failure(f"PyTorch's profiler, which would count, is not to be had: {error}")
    run()
    wait()
    with profiler.profile(activities=list(profiler.supported_activities())) as seen:
        run()
        wait()
    names = [event.name for event in seen.events() if str(event.device_type).endswith("CUDA")]
    copies = [name for name in names if name.startswith(("Memcpy", "Memset"))]
    if not names:
        return Failure("PyTorch's profiler saw nothing")
    return {
        "launch": len(names) - len(copies),
        "d2h": sum("DtoH" in name for name in copies),
        "h2d": sum("HtoD" in name for name in copies),
    }
