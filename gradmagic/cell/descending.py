"""`%%grad x --minimize adam`: the cell as a function of the named variables, and the fit of them.

In: the cell's source, the namespace, the options. Out: a `Fit`. Each evaluation runs the cell on the variables' values
there and puts all that it changed back; what it draws at random is the same each time. The cell itself is run by the
host, once, as without.
"""

from __future__ import annotations

import copy
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch.tensor import Tensor
from ..engine.sweeps.backward import sweep
from ..engine.sweeps.several import taken
from ..engine.tape.modes import no_grad
from ..engine.tape.nodes import walk
from ..engine.tape.tracked import is_a, raw
from ..engine.watch.memory_limit import cell_limit
from ..errors import DivergedWarning, FreedError, MinimizeError, NameOnLineError
from ..fitting import Fit
from ..fitting.evaluating import Evaluator
from ..fitting.minimising import fitted
from ..fitting.variables import Variables
from ..language import tr
from .as_function import CellProgram, as_function, movable, rounding
from .lifting.lift import entry_names, liftable
from .lifting.snapshot import Snapshot
from .membrane.enter import plain_code
from .options import Options
from .reading.names import base_of, parse_names, usage
from .reading.source import Source
from .run import Failed, Run
from .telling.result import result_of, seed_of


@dataclass
class _Code:
    """The cell's code with hooks, compiled once; and what its result is called, or that it is the last expression."""

    made: tuple[types.CodeType, types.CodeType | None] | None = None
    name: str = ""
    shown: bool = False


