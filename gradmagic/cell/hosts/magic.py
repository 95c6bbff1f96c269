"""`%%grad` and `%grad`: IPython's side of it, thin. Parsing the line, calling the run, showing the report.

In: the magic's line and the cell. Out: a `Report`, which IPython displays.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.displayhook import DisplayHook
from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    no_var_expand,
    output_can_be_silenced,
)
from IPython.display import display
from IPython.utils.capture import capture_output
from traitlets import Bool, Bunch, Enum, Int, observe
from traitlets.config import Configurable

from ... import report as reports
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape import modes
from ...errors import GradmagicError, NonScalarError, NoResultError
from ...language import LANGUAGES, mark, set_language, tr
from ...report.model import Trace
from ..options import OPTIONS, Options
from ..reading.names import parse_names
from ..run import Failed, Run
from . import host
from .line import complete, read_line, with_options
from .rewrite import as_it_is, rewrite
from .show import remember, report_of
from .wording import LINE, in_words

if TYPE_CHECKING:
    from ...fitting import Fit

DESCRIPTION = mark(
    """Trace the cell, run backward from its result and show where each gradient comes from.

%%grad x w          gradients of the cell's result by x and w
%%grad              by the tensors that require grad, or by the float arrays and numbers that the cell uses
%grad EXPR          the same for one expression, or for a tensor computed in earlier cells
%grad on x w        from now on every ordinary cell, without a magic on top; %grad off ends it
"""
)

_RUNNING: ContextVar[bool] = ContextVar("%%grad runs", default=False)  # a %%grad inside a %%grad is refused


class CellMagicError(GradmagicError, RuntimeError):
    """`%%grad` stands where it cannot run: below another line of its cell, or inside another `%%grad`.

    Wrong::

        # the parabola
        %%grad x
        y = x**2

    Right::

        %%grad x
        # the parabola
        y = x**2
    """


class GradMagic(Configurable):
    """Settings of `%%grad` for a session (`%config GradMagic`)."""

    layout = Enum(
        ["own", "graphviz-pure", "dot"],
        "own",
        help=mark(
            "Who places the graph: gradmagic, as boxes, cards or rows; or Graphviz, as boxes from left to right."
        ),
    ).tag(config=True)
    max_nodes = Int(130, help=mark("So many operations are drawn; more are folded.")).tag(config=True)
    ascii = Bool(False, help=mark("Draw the text report in ASCII.")).tag(config=True)
    graph = Bool(True, help=mark("Draw the graph.")).tag(config=True)
    image = Enum(
        ["none", "png", "svg"],
        "none",
        help=mark("The graph as a picture too, for qtconsole and Spyder's console."),
    ).tag(config=True)
    language = Enum(
        ["auto", *LANGUAGES],
        "auto",
        help=mark("Of reports, help and errors; auto: what LANG or the locale says."),
    ).tag(config=True)

    @classmethod
    def class_get_trait_help(cls, trait: Any, *args: Any, **more: Any) -> str:
        """Describe a setting in the language that is spoken when it is asked for."""
        said = super().class_get_trait_help
        return str(said(trait, *args, **({"helptext": tr(trait.help)} | more) if trait.help else more))

    @observe("language")
    def _speak(self, change: Bunch) -> None:
        set_language(None if change.new == "auto" else change.new)


@magics_class
class GradMagics(Magics):
    """The two magics; their settings are in `GradMagic`."""

    shell: Any

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.settings = GradMagic(parent=shell)
        # What `%grad on` traces ordinary cells by; None: they are not.
        self.always: tuple[str, ...] | None = None
        self._fit: Fit | None = None  # of the cell that runs

    @with_options(DESCRIPTION)
    @no_var_expand
    @output_can_be_silenced
    @line_cell_magic
    def grad(self, line: str, cell: str | None = None) -> reports.Report | None:
        """Run a `%%grad` cell, or `%grad`."""
        if line.strip() in ("-h", "--help"):
            print(self.grad.parser.format_help())  # type: ignore[attr-defined]
            return None
        if cell is None:
            return self._line(line)
        first, _, rest = cell.lstrip().partition("\n")
        inner = first.split()[0] if first.startswith("%%") else ""
        if inner == "%%grad" or _RUNNING.get():
            raise self._short(CellMagicError(tr(
                "a %%grad inside a %%grad is not run: take the inner one out, or use gm.grad(f) there."
            )))  # fmt: skip
        # The same with the two lines exchanged, and our cell innermost.
        if inner in ("%%time", "%%capture", "%%prun"):
            return self.shell.run_cell_magic(inner[2:], first[len(inner) :].strip(), f"%%grad {line}\n{rest}")
        if not cell.strip():
            raise self._short(CellMagicError(tr(
                "the cell is empty: write what is to be computed below {magic}.", magic=f"%%grad {line}".rstrip(),
            )))  # fmt: skip
        options = self._read(line)
        run = self._run(options, cell, sys._getframe(1))
        return self._after(run.execute if not options.minimize else partial(self._minimized, run, cell), run)

    # -- the cell --------------------------------------------------------------------------------
    def _read(self, line: str) -> Options:
        try:
            return read_line(self.grad.parser, line)  # type: ignore[attr-defined]
        except GradmagicError as error:
            raise self._short(error) from None

    def _run(self, options: Options, cell: str, frame: types.FrameType, first_line: int | None = None) -> Run:
        with as_it_is():
            source = host.cell_source(self.shell, cell, frame, first_line)
        return Run(source, self.shell.user_ns, options)

    def _minimized(self, run: Run, cell: str) -> Trace:
        """Fit what is named, then run the cell once, where the names are kept."""
        from ..descending import CellLoss, NoTrial  # with the first fit

        loss = CellLoss(run.cell, self.shell.user_ns, run.options, capture_output)
        try:
            self._fit = loss.fit()
        except NoTrial as trial:
            run.execute()  # the cell's own run says it better
            raise trial.__cause__ or trial from None
        if run.options.keep == "end":
            loss.keep(self._fit)
        return replace(run.execute(), descent=self._fit.descent)

    def _short(self, error: Exception) -> Exception:
        host.shorten(self.shell, error, "")
        return error

    def _after(self, execute: Callable[[], Trace], run: Run) -> reports.Report | None:
        options = run.options
        before = _RUNNING.set(True)
        error: BaseException | None = None
        trace: Trace | None = None
        try:
            trace = execute()
        except Failed as failed:
            error, trace = failed.__cause__, failed.trace
        except Exception as raised:
            error = raised
        finally:
            _RUNNING.reset(before)
        if options.always and isinstance(error, (NoResultError, NonScalarError)):
            if isinstance(error, NonScalarError):
                print(f"%grad on: {error}")
            return self._value(run)  # an ordinary cell with nothing to differentiate is an ordinary cell
        if error is None:
            assert trace is not None
            return self._shown(trace, run)
        if trace is not None and _computes(trace) and not options.quiet and isinstance(error, Exception):
            display(self._report(trace, options))
        host.shorten(self.shell, error, run.cell.filename)
        raise error  # out here, so that its own context ("during handling of ...") stays

    def _shown(self, trace: Trace, run: Run) -> reports.Report | None:
        options = run.options
        if options.always and not _computes(trace):
            return self._value(run)
        if not options.always and (value := self._value(run)) is not None:
            display(value)
        report = self._report(trace, options)
        report.fit = self._fit if options.minimize else None
        remember(report)
        if options.save:
            self._save(report, options.save)
        if options.into:
            self.shell.user_ns[options.into] = report
        if options.plot and not options.quiet:
            self._plot_below(report)
        if options.always:  # Out[n] is the cell's own value
            display(report)
            return self._value(run)
        return None if options.quiet else report

    def _save(self, report: reports.Report, path: str) -> None:
        """Save the report; where that fails, the cell has run all the same, and its report is shown."""
        try:
            print(tr("report saved as {path}", path=report.save(path)))
        except (OSError, GradmagicError) as error:
            print(tr("--save: not saved: {error}", error=error))

    def _plot_below(self, report: reports.Report) -> None:
        """Show the plot when the cell has ended, and its report stands there."""
        try:
            figure = report.plot()
        except GradmagicError as error:
            print(f"--plot: {error}")
            return
        if "image/png" not in self.shell.display_formatter.active_types:
            print(tr(
                '--plot: a terminal shows no pictures: gm.last().plot().savefig("plot.png") saves this one.'
            ))  # fmt: skip
            return

        def show() -> None:
            self.shell.events.unregister("post_execute", show)
            display(figure)

        self.shell.events.register("post_execute", show)

    def _value(self, run: Run) -> Any:
        """Give what the cell's last expression shows."""
        silent = DisplayHook.semicolon_at_end_of_expression(run.cell.text) or not self.displays
        shown = run.record.shown
        return shown[0] if shown and not silent else None

    def _report(self, trace: Trace, options: Options) -> reports.Report:
        settings = self.settings
        return reports.Report(
            trace,
            max_nodes=options.max_nodes or settings.max_nodes,
            graph=settings.graph and not options.no_graph,
            ascii=options.ascii or settings.ascii or None,
            layout=settings.layout,
            image=options.image or settings.image,
            quiz=options.quiz,
            steps=options.steps,
            explain=options.explain,
        )

    async def grad_async(self, line: str, cell: str) -> reports.Report | None:
        """Run a cell that awaits; `%%grad` cells with `await` are rewritten to call this."""
        run = self._run(self._read(line), cell, sys._getframe(1))
        if run.options.minimize:
            raise self._short(CellMagicError(tr(
                "--minimize runs the cell many times, and this one awaits: await before it."
            )))  # fmt: skip
        trace = failed = None
        try:
            trace = await run.execute_async()
        except BaseException as error:
            failed = error

        def result() -> Trace:
            if trace is None:
                assert failed is not None
                raise failed
            return trace

        return self._after(result, run)

    @property
    def displays(self) -> bool:
        """Whether the value of a cell's last expression is shown."""
        return bool(self.shell.ast_node_interactivity != "none")

    # -- the line --------------------------------------------------------------------------------
    def _line(self, line: str) -> reports.Report | None:
        text = line.strip()
        if not text:
            raise UsageError(tr(
                "%grad EXPR reports on one expression; %%grad on the first line of a cell on the whole cell"
            ))  # fmt: skip
        switch, _, names = text.partition(" ")
        if switch in ("on", "off") and (switch == "on" or not names) and switch not in self.shell.user_ns:
            self.always = tuple(parse_names(names.split())) if switch == "on" else None
            return None
        flag = next((word for word in text.split() if word in OPTIONS), "")
        if flag:
            raise UsageError(tr("%grad EXPR takes no options: write %%grad {flag} above a cell", flag=flag))
        value = self.shell.user_ns.get(text)
        if isinstance(value, Tensor):
            number = host.cell_number(self.shell, sys._getframe(1))
            try:
                report = report_of(
                    value, self.shell.user_ns, text, f"In [{number}]", layout=self.settings.layout
                )
            except GradmagicError as error:
                raise self._short(error) from None
            remember(report)
            return report
        try:
            run = self._run(Options(), text + "\n", sys._getframe(1), first_line=1)
        except SyntaxError as error:
            raise UsageError(tr(
                "%grad {text} is not a Python expression: {error}", text=text, error=error.msg,
            )) from None  # fmt: skip

        def execute() -> Trace:
            try:
                trace = run.execute()
            except NoResultError as error:
                raise NoResultError(f"%grad {text}: {in_words(str(error), LINE)}") from None
            run.record.shown.clear()  # the report begins with the value
            return trace

        return self._after(execute, run)

    @line_magic("%grad")  # type: ignore[arg-type]
    def _misplaced(self, line: str) -> None:
        """`%%grad` that is not on the first line of its cell reaches IPython as a line magic of this name."""
        raise self._short(CellMagicError(tr(
            "{magic} must be the first line of its cell: move what stands above it below it, or into a cell of its "
            "own.", magic=f"%%grad {line}".rstrip(),
        )))  # fmt: skip


