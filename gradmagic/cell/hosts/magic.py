"""`%%grad` and `%grad`: IPython's side of it, thin. Parsing the line, calling the run, showing the report.

In: the magic's line and the cell. Out: a `Report`, which IPython displays.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

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
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display
from traitlets import Bool, Enum, Int
from traitlets.config import Configurable

from ... import report as reports
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape import modes
from ...errors import GradmagicError, NonScalarError, NoResultError
from ..reading.names import parse_names
from ..run import Failed, Options, Run
from . import host
from .line import bare, check_options, complete, unquoted
from .rewrite import as_it_is, rewrite
from .show import remember, report_of

_running: list[bool] = []  # a %%grad inside a %%grad is refused


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
        ["graphviz-pure", "dot", "none"], "graphviz-pure", help="What lays the graph out; none: as text only."
    ).tag(config=True)
    max_nodes = Int(130, help="So many operations are drawn; more are folded.").tag(config=True)
    ascii = Bool(False, help="Draw the text report in ASCII.").tag(config=True)
    graph = Bool(True, help="Draw the graph.").tag(config=True)
    image = Enum(
        ["none", "png", "svg"], "none", help="The graph as a picture too, for qtconsole and Spyder's console."
    ).tag(config=True)


@magics_class
class GradMagics(Magics):
    """The two magics; their settings are in `GradMagic`."""

    shell: Any

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.settings = GradMagic(parent=shell)
        self.always: tuple[str, ...] | None = (
            None  # what `%grad on` traces ordinary cells by; None: they are not
        )

    @magic_arguments()
    @argument(
        "names",
        nargs="*",
        help="arrays, numbers, tensors, or containers of them; separated by spaces or commas",
    )
    @argument("--of", metavar="EXPR", default="", help="the result, if it is not the cell's last value")
    @argument(
        "--gradient",
        metavar="V",
        default="",
        help="one weight for each entry of a result that is not a number",
    )
    @argument("--device", default=None, help="cpu or cuda: where the lifted arrays are computed with")
    @argument("--dtype", default=None, help="the dtype that the lifted arrays are computed in")
    @argument(
        "--guard", action="store_true", help="count 0 * inf as 0 in the sweep, as behind np.where(ok, ...)"
    )
    @argument(
        "--expect",
        metavar="F",
        default="",
        help='your own formula for the gradient: "4*x", or "a=2*b, b=2*a"',
    )
    @argument(
        "--check", action="store_true", help="hold the gradients against differences of the same operations"
    )
    @argument(
        "--explain",
        metavar="ENTRY",
        action="append",
        default=[],
        help='write one entry of a gradient out, down to the inputs: "a[0,0]"',
    )
    @argument("--plot", action="store_true", help="draw y and its slope over each input (needs matplotlib)")
    @argument(
        "--image",
        choices=["png", "svg"],
        metavar="png|svg",
        default="",
        help="the graph for front ends that show no HTML",
    )
    @argument("--time", action="store_true", help="tell how long each expression took, forward and backward")
    @argument(
        "--stop",
        choices=["nan"],
        metavar="nan",
        default="",
        help="stop at the first NaN or infinity, for %%debug",
    )
    @argument(
        "--save",
        metavar="FILE",
        default="",
        help="save the report: .html .txt .md .tex .json .svg .png .pdf .dot",
    )
    @argument("--into", metavar="NAME", default="", help="assign the report to this name")
    @argument("--max-nodes", type=int, default=None, help="draw at most so many operations")
    @argument("--steps", action="store_true", help="list all steps of the backward sweep")
    @argument("--quiz", action="store_true", help="hide the gradients until they are asked for")
    @argument("--no-graph", action="store_true", help="leave the graph out")
    @argument("--quiet", action="store_true", help="show nothing; gm.last() has the report")
    @argument("--ascii", action="store_true", help="draw the text report in ASCII")
    @argument(
        "--always", action="store_true", help=argparse.SUPPRESS
    )  # the cell is an ordinary one, see `%grad on`
    @no_var_expand
    @output_can_be_silenced
    @line_cell_magic
    def grad(self, line: str, cell: str | None = None) -> reports.Report | None:
        """Trace the cell, run backward from its result and show where each gradient comes from.

        %%grad x w          gradients of the cell's result by x and w
        %%grad              by the tensors that require grad, or by the float arrays and numbers that the cell uses
        %grad EXPR          the same for one expression, or for a tensor computed in earlier cells
        %grad on x w        from now on every ordinary cell, without a magic on top; %grad off ends it
        """
        if line.strip() in ("-h", "--help"):
            print(self.grad.parser.format_help())
            return None
        if cell is None:
            return self._line(line)
        first, _, rest = cell.lstrip().partition("\n")
        inner = first.split()[0] if first.startswith("%%") else ""
        if inner == "%%grad" or _running:
            raise self._short(CellMagicError(
                "a %%grad inside a %%grad is not run: take the inner one out, or use gm.grad(f) there."
            ))  # fmt: skip
        if inner in (
            "%%time",
            "%%capture",
            "%%prun",
        ):  # the same with the two lines exchanged, and our cell innermost
            return self.shell.run_cell_magic(inner[2:], first[len(inner) :].strip(), f"%%grad {line}\n{rest}")
        args = self._parse(line)
        run = self._run(args, cell, sys._getframe(1))
        return self._after(args, lambda: run.execute(), run)

    # -- the cell --------------------------------------------------------------------------------
    def _parse(self, line: str) -> Any:
        try:
            args = parse_argstring(self.grad, line)
        except SystemExit:
            raise UsageError("see %%grad? for the options") from None
        except ValueError as error:  # a quotation mark that is not closed
            raise UsageError(f"%%grad {line}: {error}") from None
        args.names = tuple(unquoted(line, args.names))
        try:
            check_options(args)
        except GradmagicError as error:
            raise self._short(error) from None
        return args

    def _run(self, args: Any, cell: str, frame: Any, first_line: int | None = None) -> Run:
        options = Options(
            args.names, bare(args.of), bare(args.gradient), args.device, args.dtype, args.guard,
            bare(args.expect), args.check, args.time, args.stop, args.plot,
        )  # fmt: skip
        with as_it_is():
            source = host.cell_source(self.shell, cell, frame, first_line)
        return Run(source, self.shell.user_ns, options)

    def _short(self, error: Exception) -> Exception:
        host.shorten(self.shell, error, "")
        return error

    def _after(self, args: Any, execute: Any, run: Run) -> reports.Report | None:
        _running.append(True)
        error: BaseException | None = None
        try:
            trace = execute()
        except Failed as failed:
            error, trace = failed.__cause__, failed.trace
        except Exception as raised:
            error, trace = raised, None
        finally:
            _running.pop()
        if args.always and isinstance(error, (NoResultError, NonScalarError)):
            if isinstance(error, NonScalarError):
                print(f"%grad on: {error}")
            return self._value(run)  # an ordinary cell with nothing to differentiate is an ordinary cell
        if error is None:
            return self._shown(trace, args, run)
        computed = trace is not None and any(operation.rule for operation in trace.operations)
        if computed and not args.quiet and isinstance(error, Exception):
            display(self._report(trace, args))
        host.shorten(self.shell, error, run.cell.filename)
        raise error  # out here, so that its own context ("during handling of ...") stays

    def _shown(self, trace: Any, args: Any, run: Run) -> reports.Report | None:
        if args.always and not any(operation.rule for operation in trace.operations):
            return self._value(run)
        if not args.always and (value := self._value(run)) is not None:
            display(value)
        report = self._report(trace, args)
        remember(report)
        if args.save:
            self._save(report, bare(args.save))
        if args.into:
            self.shell.user_ns[args.into] = report
        if args.plot and not args.quiet:
            self._plot_below(report)
        if args.always:  # Out[n] is the cell's own value
            display(report)
            return self._value(run)
        return None if args.quiet else report

    def _save(self, report: reports.Report, path: str) -> None:
        """Save the report; where that fails, the cell has run all the same, and its report is shown."""
        try:
            print(f"report saved as {report.save(path)}")
        except (OSError, GradmagicError) as error:
            print(f"--save: not saved: {error}")

    def _plot_below(self, report: reports.Report) -> None:
        """Show the plot when the cell has ended, and its report stands there."""
        try:
            figure = report.plot()
        except GradmagicError as error:
            print(f"--plot: {error}")
            return
        if "image/png" not in self.shell.display_formatter.active_types:
            print(
                '--plot: a terminal shows no pictures: gm.last().plot().savefig("plot.png") saves this one.'
            )
            return

        def show() -> None:
            self.shell.events.unregister("post_execute", show)
            display(figure)

        self.shell.events.register("post_execute", show)

    def _value(self, run: Run) -> Any:
        """Give what the cell's last expression shows."""
        silent = DisplayHook.semicolon_at_end_of_expression(run.cell.text) or not self.displays
        return run.shown[0] if run.shown and not silent else None

    def _report(self, trace: Any, args: Any) -> reports.Report:
        settings = self.settings
        return reports.Report(
            trace,
            max_nodes=args.max_nodes or settings.max_nodes,
            graph=settings.graph and not args.no_graph,
            ascii=args.ascii or settings.ascii or None,
            layout=settings.layout,
            image=args.image or settings.image,
            quiz=args.quiz,
            steps=args.steps,
            explain=[bare(entry) for entry in args.explain],
        )

    async def grad_async(self, line: str, cell: str) -> reports.Report | None:
        """Run a cell that awaits; `%%grad` cells with `await` are rewritten to call this."""
        args = self._parse(line)
        run = self._run(args, cell, sys._getframe(1))
        trace = failed = None
        try:
            trace = await run.execute_async()
        except BaseException as error:
            failed = error

        def result() -> Any:
            if failed is not None:
                raise failed
            return trace

        return self._after(args, result, run)

    @property
    def displays(self) -> bool:
        """Whether the value of a cell's last expression is shown."""
        return bool(self.shell.ast_node_interactivity != "none")

    # -- the line --------------------------------------------------------------------------------
    def _line(self, line: str) -> reports.Report | None:
        text = line.strip()
        if not text:
            raise UsageError(
                "%grad EXPR reports on one expression; %%grad on the first line of a cell on the whole cell"
            )
        switch, _, names = text.partition(" ")
        if switch in ("on", "off") and (switch == "on" or not names) and switch not in self.shell.user_ns:
            self.always = tuple(parse_names(names.split())) if switch == "on" else None
            return None
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
            run = self._run(self._parse(""), text + "\n", sys._getframe(1), first_line=1)
        except SyntaxError as error:
            raise UsageError(f"%grad {text} is not a Python expression: {error.msg}") from None

        def execute() -> Any:
            trace = run.execute()
            run.shown.clear()  # the report begins with the value
            return trace

        return self._after(self._parse(""), execute, run)

    @line_magic("%grad")  # type: ignore[arg-type]
    def _misplaced(self, line: str) -> None:
        """`%%grad` that is not on the first line of its cell reaches IPython as a line magic of this name."""
        raise self._short(CellMagicError(
            f"%%grad {line}".rstrip() + " must be the first line of its cell: move what stands above it below it, "
            "or into a cell of its own."
        ))  # fmt: skip


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
