"""`python -m gradmagic`: the demonstration, or a file run as `%%grad` would run a cell.

In: the command line. Out: the report as text, and as a self-contained HTML page whose file is named.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import traceback
import types
from typing import Any

from .cell.hosts.host import file_source, text_source, user_traceback
from .cell.run import Failed, Options, Run, Source
from .engine.tape import modes
from .errors import GradmagicError
from .report import Report

DEMONSTRATION = """\
a = 2.0
b = 1.0
c = a + b
d = b + 1
e = c * d
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status: 0, 1 where the file raised, 2 where the command line was wrong."""
    args = _parser().parse_args(arguments)
    # A module of its own, as python FILE has one: dataclasses and pickle look there for the file's classes.
    module = types.ModuleType("__main__")
    namespace = vars(module)
    if args.file is None:
        print("%%grad\n" + DEMONSTRATION)
        source = text_source(DEMONSTRATION, "<demonstration>", "the demonstration")
    else:
        if not os.path.isfile(args.file):
            print(f"gradmagic: there is no file {args.file}", file=sys.stderr)
            return 2
        path = os.path.abspath(args.file)
        namespace["__file__"] = path
        sys.argv = [args.file]
        sys.path.insert(0, os.path.dirname(path))
        try:
            source = file_source(path, os.path.basename(path))
        except SyntaxError as error:
            print("".join(traceback.format_exception_only(error)), end="", file=sys.stderr)
            return 1
    sys.modules["__main__"] = module
    return _run(source, namespace, args)


def _run(source: Source, namespace: dict[str, Any], args: argparse.Namespace) -> int:
    modes.keep_places(True)
    options = Options(
        tuple(args.names), args.of, args.gradient, args.device, args.dtype, args.guard,
        args.expect, args.check, args.time, args.stop,
    )  # fmt: skip
    settings = {"max_nodes": args.max_nodes, "graph": not args.no_graph, "ascii": args.ascii or None}
    run = Run(source, namespace, options)
    try:
        trace = run.execute()
    except Failed as failed:
        if failed.trace.operations and not args.quiet:
            print(Report(failed.trace, **settings).to_text())
        error = failed.__cause__
        assert error is not None
        return _raised(error, source.filename)
    except GradmagicError as error:
        return _raised(error, source.filename)
    report = Report(trace, **settings)
    if not args.quiet:
        print(report.to_text())
    if args.save or args.file is None:
        # A directory of its own: in a shared /tmp the file of the same name may be another user's.
        where = args.save or os.path.join(tempfile.mkdtemp(prefix="gradmagic-"), "demonstration.html")
        print(f"page: {report.save(where)}")
    return 0


def _raised(error: BaseException, filename: str) -> int:
    if isinstance(error, SystemExit):
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, KeyboardInterrupt):
        return 130
    user = user_traceback(error, filename)
    lines = traceback.format_exception(type(error), error, user)
    print("".join(lines), end="", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gradmagic",
        description="Run a file as %%grad runs a cell and show where each gradient comes from; "
        "without a file, a demonstration.",
    )
    add = parser.add_argument
    add("file", nargs="?", help="a Python file")
    add("names", nargs="*", help="arrays, numbers, tensors or containers of them, in the file")
    add("--of", metavar="EXPR", default="", help="the result, if it is not the file's last value")
    add(
        "--gradient",
        metavar="V",
        default="",
        help="one weight for each entry of a result that is not a number",
    )
    add("--device", help="cpu or cuda")
    add("--dtype", help="the dtype that the lifted arrays are computed in")
    add("--guard", action="store_true", help="count 0 * inf as 0 in the sweep, as behind np.where(ok, ...)")
    add(
        "--expect",
        metavar="F",
        default="",
        help='your own formula for the gradient: "4*x", or "a=2*b, b=2*a"',
    )
    add("--check", action="store_true", help="hold the gradients against differences of the same operations")
    add("--time", action="store_true", help="tell how long each expression took, forward and backward")
    add("--stop", choices=["nan"], default="", help="stop at the first NaN or infinity")
    add("--save", metavar="FILE", default="", help="save the report: .html .svg .png .pdf .dot .txt")
    add("--max-nodes", type=int, default=130, help="draw at most so many operations")
    add("--no-graph", action="store_true", help="leave the graph out")
    add("--quiet", action="store_true", help="print nothing but what the file prints")
    add("--ascii", action="store_true", help="draw in ASCII")
    return parser


if __name__ == "__main__":
    sys.exit(main())
