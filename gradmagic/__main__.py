"""`python -m gradmagic`: the demonstration, or a file run as `%%grad` would run a cell.

In: the command line. Out: the report as text, and as a self-contained HTML page whose file is named.
"""

from __future__ import annotations

import ast
import os
import sys
import tempfile
import traceback
import types
from typing import Any

from .cell.hosts.host import file_source, text_source, user_traceback
from .cell.hosts.slips import Slip, look_at
from .cell.hosts.wording import COMMAND, in_words, notes_in_words
from .cell.options import OptionParser, Options
from .cell.reading.names import parse_names
from .cell.reading.source import Source
from .cell.run import Failed, Run
from .engine.tape import modes
from .errors import GradmagicError
from .language import mark, tr
from .report import Report
from .report.text.to_text import printable

DEMONSTRATION = """\
a = 2.0
b = 1.0
c = a + b
d = b + 1
e = c * d
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; give the exit status: 0, 1 where the file raised, 2 where the command line was wrong."""
    parser = _parser()
    said = parser.read(arguments)
    file = said.pop("file", None)
    options = Options(**said | {"names": tuple(parse_names(said.get("names", ())))})
    try:
        look_at(options)
    except (Slip, GradmagicError) as error:
        parser.error(str(error))
    # A module of its own, as python FILE has one: dataclasses and pickle look there for the file's classes.
    module = types.ModuleType("__main__")
    namespace = vars(module)
    if file is None:
        print("%%grad\n" + DEMONSTRATION)
        source = text_source(DEMONSTRATION, "<demonstration>", tr("the demonstration"))
    else:
        if not os.path.isfile(file):
            print(tr("gradmagic: there is no file {file}", file=file), file=sys.stderr)
            return 2
        path = os.path.abspath(file)
        namespace["__file__"] = path
        sys.argv = [file]
        sys.path.insert(0, os.path.dirname(path))
        try:
            source = file_source(path, os.path.basename(path))
        except SyntaxError as error:
            print("".join(traceback.format_exception_only(error)), end="", file=sys.stderr)
            return 1
        if not source.tree.body:
            print(tr("gradmagic: there is no code in {file}", file=file), file=sys.stderr)
            return 1
    sys.modules["__main__"] = module
    return _run(source, namespace, options, demonstration=file is None)


def _run(source: Source, namespace: dict[str, Any], options: Options, demonstration: bool) -> int:
    modes.keep_places(True)
    settings: dict[str, Any] = {
        "max_nodes": options.max_nodes, "graph": not options.no_graph, "ascii": options.ascii or None,
        "quiz": options.quiz, "handle": "",
    }  # fmt: skip
    run = Run(source, namespace, options)
    try:
        trace = run.execute()
    except Failed as failed:
        if failed.trace.operations and not options.quiet:
            print(Report(notes_in_words(failed.trace, COMMAND), **settings).to_text())
        error = failed.__cause__
        assert error is not None
        return _raised(error, source.filename)
    except GradmagicError as error:
        return _raised(error, source.filename)
    report = Report(notes_in_words(trace, COMMAND), **settings)
    if not options.quiet:
        print(report.to_text())
    if options.save or demonstration:
        # A directory of its own: in a shared /tmp the file of the same name may be another user's.
        where = options.save or os.path.join(tempfile.mkdtemp(prefix="gradmagic-"), "demonstration.html")
        try:
            print(printable(tr("page: {path}", path=report.save(where))))
        except (OSError, GradmagicError) as error:
            print(tr("--save {path}: not saved: {error}", path=where, error=error), file=sys.stderr)
            return 1
    if options.quiz and not options.quiet and sys.stdin.isatty():
        _ask(report)
    return 0


def _ask(report: Report) -> None:
    """Ask for each gradient until it is right or given up; then show all."""
    for name in report.grads:
        print(printable(tr("What is {slope}? An empty line shows it.", slope=report.slope(name))))
        while (text := _line().strip()) != "":
            try:
                told: str = report.answer(name, ast.literal_eval(text))
            except (SyntaxError, ValueError):
                told = tr("{text} is no answer: write a number, or a list of numbers.", text=text)
            print(printable(told))
            if not report.hides(name):
                break
    print(report.reveal())


def _line() -> str:
    try:
        return input("> ")
    except EOFError:
        return ""


def _raised(error: BaseException, filename: str) -> int:
    if isinstance(error, SystemExit):
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, GradmagicError) and "%%grad" in str(error):
        error.args = (in_words(str(error), COMMAND),)
    user = user_traceback(error, filename)
    lines = traceback.format_exception(type(error), error, user)
    print("".join(lines), end="", file=sys.stderr)
    return 1


def _parser() -> OptionParser:
    parser = OptionParser(
        prog="python -m gradmagic",
        usage=mark("python -m gradmagic [FILE [names] [options]]; -h lists the options"),
        description=mark(
            "Run a file as %%grad runs a cell and show where each gradient comes from; without a file, a "
            "demonstration."
        ),
    )
    parser.add_argument("file", nargs="?", help=mark("a Python file"))
    parser.add_options(command=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