class Evaluation(Run):
    """One run of a cell for its result and the gradients, without a report."""

    def __init__(self, cell: Source, namespace: dict[str, Any], options: Options, code: _Code) -> None:
        super().__init__(cell, namespace, options)
        self._code = code

    def _compiled(self) -> tuple[types.CodeType, types.CodeType | None]:
        if self._code.made is None:
            own, self.cell = self.cell, replace(self.cell, tree=copy.deepcopy(self.cell.tree))
            self._code.made = super()._compiled()
            self.cell = own
        return self._code.made

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record only."""
        with ExitStack() as stack:
            stack.enter_context(cell_limit())
            for context in (*self._around(), *([self.masking] if self.options.guard else [])):
                stack.enter_context(context)
            yield

    def evaluate(self) -> tuple[float, dict[str, Any]]:
        """Give the result, and the gradient by each input."""
        statements, last = self.prepare()
        try:
            with self._cell():
                exec(statements, self.namespace)
                if last is not None:
                    self.record.shown.append(eval(last, self.namespace))
            return self._differentiated()
        except Failed as failed:
            raise failed.__cause__ or failed from None
        finally:
            self.put_back()

    def _differentiated(self) -> tuple[float, dict[str, Any]]:
        self._settle()
        name, result = result_of(self.record)
        g = seed_of(self.record, name, result)
        code, node = self._code, result.node
        assert node is not None
        code.name = name
        code.shown = not self.options.of and any(
            getattr(self.record.seen(value), "node", None) is node for value in self.record.shown
        )
        entries = self.lifter.lifted
        stops = [entry.node for entry in entries]
        others = [n for n in walk(node) if n.rule is None]
        try:
            with np.errstate(all="ignore"):
                swept = sweep(node, g, retain=False, inputs=[*stops, *others], hooks=False)
        except FreedError:
            raise MinimizeError(tr(
                "the cell calls backward() itself, and --minimize takes gradients of its own: leave backward() and "
                "step() out of the cell, and end it with the loss."
            )) from None  # fmt: skip
        found = taken(swept, stops)
        return _number(result), {e.name: c for e, c in zip(entries, found, strict=True)}


@dataclass(frozen=True)
class Target:
    """One variable of the line: its name, its value, and how it gets another."""

    name: str
    value: Any
    put: Callable[[Any], Any]


@dataclass(frozen=True)
class CellEvaluator(Evaluator):
    """What a cell is asked for as a loss.

    Attributes
    ----------
    quick : function
        Gives the cell's program; None where there can be none.
    """

    quick: Callable[[], CellProgram | None] = lambda: None

    def recorded(self) -> Evaluator:
        """Let loss and gradient be computed by a recorded program, where the cell is a plain function."""
        quick = self.quick()
        return self if quick is None else replace(self, both=quick.both, program=quick.program)


class CellLoss:
    """A cell as a function of the variables on the magic's line.

    Parameters
    ----------
    cell : Source
    namespace : dict
    options : Options
    silence : function
        Gives the context in which what an evaluation prints and displays is not seen.
    """

    def __init__(
        self, cell: Source, namespace: dict[str, Any], options: Options,
        silence: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:  # fmt: skip
        self._cell, self._namespace, self._silence = cell, namespace, silence
        self._asked = options
        self._options = replace(options, plot=False, check=False, expect="", time=False, kept=False)
        self._code = _Code()
        self._targets: list[Target] = []
        self._used: set[str] = set()
        self._snapshot: Snapshot | None = None

    def fit(self) -> Fit:
        """Fit the variables; afterwards all is as it was before.

        Raises
        ------
        NoTrial
            If the cell does not even run where it begins: its own run says why.
        Exception
            What the cell raises later, and what `gm.minimize` refuses.
        """
        options, namespace = self._asked, self._namespace
        names = parse_names(list(options.names))
        if not names:
            raise MinimizeError(tr(
                "--minimize moves what is named on its line: write %%grad x --minimize ..., say."
            ))  # fmt: skip
        trial = self._evaluation()
        for name in names:
            base = base_of(name)
            if base in trial.record.uses.first or (
                base not in namespace and base in trial.record.uses.assigns
            ):
                raise NameOnLineError(tr(
                    "{name} on the %%grad line is assigned by the cell itself, and --minimize moves it: define it in "
                    "an earlier cell.", name=name,
                ))  # fmt: skip
        self._used = trial.used()
        self._snapshot = Snapshot(namespace, self._used)
        if (once := self._snapshot.taken_up()) is not None:
            raise MinimizeError(tr(
                "the cell reaches a {kind}, which cannot begin again, and --minimize runs the cell many times: make a "
                "list of it in an earlier cell, list(...).", kind=type(once).__name__,
            ))  # fmt: skip
        try:
            self._within(lambda: self._evaluation().evaluate())
            self._targets = [t for n in names for t in self._found(n)]
        except MinimizeError:
            raise
        except Exception as error:
            raise NoTrial from error
        tree = {target.name: target.value for target in self._targets}
        variables = Variables(tree, tr("the line"), list(tree), tr("take it off the line"))
        loss = CellEvaluator(self._code.name, self._value, self._both, quick=self._program)
        made = self._fitted(loss, variables)
        if made.program is not None and made.program.served and not self._ends_so(made):
            made = self._fitted(replace(loss, quick=lambda: None), variables)
        made.descent  # noqa: B018  (the loss around the way is computed now: the names change later)
        self._snapshot = None
        return made

    def keep(self, fit: Fit) -> None:
        """Give the names the end of the fit."""
        self._put(fit.x)

    def _fitted(self, loss: Evaluator, variables: Variables) -> Fit:
        options = self._asked
        with warnings.catch_warnings():
            if not options.quiet:  # else the report says it
                warnings.simplefilter("ignore", DivergedWarning)
            return fitted(
                loss, variables, options.minimize, lr=options.lr, iterations=options.iterations,
                progress=False if options.quiet else None, keeps=options.keep,
            )  # fmt: skip

    # -- by a program -----------------------------------------------------------------------------
    def _program(self) -> CellProgram | None:
        """Make the cell's program; None where the cell is no plain function of the names on the line."""
        options, code, namespace = self._options, self._code, self._namespace
        values = {target.name: target.value for target in self._targets}
        asked = options.device or options.dtype or options.guard or options.stop or options.gradient != ""
        others = [namespace[n] for n in self._used - values.keys() if n in namespace]
        whole = all(name in self._used for name in values)  # no entry, no attribute
        if asked or not whole or "raise" in np.geterr().values() or not movable(values, others):
            return None
        f = as_function(self._cell, namespace, list(values), "" if code.shown else code.name)
        if f is None:
            return None
        own = values.keys() | usage(self._cell.tree).assigns.keys()
        return CellProgram(f, own, self._both, self._within)

    def _ends_so(self, fit: Fit) -> bool:
        """Tell whether the traced cell has the fit's end, too: that a program gave it is not enough."""
        try:
            loss, _ = self._both(fit.x)
        except Exception:  # which the fit by the traced cell raises, with where it is
            return False
        assert fit.program is not None
        return abs(loss - fit.fun) <= 1e4 * rounding(fit.program) * max(abs(fit.fun), abs(fit.losses[0]))

    # -- evaluating -------------------------------------------------------------------------------
    def _evaluation(self) -> Evaluation:
        return Evaluation(self._cell, self._namespace, self._options, self._code)

    def _within(self, work: Callable[[], Any], values: dict[str, Any] | None = None) -> Any:
        assert self._snapshot is not None
        try:
            with self._silence(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the cell's own run says what there is to say
                self._put(values or {})
                return work()
        finally:
            self._snapshot.restore()

    def _both(self, point: dict[str, Any]) -> tuple[float, dict[str, Any]]:
        value, found = self._within(lambda: self._evaluation().evaluate(), point)
        gradient = {}
        for target in self._targets:
            c = found.get(target.name)
            host = None if c is None else arrays.to_host(raw(c))
            gradient[target.name] = np.zeros(np.shape(raw(target.value))) if host is None else host
        return value, gradient

    def _value(self, point: dict[str, Any]) -> float:
        """Run the cell without hooks."""
        return self._within(self._plainly, point)

    def _plainly(self) -> float:
        assert self._code.made is not None
        statements, last = (None if code is None else plain_code(code) for code in self._code.made)
        assert statements is not None
        exec(statements, self._namespace)
        value = None if last is None else eval(last, self._namespace)
        return _number(value if self._code.shown else eval(self._code.name, self._namespace))

    # -- the variables ----------------------------------------------------------------------------
    def _put(self, values: dict[str, Any]) -> None:
        for target in self._targets:
            if target.name in values:
                target.put(values[target.name])

    def _found(self, name: str) -> list[Target]:
        value = eval(name, self._namespace)

        def put(new: Any) -> None:
            exec(f"{name} = __gradmagic_new__", scope := {**self._namespace, "__gradmagic_new__": new})
            if name in scope:
                self._namespace[name] = scope[name]

        return list(_targets(name, value, put))


class NoTrial(Exception):
    """The cell does not run where the fit is to begin: its cause says why."""


def _targets(name: str, value: Any, put: Callable[[Any], Any], top: bool = True) -> Iterator[Target]:
    """List what a name of the line stands for, as `Lifter` does."""
    if is_a(value, Tensor):
        yield Target(name, value, partial(_write, value))
    elif liftable(value) and (top or arrays.is_array(value)):
        in_place = arrays.is_array(value) and getattr(value.flags, "writeable", True)
        yield Target(name, value, partial(_move, value) if in_place else put)
    elif hasattr(value, "named_parameters"):
        for part, parameter in value.named_parameters():
            yield Target(f"{name}.{part}", parameter, partial(_write, parameter))
    elif is_a(value, dict):
        for text, key in zip(entry_names(name, value), list(value), strict=True):
            yield from _targets(text, value[key], partial(value.__setitem__, key), top=False)
    elif type(value) is list:
        for i, entry in enumerate(value):
            yield from _targets(f"{name}[{i}]", entry, partial(value.__setitem__, i), top=False)
    elif is_a(value, tuple):
        held = list(value)
        make: Any = getattr(type(value), "_make", type(value))  # a named tuple takes its entries one by one

        def anew(i: int, new: Any) -> None:
            held[i] = new
            put(make(held))

        for i, entry in enumerate(value):
            yield from _targets(f"{name}[{i}]", entry, partial(anew, i), top=False)


def _write(tensor: Tensor, new: Any) -> None:
    """Write a tensor's values in its own memory, as an optimiser does."""
    with no_grad():
        tensor.copy_(new)


def _move(array: Any, new: Any) -> None:
    """Write an array's values in its own memory: who else holds it moves along, as the gradient counts them."""
    array[...] = arrays.beside(new, array) if arrays.on_device(array) else new


def _number(result: Any) -> float:
    return float(np.reshape(arrays.to_host(raw(result)), ()))
