"""`gm.trace`: the report of `%%grad` without a magic, for scripts, functions and other hosts (marimo, plain Python).

In: a function, or names of the caller's variables for the length of a `with` block. Out: the same `Report`.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from ... import functions
from ... import report as reports
from ...engine.core import arrays, places
from ...engine.faces.torch.tensor import Tensor
from ...engine.following.block import following
from ...engine.tape.tracked import Tracked
from ...errors import GradmagicError, NameOnLineError, NoResultError
from ...language import tr
from ..lifting.lift import is_float, liftable
from ..lifting.restore import assign_in
from ..membrane.called import called
from ..membrane.hooks import put_hooks
from ..membrane.membrane import Membrane
from ..membrane.ways.way import wrapped
from ..options import Options
from ..reading.names import base_of
from ..reading.source import Source, parsed
from ..run import Run
from ..telling.collect import collect
from .lifted_block import BlockRun
from .marimo import as_written, private_names
from .reached import reached_by
from .show import remember
from .wording import TRACE, in_words, notes_in_words


def trace(*what: Any, of: str = "", gradient: Any = "", plot: bool = False, **settings: Any) -> Any:
    """Trace a block of code, or a function, and report where its gradients come from.

    Parameters
    ----------
    *what : str, or a function and str
        Names of variables to take gradients by, as after `%%grad`: arrays, numbers, tensors or containers of them.
        Without names: the tensors that require grad, or the float arrays and numbers that are read. First of all a
        function, if that is to be traced: then the names are those of its parameters.
    of : str
        The result, if it is not what the block computes last, or what the function gives.
    gradient : str or array
        One weight for each entry of a result that is not a number.
    plot : bool
        Whether to keep what the curves of `Report.plot` take, of any program: see there.
    **settings
        Of the `Report`: `max_nodes`, `graph`, `ascii`, `layout`.

    Returns
    -------
    Block or function
        For names: a context manager; its `report` is there after the block. For a function: a function of the same
        arguments that gives the `Report`, whose `value` is the function's.

    Raises
    ------
    NameOnLineError, NotLiftableError, NoResultError, NonScalarError
        As `%%grad`; the variables are as they were before.

    Notes
    -----
    Of a matrix it is what PyTorch's function of this name is: the sum of the diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> report = gm.trace(lambda x: np.sum(2 * x**2 + 2))(np.array([1.0, 2.0]))
    >>> report.value, report.grads
    (14.0, {'x': array([4., 8.])})

    In a script; without a name, `with gm.trace("x"):`, a notebook shows the report by itself::

        x = np.arange(-2, 2.25, 0.25)
        with gm.trace("x") as traced:
            y = 2 * x**2 + 2
            z = y.sum()
        print(traced.report)
    """
    if what and (isinstance(what[0], Tracked) or arrays.is_array(what[0])):
        return functions.trace(what[0])  # PyTorch's function of this name
    inspect.signature(reports.Report).bind_partial(None, **settings)  # a slip is not to cost a computation
    if what and callable(what[0]):
        return _function(what[0], Options(what[1:], of, gradient, plot=plot), settings)
    for name in what:
        if not isinstance(name, str):
            raise TypeError(tr(
                "gm.trace takes names, and this is a {kind}: write the variable's name in quotes, gm.trace(\"x\").",
                kind=type(name).__name__,
            ))  # fmt: skip
    return Block(Options(what, of, gradient, plot=plot), settings)


class Block:
    """A traced block. After it `report` has the `Report`, `grads` the gradients by name."""

    def __init__(self, options: Options, settings: dict[str, Any]) -> None:
        self._options, self._settings = options, settings
        self._report: reports.Report | None = None
        self._run: BlockRun | None = None
        self._frame: Any = None
        self._watching: Any = None
        self._shows = False  # once the block has ended

    @property
    def report(self) -> reports.Report:
        """The report; there once the block has ended."""
        if self._report is None:
            raise NoResultError(tr(
                "the traced block has not ended yet: its report is there after the with statement."
            ))  # fmt: skip
        return self._report

    @property
    def grads(self) -> dict[str, Any]:
        """The gradients by name."""
        return self.report.grads

    def __enter__(self) -> Block:
        frame = sys._getframe(1)
        self._frame = frame
        self._private = private_names(frame.f_code)
        self._module = frame.f_locals is frame.f_globals and not self._private
        namespace = frame.f_globals if self._module else self._names(frame.f_globals | frame.f_locals)
        block = _block_of(frame)
        name = _name_of(block)
        self._shows = block is not None and not name
        self._settings = {"handle": f"{name}.report" if name else "gm.last()", **self._settings}
        cell = _block_source(frame, block)
        run = self._run = BlockRun(cell, namespace, self._options, frame)
        before = dict(namespace)
        with _in_our_words():
            run.lift()
            if run.waiting:
                run.put_back()
                name = sorted(run.waiting)[0]
                raise NameOnLineError(tr(
                    "name {name!r} on the %%grad line is not defined: define it before the block.", name=name,
                ))  # fmt: skip
        self._assign(
            frame, {name: value for name, value in namespace.items() if before.get(name) is not value}
        )
        self._watching = run.watching()
        self._watching.__enter__()
        return self

    def __exit__(self, kind: Any, error: BaseException | None, _: Any) -> None:
        run, frame = self._run, self._frame
        assert run is not None
        self._watching.__exit__(None, None, None)
        # Putting back looks at all that the variables reach: `traced` shall not lead it through the module's own.
        self._run, self._frame, self._watching = None, None, None
        if not self._module:
            run.namespace.update(self._names(frame.f_locals))
        try:
            if error is not None:
                made = collect(run.record, None, error=error)
            else:
                with _in_our_words():
                    made = run.finish()
        finally:
            run.put_back()
            local = (
                {} if self._module else self._names(frame.f_locals)
            )  # a function's variables are nobody's dict
            names = run.namespace
            self._assign(frame, {n: names[n] for n, v in local.items() if n in names and names[n] is not v})
        self._report = reports.Report(notes_in_words(made, TRACE), **self._settings)
        remember(self._report)
        if self._shows:
            _show(self._report)

    def _names(self, held: dict[str, Any]) -> dict[str, Any]:
        """Give what is held by the names that the reader writes."""
        called = {name: written for written, name in self._private.items()}
        return {called.get(name, name): value for name, value in held.items()}

    def _assign(self, frame: Any, values: dict[str, Any]) -> None:
        if self._private:
            frame.f_globals.update({self._private.get(n, n): v for n, v in values.items()})
        elif not self._module and values:
            assign_in(frame, values)

    def __repr__(self) -> str:
        return repr(self._report) if self._report is not None else tr("<a block that gradmagic traces>")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return self.report._repr_mimebundle_(include, exclude)

    def _mime_(self) -> tuple[str, str]:
        return self.report._mime_()


def _function(
    f: Callable[..., Any], options: Options, settings: dict[str, Any]
) -> Callable[..., reports.Report]:
    signature = inspect.signature(f)
    for name in options.names:
        if base_of(name) not in signature.parameters:
            raise NameOnLineError(tr(
                "{function} has no parameter {name!r}: it has {parameters}.", name=name,
                function=getattr(f, "__name__", tr("the function")), parameters=", ".join(signature.parameters),
            ))  # fmt: skip

    @wraps(f)
    def traced(*args: Any, **kwargs: Any) -> reports.Report:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        inner = inspect.unwrap(f)
        run = Run(_function_source(inner), {**reached_by(f), **bound.arguments}, options)
        run.record.every = not options.names
        name = as_written(getattr(inner, "__name__", ""))
        if name.isidentifier():
            run.record.last_text = name
        variables: dict[str, Any] = {}
        try:
            with _in_our_words():
                put_hooks()
                _lift_arguments(run, bound.arguments, options.names)
                bound.arguments.update({n: run.namespace[n] for n in bound.arguments})
                with run.watching(), _variables_of(inner, variables):
                    run.record.shown.append(_called(run.membrane, f, bound.args, bound.kwargs))
                run.namespace.update(variables)
                run.record.assigned.update(dict.fromkeys(variables))
                made = run.finish()
        finally:
            run.put_back()
        handle = "report" if _display() is None else "gm.last()"
        report = reports.Report(notes_in_words(made, TRACE), **{"handle": handle, **settings})
        remember(report)
        return report

    return traced


def _called(m: Membrane, f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call the function; one whose source is gone (`python -c`, a plain prompt) on values that the engine follows."""
    if not isinstance(inspect.unwrap(f), types.FunctionType) or m.entered.anything(f):
        return called(f)(*args, **kwargs)
    given, options = wrapped(m, args, kwargs)
    with m.collecting() as left, following(f, *args, *kwargs.values()):
        out = f(*given, **options)
    return m.losing(m.unwrapped(out), frozenset(m.cut(node, how) for node, how in left))


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Let errors of `%%grad` speak of `gm.trace`."""
    try:
        yield
    except GradmagicError as error:
        raise type(error)(in_words(str(error), TRACE)) from None


def _lift_arguments(run: Run, arguments: dict[str, Any], names: tuple[str, ...]) -> None:
    """Lift the parameters of these names; without names tensors that require grad, floats, or else whole numbers."""
    if names:
        for name in names:
            run.lifter.name(name, 1, {})
        return
    if any(isinstance(v, Tensor) and v.requires_grad for v in arguments.values()):
        return
    usable = {n: v for n, v in arguments.items() if liftable(v)}
    floats = {n: v for n, v in usable.items() if is_float(v)}
    for name, value in (floats or usable).items():
        run.lifter.named(name, value)


def _display() -> Callable[[Any], None] | None:
    """Give what shows a value in a notebook, as IPython or marimo do; None in a script."""
    ipython: Any = sys.modules.get("IPython")  # neither is loaded for a script's sake
    marimo: Any = sys.modules.get("marimo")
    if ipython is not None and ipython.get_ipython() is not None:
        return ipython.display.display
    if marimo is not None and marimo.running_in_notebook():
        return marimo.output.append
    return None


def _show(report: reports.Report) -> None:
    """Show the report of a block without a name in a notebook; else say where it is."""
    if (display := _display()) is not None:
        display(report)
    else:
        text = repr(report).strip("<>")
        print(tr(
            '{text}; print(gm.last()) shows it, gm.last().save("report.html") keeps it', text=text,
        ))  # fmt: skip


class _variables_of:
    """Keep the variables that a function has when it returns: what its values are called."""

    def __init__(self, f: Any, into: dict[str, Any]) -> None:
        self._code, self._into = getattr(f, "__code__", None), into

    def __enter__(self) -> None:
        self._before = sys.getprofile()
        if self._code is not None:
            sys.setprofile(self._hear)

    def _hear(self, frame: Any, event: str, value: Any) -> None:
        if event == "return" and frame.f_code is self._code:
            self._into.update(frame.f_locals)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)


# ---- sources -------------------------------------------------------------------------------------------------

_NOTHING = ast.Module([], [])


def _block_of(frame: types.FrameType) -> ast.With | ast.AsyncWith | None:
    """Find the `with` block that `frame` is entering; None where its source is gone."""
    blocks = [
        node
        for node in ast.walk(parsed("".join(linecache.getlines(frame.f_code.co_filename))) or _NOTHING)
        if isinstance(node, (ast.With, ast.AsyncWith))
        and node.lineno <= frame.f_lineno < node.body[0].lineno + 1
    ]
    return max(blocks, key=lambda node: node.lineno, default=None)


def _name_of(block: ast.With | ast.AsyncWith | None) -> str:
    """Give the reader's name for the traced block, `t` of `with gm.trace("x") as t`: who has one shows it at will."""
    targets = [item.optional_vars for item in block.items if item.optional_vars is not None] if block else []
    return ast.unparse(targets[0]) if targets else ""


def _block_source(frame: types.FrameType, block: ast.With | ast.AsyncWith | None) -> Source:
    """Give the source of a `with` block."""
    filename = frame.f_code.co_filename
    label, scope = places.label_of(filename), frame.f_code.co_name
    if block is None:
        return Source("", _NOTHING, filename, label, scope=scope)
    first, last = block.body[0].lineno, block.body[-1].end_lineno or block.body[-1].lineno
    text = "".join(linecache.getlines(filename)[first - 1 : last]).rstrip("\n")
    return Source(text, ast.Module(block.body, []), filename, label, first, scope=scope)


def _function_source(f: Any) -> Source:
    code = getattr(f, "__code__", None)
    filename, scope = (
        (code.co_filename, code.co_name) if code is not None else ("", getattr(f, "__name__", "f"))
    )
    try:
        lines, first = inspect.getsourcelines(f)
    except (OSError, TypeError):
        lines, first = [], 1
    text = "".join(lines).rstrip("\n")
    tree = parsed(textwrap.dedent(text)) or _NOTHING  # a lambda in the middle of an expression
    return Source(text, tree, filename, places.label_of(filename), max(first, 1), scope=scope)
