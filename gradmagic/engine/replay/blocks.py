"""Stretches of elementwise steps on large arrays, done block by block while the blocks are in the cache, on all cores.

In: a simplified program. Out: the same with such stretches each as one `Run`; and `in_blocks`, which a program calls.

What is not elementwise and hangs on a stretch waits for its end, what does not goes before it: so the way there and the
way back of a sum are one stretch, and most of their values never leave the cache.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import Any

import numpy as np

from . import known
from .program import Program, Step, mapped

_LARGE = 1 << 17  # entries, from which arrays leave the cache between two steps
_BLOCK = 1 << 15  # entries of a block: 128 KB in float32
_LEAST = 4  # steps
_THREADED = 1 << 18  # entries, from which threads pay


class Run(Step):
    """A stretch of steps.

    Attributes
    ----------
    body : Program
        The steps for one block; its inputs are parts of the needs, or all of them, in their order.
    sliced : list of bool
        Which needs come in parts.
    steps : list of Step
        As they were.
    outs : list of Step
        The steps of the whole program that later ones need.
    rows, block : int
        Along the first axis: of the whole, of a block.
    """

    __slots__ = ("block", "body", "outs", "rows", "sliced", "steps")

    def __init__(self, steps: list[Step], wanted: set[int]) -> None:
        mine = {id(s) for s in steps}
        needs = list({id(s): s for step in steps for s in step.needs() if id(s) not in mine}.values())
        super().__init__("run", None, tuple(needs), {}, None)
        shape = steps[0].shape
        self.rows = shape[0]
        self.block = min(self.rows, max(1, _BLOCK // max(1, steps[0].value.size // self.rows)))
        self.sliced = [s.shape[:1] == shape[:1] and len(s.shape) == len(shape) for s in needs]
        self.steps = steps
        self.outs = [s for s in steps if id(s) in wanted]
        self.body = Program()
        made: dict[int, Step] = {}
        for i, (step, part) in enumerate(zip(needs, self.sliced, strict=True)):
            value = step.value[: self.block] if part else step.value
            made[id(step)] = self.body.add(Step("input", f"x{i}", (), {}, value))
            self.body.inputs.append(made[id(step)])
        for step in steps:
            args = mapped(lambda v: made[id(v)] if type(v) is Step else v, step.args)
            made[id(step)] = self.body.add(Step("call", step.op, args, {}, step.value[: self.block]))
        self.body.outputs = [made[id(s)] for s in self.outs]

    def forget(self) -> None:
        for step in (*self.steps, *self.body.steps):
            step.forget()


def blocked(program: Program) -> Program:
    """Give the program with its long stretches as `Run`s."""
    if not any(_fits(s) for s in program.steps):
        return program
    order = _Scheduling(program)
    made = Program(inputs=program.inputs, outputs=program.outputs)
    for step in order.steps:
        made.add(step)
    return made


class _Scheduling:
    """The steps in an order in which stretches are long."""

    def __init__(self, program: Program) -> None:
        self.steps: list[Step] = []
        self._users: dict[int, set[int]] = {}
        for step in program.steps:
            for s in step.needs():
                self._users.setdefault(id(s), set()).add(id(step))
        for step in program.outputs:
            self._users.setdefault(id(step), set()).add(0)
        self._open: list[Step] = []
        self._after: list[Step] = []
        self._inside: set[int] = set()
        self._waits: set[int] = set()
        for step in program.steps:
            self._place(step)
        self._close()

    def _place(self, step: Step) -> None:
        fits = _fits(step)
        waits = any(id(s) in self._waits for s in step.needs())
        if not self._open:
            if fits:
                self._begin(step)
            else:
                self.steps.append(step)
            return
        if fits and not waits and step.shape == self._open[0].shape:
            self._open.append(step)
            self._inside.add(id(step))
        elif not _moves(step) or (fits and (waits or _hangs(step, self._inside))):
            self._close()
            self._place(step)
        elif waits or _hangs(step, self._inside):
            self._after.append(step)
            self._waits.add(id(step))
        else:
            self.steps.append(step)

    def _begin(self, step: Step) -> None:
        self._open, self._inside = [step], {id(step)}

    def _close(self) -> None:
        """End a stretch: what waits for it comes after it."""
        if len(self._open) >= _LEAST:
            wanted = {id(s) for s in self._open if self._users.get(id(s), set()) - self._inside}
            self.steps.append(Run(self._open, wanted))
        else:
            self.steps += self._open
        self.steps += self._after
        self._open, self._after = [], []
        self._inside, self._waits = set(), set()


def _hangs(step: Step, on: set[int]) -> bool:
    return any(id(s) in on for s in step.needs())


def _moves(step: Step) -> bool:
    """Tell whether a step may change places with others."""
    return step.kind in ("input", "constant") or (
        step.pure and not any(s.storage.written for s in step.needs())
    )


def _fits(step: Step) -> bool:
    """Tell whether a step can be done in blocks: elementwise, on large arrays and what broadcasts along their rows."""
    if step.kind != "call" or step.kwargs or not (known.elementwise(step.op) or step.op is known.astype):
        return False
    value = step.value
    if (
        type(value) is not np.ndarray
        or value.size < _LARGE
        or value.shape[0] < 2
        or not value.flags.c_contiguous
    ):
        return False
    if step.op is np.where and len(step.args) != 3:
        return False
    if step.storage.written or any(s.storage.written for s in step.needs()):
        return False
    return all(len(s.shape) < value.ndim or s.shape[0] in (1, value.shape[0]) for s in step.needs())


def in_blocks(
    block: Callable[..., None], rows: int, size: int, sliced: tuple[bool, ...], arrays: tuple[Any, ...]
) -> None:
    """Call `block` on parts of so many rows, in threads if it pays. The last part begins where it is as long as all."""
    starts = [*range(0, rows - size, size), rows - size]

    def do(mine: list[int]) -> None:
        for i in mine:
            block(*[a[i : i + size] if part else a for a, part in zip(arrays, sliced, strict=True)])

    threads = min(_cores(), len(starts)) if arrays[-1].size >= _THREADED else 1
    if threads == 1:
        do(starts)
        return
    share = -(-len(starts) // threads)
    parts = [starts[k : k + share] for k in range(share, len(starts), share)]
    waiting = [_pool().submit(copy_context().run, do, part) for part in parts]
    do(starts[:share])
    for future in waiting:
        future.result()


@cache
def _cores() -> int:
    """Tell how many threads to use: as many as the user lets BLAS have, no more than there are cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    given = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(given)) if given.isdigit() and int(given) else cores


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_cores(), thread_name_prefix="gradmagic-replay")
