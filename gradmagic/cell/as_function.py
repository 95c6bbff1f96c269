"""A cell as a plain function of the names on its line, and that function as a recorded program.

In: the cell's source, the namespace, what its result is called, and its loss and gradient as the traced cell gives
them. Out: the same, by a program (`gm.replay`) where that is safe, by the traced cell elsewhere. As a function the
cell's own names are local: a cell in which somebody could tell is no function.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import wraps
from typing import Any

import numpy as np

from ..engine.core.interpreter import parse
from ..engine.replay.alike import close, coarsest
from ..engine.replay.emit import Diverged
from ..engine.replay.replay import Replayed
from ..engine.replay.whole import MISS, Made
from ..engine.tape.tracked import Tracked, is_a
from ..engine.transforms.of_functions import value_and_grad
from .lifting.restore import held_by
from .reading.names import usage
from .reading.source import Source

Both = tuple[float, dict[str, Any]]  # a loss, and its gradient by each name

_RECORDING: ContextVar[bool] = ContextVar("recording", default=False)
_STATEMENTS = (
    ast.Assign, ast.AugAssign, ast.Expr, ast.If, ast.For, ast.While, ast.Assert, ast.Raise, ast.FunctionDef, ast.Return,
    ast.Pass, ast.Break, ast.Continue,
)  # fmt: skip
_WAITING = (ast.Await, ast.Yield, ast.YieldFrom)
_OUTSIDE = frozenset(  # who sees names by their text, speaks, or makes errors of warnings
    "exec eval compile globals locals vars dir print display input open breakpoint get_ipython "
    "seterr simplefilter filterwarnings".split()
)


def as_function(cell: Source, namespace: dict[str, Any], names: list[str], result: str) -> Any:
    """Make a function of `names` that gives what the cell's result is; None for a cell that is none.

    `result` is an expression; empty where it is the cell's last one.
    """
    body = copy.deepcopy(cell.tree.body)
    if result:
        body.append(ast.Expr(parse(result, mode="eval").body))
    tree = ast.Module(body, [])
    uses = usage(tree)
    if not all(map(_plain, ast.walk(tree))) or uses.assigns.keys() & {*uses.reads, *names}:
        return None
    *statements, last = body
    assert isinstance(last, ast.Expr)
    parameters = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
    made = ast.parse("def the_cell(): pass")
    made.body[0].args, made.body[0].body = parameters, [*statements, ast.Return(last.value)]  # type: ignore
    scope: dict[str, Any] = {}
    exec(cell.compile(ast.fix_missing_locations(made), cell.filename, "exec"), namespace, scope)
    return scope["the_cell"]


def _plain(node: ast.AST) -> bool:
    if isinstance(node, (ast.Name, ast.Attribute)):
        return (node.id if isinstance(node, ast.Name) else node.attr) not in _OUTSIDE
    waits = isinstance(node, _WAITING) or (isinstance(node, ast.comprehension) and bool(node.is_async))
    return not waits and (not isinstance(node, ast.stmt) or isinstance(node, _STATEMENTS))


def movable(values: dict[str, Any], others: Iterable[Any]) -> bool:
    """Tell whether a function of these values is what a cell is whose names have them: nobody else holds their memory.

    `others` are the values of all other names that the cell uses.
    """
    reached = held_by(others)
    if any(is_a(v, Tracked) and v.node is not None for v in reached):
        return False
    arrays = [v for v in values.values() if type(v) is np.ndarray]
    held = [v for v in reached if is_a(v, np.ndarray)]
    apart = not any(
        np.may_share_memory(a, b) for i, a in enumerate(arrays) for b in (*arrays[i + 1 :], *held)
    )
    return apart and all(map(_moves, values.values()))


def _moves(value: Any) -> bool:
    if type(value) is np.ndarray:
        return value.dtype.kind == "f" and value.dtype.isnative and value.flags.c_contiguous
    return type(value) is float or issubclass(type(value), np.floating)


class CellProgram:
    """Loss and gradient of a cell by a recorded program, as long as it gives what the traced cell gives.

    A new program is held against the traced cell at two points. What is not finite, or of another branch than any
    program, is asked of the traced cell: it is the one that raises as the cell does.

    Parameters
    ----------
    function : function
        The cell, by `as_function`.
    names : set of str
        All that the function calls its own: its parameters, and what the cell assigns.
    traced : function
        Of a point, giving loss and gradient by the traced cell.
    within : function
        Runs a function and puts all that it changed back.
    """

    def __init__(
        self, function: Callable[..., Any], names: set[str], traced: Callable[[dict[str, Any]], Both],
        within: Callable[[Callable[[], Any]], Any],
    ) -> None:  # fmt: skip
        self._names, self._traced, self._within = names, traced, within
        self._space = function.__globals__
        both = value_and_grad(function, tuple(range(function.__code__.co_argcount)))

        @wraps(function)
        def recording_only(*args: Any) -> Any:
            # a program that raises calls its function: here the traced cell is asked
            if not _RECORDING.get():
                raise Diverged
            return both(*args)

        self.program = Replayed(recording_only, quiet=True, backend="numpy")
        self._off = False
        self._agreed = 0  # how often the latest program has been held against the traced cell

    def both(self, point: dict[str, Any]) -> Both:
        """Give the loss and its gradient."""
        if self._off:
            return self._traced(point)
        found = self._run(point)
        if found is not None and self._agreed > 1 and _finite(found):
            return found
        own = self._traced(point)
        if _finite(own):
            found = found or self._recorded(point)
            if found is None or not self.agrees(own, found):
                self.leave()
            self._agreed += 1
        return own

    def leave(self) -> None:
        """Let the traced cell do it from now on."""
        self._off = True
        self.program.programs.clear()

    def agrees(self, own: Both, found: Both) -> bool:
        """Tell whether two losses and gradients are the same but for rounding."""
        least = rounding(self.program)
        pairs = [(own[0], found[0]), *((own[1][name], found[1][name]) for name in own[1])]
        return all(close(a, b, least) for a, b in pairs)

    def _run(self, point: dict[str, Any]) -> Both | None:
        for made in self.program.programs:
            try:
                out = made.run(*point.values())
            except Diverged:
                continue
            except Exception:  # the traced cell raises it with the reader's line
                return None
            if out is not MISS:
                return float(out[0]), dict(zip(point, out[1], strict=True))
        return None

    def _recorded(self, point: dict[str, Any]) -> Both | None:
        """Record a program at a point, and give what it gives there; None if there is none that leaves all as it is."""
        before, token = len(self.program.programs), _RECORDING.set(True)
        try:
            self._within(lambda: self.program(*point.values()))
        except Exception:  # the function's: then the cell is none
            return None
        finally:
            _RECORDING.reset(token)
        made = self.program.programs[before:]
        self._agreed = 0
        return self._run(point) if made and self._leaves_all(made[0]) else None

    def _leaves_all(self, made: Made) -> bool:
        """Tell whether a program writes nowhere, and nobody else reads the names that are the function's own."""
        inputs = {id(step.storage) for step in made.program.inputs}
        writes = any(step.kind == "write" and id(step.storage) in inputs for step in made.program.steps)
        links = [*made.around.links, *made.around.places]
        reads = any(link.holder is self._space and link.key in self._names for link in links)
        return not (writes or reads or made.leaves)


def rounding(program: Replayed) -> float:
    """Give the rounding of the coarsest dtype that its programs compute in."""
    return max((coarsest(made.program) for made in program.programs), default=0.0)


def _finite(found: Both) -> bool:
    return bool(np.isfinite(found[0])) and all(np.all(np.isfinite(g)) for g in found[1].values())
