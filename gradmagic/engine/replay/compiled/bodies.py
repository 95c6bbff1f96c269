"""Operations of one shape as one loop over its entries; of numbers, as they stand, without a loop.

In: statements (periods.py), the shape, names for what the text needs. Out: lines of text.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any

import numpy as np

from .memory import Buffer, Lies, address, joined, rows
from .periods import Ref, Run, Statement, Var, dtype_of, moved, run_of, runs
from .scalars import as_dtype, name_of


class Body:
    """Statements on the entries of one shape, as they come.

    Attributes
    ----------
    shape : tuple of int
    members : dict
        By the id of a step: its statement's index.
    """

    def __init__(self, shape: tuple[int, ...], name: str) -> None:
        self.shape, self.name = shape, name
        self.statements: list[Statement] = []
        self.members: dict[int, int] = {}
        self._runs: list[Run] = []
        self._kept: set[int] = set()  # of runs: first-turn statements whose every result is kept

    def add(self, statement: Statement) -> int:
        self.statements.append(statement)
        return len(self.statements) - 1

    # -- how results are called -------------------------------------------------------------------
    def divide(self, wanted: list[int]) -> None:
        """Find what repeats, and what must be kept for the statements that are wanted outside."""
        self._runs = runs(self.statements)
        for run in self._runs:
            for at in range(run.start, run.start + run.period):
                for n, ref in enumerate(self.statements[at].refs):
                    if type(ref) is not int:
                        continue
                    how = self._how(run, at, n)
                    if how == "table":
                        of = run_of(self._runs, ref)
                        self._kept.add(of.start + (ref - of.start) % of.period)
                    elif how != "turn":
                        self._keep(ref)
        if not self.shape:
            for index in wanted:
                self._keep(index)

    def _step(self, run: Run, at: int, n: int) -> int:
        """Give by how much an operand moves from turn to turn."""
        if run.turns == 1:
            return 0
        return moved(self.statements[at].refs[n], self.statements[at + run.period].refs[n]) or 0

    def _how(self, run: Run, at: int, n: int) -> str:
        """Tell where a statement finds a result: made in this "turn", "carried" from the one before, in the "table" of
        an earlier run, or "outside"."""
        ref, step = self.statements[at].refs[n], self._step(run, at, n)
        assert type(ref) is int
        if run.turns == 1 or not step:
            return "outside"
        if ref >= run.start:
            return "turn"
        return "carried" if step == run.period and ref >= run.start - run.period else "table"

    def _keep(self, index: int) -> None:
        run = run_of(self._runs, index)
        if run.turns > 1 and index < run.last:
            self._kept.add(run.start + (index - run.start) % run.period)

    def var(self, index: int) -> str:
        """Name the result of a statement for text that stands behind it."""
        run = run_of(self._runs, index)
        first = run.start + (index - run.start) % run.period
        if index < run.last:
            return f"{self._table(first)}[{(index - run.start) // run.period}]"
        return f"{self.name}_{first}"

    def _table(self, first: int) -> str:
        return f"{self.name}t{first}"

    @property
    def length(self) -> int:
        """How many statements are left to compile."""
        return sum(run.period for run in self._runs)

    # -- text -------------------------------------------------------------------------------------
    def text(self, names: Any) -> list[str]:
        """Write the loop: `names` gives `constant(value)` and `table(values)`."""
        lies = [r.spread(self.shape) for s in self.statements for r in (*s.refs, s.out) if type(r) is Lies]
        dims, strides = joined(self.shape, [a.strides for a in lies])
        self._strides = {(a.buffer, a.strides): s for a, s in zip(lies, strides, strict=True)}
        self._at = [f"i{n}" for n in range(len(dims))]
        lines = [f"for i{n} in range({size}):" for n, size in enumerate(dims)]
        lines = ["    " * n + line for n, line in enumerate(lines)]
        indent = "    " * len(dims)
        uses = Counter(r for s in self.statements for r in s.refs if type(r) is Lies)
        self._loaded: dict[Lies, str] = {}
        for run in self._runs:
            part = self._turns(run, names) if run.turns > 1 else self._straight(run.start, uses, names)
            lines += [indent + line for line in part]
        tables = [
            f"{self._table(i)} = np.empty({run_of(self._runs, i).turns}, {name_of(self.statements[i].entry.dtype)})"
            for i in sorted(self._kept)
        ]
        return tables + lines

    def _entry(self, lies: Lies, more: int = 0) -> str:
        """Write an entry of memory: of this turn of the loop, `more` further on from turn to turn of a run."""
        wide = lies.spread(self.shape)
        strides = self._strides[wide.buffer, wide.strides]
        return f"{lies.buffer.name}[{address(lies.offset, (*strides, more), (*self._at, 'k'))}]"

    def _straight(self, at: int, uses: Counter[Any], names: Any) -> list[str]:
        lines = []
        texts = []
        for ref in self.statements[at].refs:
            if type(ref) is Lies and uses[ref] > 1:
                if ref not in self._loaded:
                    self._loaded[ref] = f"{self.name}l{len(self._loaded)}"
                    lines.append(f"{self._loaded[ref]} = {self._entry(ref)}")
                texts.append(self._loaded[ref])
            else:
                texts.append(self._plain(ref, names))
        return lines + self._computed(at, texts) + self._stored(at)

    def _plain(self, ref: Ref, names: Any) -> str:
        if type(ref) is int:
            return self.var(ref)
        if type(ref) is Lies:
            return self._entry(ref)
        return ref.name if type(ref) is Var else str(names.constant(ref))

    def _computed(self, at: int, texts: list[str]) -> list[str]:
        s = self.statements[at]
        texts = [
            as_dtype(t, dtype_of(r, self.statements), c)
            for t, r, c in zip(texts, s.refs, s.entry.casts, strict=True)
        ]
        name = f"{self.name}_{at}"
        lines = []
        if sum(s.entry.text.count(f"{{{n}}}") for n in range(len(texts))) > len(texts) or s.entry.check:
            for n, t in enumerate(texts):
                if not t.isidentifier():
                    lines.append(f"{name}a{n} = {t}")
                    texts[n] = f"{name}a{n}"
        lines.append(f"{name} = {s.entry.text.format(*texts)}")
        if s.entry.check:
            lines.append(f"if {s.entry.check.format(*texts, v=name)}: raise ArithmeticError")
        return lines

    def _stored(self, index: int) -> list[str]:
        out = self.statements[index].out
        return [] if out is None else [f"{self._entry(out)} = {self.var(index)}"]

    def _turns(self, run: Run, names: Any) -> list[str]:
        before, top, inside = [], [], []
        for at in range(run.start, run.start + run.period):
            texts = []
            for n, ref in enumerate(self.statements[at].refs):
                step = self._step(run, at, n)
                every = [self.statements[at + t * run.period].refs[n] for t in range(run.turns)]
                how = self._how(run, at, n) if type(ref) is int else ""
                if type(ref) is int and how == "turn":
                    texts.append(f"{self.name}_{ref}")
                elif type(ref) is int and how == "carried":
                    first = ref + run.period
                    name = f"{self.name}_{first}"
                    if (line := f"{name} = {self.var(ref)}") not in before:
                        before.append(line)
                    if first < at:
                        if (line := f"{name}w = {name}") not in top:
                            top.append(line)
                        name += "w"
                    texts.append(name)
                elif type(ref) is int and how == "table":
                    of = run_of(self._runs, ref)
                    first = of.start + (ref - of.start) % of.period
                    begin = (ref - of.start) // of.period
                    texts.append(f"{self._table(first)}[{address(begin, (step // of.period,), ('k',))}]")
                elif type(ref) is Lies:
                    texts.append(self._entry(ref, step))
                elif isinstance(ref, np.generic) and len({v.tobytes() for v in every}) > 1:  # type: ignore[union-attr]
                    lies = names.table(np.array(every))
                    texts.append(f"{lies.buffer.name}[{address(lies.offset, (1,), ('k',))}]")
                else:
                    texts.append(self._plain(ref, names))
            inside += self._computed(at, texts)
            if at in self._kept:
                inside.append(f"{self._table(at)}[k] = {self.name}_{at}")
            outs = [self.statements[at + t * run.period].out for t in range(run.turns)]
            if any(o is not None for o in outs[:-1]):
                inside.append(f"{self._entry(outs[0], _pace(outs))} = {self.name}_{at}")  # type: ignore[arg-type]
        after = [
            line for at in range(run.last, run.stop) if self._only_last(run, at) for line in self._stored(at)
        ]
        return [*before, f"for k in range({run.turns}):", *["    " + line for line in top + inside], *after]

    def _only_last(self, run: Run, at: int) -> bool:
        return all(self.statements[at - t * run.period].out is None for t in range(1, run.turns))

    def stores(self, wanted: list[int], own: Any) -> dict[int, Lies]:
        """Say where the results that are wanted outside are stored: `own(dtype, size, index)` gives memory.

        In a run of which results before the last turn are wanted, those of all turns lie one behind the other.
        """
        size = prod(self.shape)
        found: dict[int, Lies] = {}
        for index in wanted:
            if index in found:
                continue
            run = run_of(self._runs, index)
            dtype = self.statements[index].entry.dtype
            if index >= run.last:
                earlier = [i for i in wanted if run.start <= i < run.last and (i - index) % run.period == 0]
                if not earlier:
                    found[index] = own(dtype, size, index)
                    continue
            first = run.start + (index - run.start) % run.period
            buffer: Buffer = own(dtype, size * run.turns, None).buffer
            for turn in range(run.turns):
                found[first + turn * run.period] = rows(buffer, self.shape, turn * size)
        for index, lies in found.items():
            self.statements[index].out = lies
        return found


def _pace(outs: list[Lies | None]) -> int:
    assert outs[0] is not None and outs[1] is not None
    return outs[1].offset - outs[0].offset