def _computes(trace: Trace) -> bool:
    return any(operation.rule for operation in trace.operations)


def load(shell: Any) -> None:
    """Register the magics; a second time changes nothing."""
    if "GradMagics" in shell.magics_manager.registry:
        return
    magics = GradMagics(shell)
    shell.register_magics(magics)
    if magics.settings not in shell.configurables:
        shell.configurables.append(magics.settings)
    shell.set_hook("complete_command", complete, str_key="%%grad")
    shell.set_hook("complete_command", complete, str_key="%grad")
    transforms = shell.input_transformer_manager.cleanup_transforms
    if rewrite not in transforms:
        transforms.append(rewrite)
    modes.keep_places(True)


def unload(shell: Any) -> None:
    """Take the magics away again."""
    magics = shell.magics_manager.registry.pop("GradMagics", None)
    for kind in ("line", "cell"):
        for name in ("grad", "%grad"):
            shell.magics_manager.magics[kind].pop(name, None)
    if magics is not None and magics.settings in shell.configurables:
        shell.configurables.remove(magics.settings)
    transforms = shell.input_transformer_manager.cleanup_transforms
    if rewrite in transforms:
        transforms.remove(rewrite)
    for key in ("%%grad", "%grad"):
        shell.strdispatchers["complete_command"].strs.pop(key, None)
    modes.keep_places(False)
