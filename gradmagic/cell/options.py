"""The options of `%%grad`, `python -m gradmagic` and `gm.trace`: each is declared once, as a field of `Options`.

In: the words of a line. Out: an `Options`. From the same fields come the parsers of both hosts, their help, the
completion and README's table; what an option does stands where its field is read.
"""

# ruff: noqa: RUF009  (what _option gives is a field)

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

from ..language import mark, tr
from ..report.text.to_text import printable


@dataclass(frozen=True)
class Option:
    """What is said of an option besides its name and default. `%%grad` takes all of them, `%grad EXPR` none."""

    help: str  # argparse.SUPPRESS for what is not for readers
    metavar: str = ""  # of its value; empty for a switch
    kind: type = str  # of its value: a text, a whole number or a number
    choices: tuple[str, ...] = ()  # the values that there are; empty where any will do
    many: bool = False  # whether it may be given several times
    command: bool | str = True  # whether `python -m gradmagic` takes it; a text is its help there
    trace: str = ""  # the argument that tells `gm.trace` the same, where there is one


def _option(default: Any, help: str, metavar: str = "", **more: Any) -> Any:
    return field(default=default, metadata={"option": Option(help, metavar, **more)})


# fmt: off
@dataclass(frozen=True)
class Options:
    """What the magic's line, the command line or a call of `gm.trace` asks for."""

    names: tuple[str, ...] = ()
    of: str = _option("", mark("the result, if it is not the cell's last value"), "EXPR",
                      command=mark("the result, if it is not the file's last value"), trace="of=")
    gradient: Any = _option("", mark("one weight for each entry of a result that is not a number"), "V",
                            trace="gradient=")
    device: str | None = _option(None, mark("cpu or cuda: where the lifted arrays are computed with"), "DEVICE")
    dtype: str | None = _option(None, mark("the dtype that the lifted arrays are computed in"), "DTYPE")
    guard: bool = _option(False, mark("count 0 * inf as 0 in the sweep, as behind np.where(ok, ...)"))
    expect: str = _option("", mark('your own formula for the gradient: "4*x", or "a=2*b, b=2*a"'), "F")
    check: bool = _option(False, mark("hold the gradients against differences of the same operations"))
    minimize: str = _option("", mark("move the named variables to where the result is least: adam, L-BFGS-B, ..."),
                            "METHOD", command=False)
    lr: float | None = _option(None, mark("with --minimize: the step length"), "LR", kind=float, command=False)
    iterations: int | None = _option(None, mark("with --minimize: how many at most"), "N", kind=int, command=False)
    keep: str = _option("end", mark("with --minimize: what the names have afterwards (end)"), "start|end",
                        choices=("start", "end"), command=False)
    explain: tuple[str, ...] = _option((), mark('write one entry of a gradient out, down to the inputs: "a[0,0]"'),
                                       "ENTRY", many=True, command=False)
    plot: bool = _option(False, mark("draw y and its slope over each input (needs matplotlib)"),
                         command=False, trace="plot=True")
    image: str = _option("", mark("the graph for front ends that show no HTML"), "png|svg",
                         choices=("png", "svg"), command=False)
    time: bool = _option(False, mark("tell how long each expression took, forward and backward"))
    kept: bool = _option(False, mark("tell how many bytes each expression keeps for the way back"))
    stop: str = _option("", mark("stop at the first NaN or infinity, for %%debug"), "nan",
                        choices=("nan",), command=mark("stop at the first NaN or infinity"))
    save: str = _option(
        "", mark("save the report: .html .txt .md .tex .json .svg .png .dot; .pdf with gradmagic[plot]"), "FILE")
    into: str = _option("", mark("assign the report to this name"), "NAME", command=False)
    max_nodes: int | None = _option(None, mark("draw at most so many operations"), "N", kind=int, trace="max_nodes=")
    steps: bool = _option(False, mark("list all steps of the backward sweep"), command=False)
    quiz: bool = _option(False, mark("hide the gradients until they are asked for"),
                         command=mark("hide the gradients, and ask for them in a terminal"))
    no_graph: bool = _option(False, mark("leave the graph out"), trace="graph=False")
    quiet: bool = _option(False, mark("show nothing; gm.last() has the report"),
                          command=mark("print nothing but what the file prints"))
    ascii: bool = _option(False, mark("draw the text report in ASCII"), trace="ascii=True")
    always: bool = _option(False, argparse.SUPPRESS, command=False)  # the cell is an ordinary one, see `%grad on`
# fmt: on


OPTIONS: dict[str, Option] = {  # by the flag
    "--" + entry.name.replace("_", "-"): entry.metadata["option"]
    for entry in fields(Options)
    if "option" in entry.metadata
}


_ITS_OWN = (  # argparse's words
    mark("positional arguments"),
    mark("options"),
    mark("show this help message and exit"),
)


class Formatter(argparse.HelpFormatter):
    """Sets a parser's help in the language that is spoken when it is asked for."""

    def start_section(self, heading: str | None) -> None:
        super().start_section(tr(heading) if heading else heading)

    def add_text(self, text: str | None) -> None:
        super().add_text(tr(text) if text else text)

    def _format_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None) -> str:
        prefix = tr("usage: ") if prefix is None else prefix
        return super()._format_usage(tr(usage) if usage else usage, actions, groups, prefix)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return tr(action.help) if action.help else action.help

    def _split_lines(self, text: str, width: int) -> list[str]:
        return super()._split_lines(text, width) if text.isascii() else _wrapped(text, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.isascii():
            return super()._fill_text(text, width, indent)
        return "\n".join(indent + line for line in _wrapped(text, width - len(indent)))


def _wrapped(text: str, columns: int) -> list[str]:
    """Break a text that is not English, whose characters are two columns wide."""
    from ..report.shown.typeset import wrap  # where help is asked for

    return wrap(text, columns)


class OptionParser(argparse.ArgumentParser):
    """A parser of names and of the options that its host takes; of an unknown one it says what may be meant."""

    called = "python -m gradmagic"  # as the reader writes it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["argument_default"] = argparse.SUPPRESS  # the defaults are those of Options
        super().__init__(*args, **{"formatter_class": Formatter} | kwargs)

    def add_options(self, command: bool = False, text: Callable[[str], str] = str) -> None:
        """Take names and options: those of the command line, or all; `text` makes a text's value of its word."""
        self.taken = {flag: option for flag, option in OPTIONS.items() if option.command or not command}
        self.helps: dict[str, str] = {}
        self.add_argument(
            "names",
            nargs="*",
            help=mark("arrays, numbers, tensors, or containers of them; separated by spaces or commas"),
        )
        for flag, option in self.taken.items():
            help = option.command if command and isinstance(option.command, str) else option.help
            self.helps[flag] = help
            if not option.metavar:
                self.add_argument(flag, action="store_true", help=help)
                continue
            self.add_argument(
                flag, metavar=option.metavar, type=text if option.kind is str else option.kind,
                choices=option.choices or None, action="append" if option.many else "store", help=help,
            )  # fmt: skip

    def read(self, words: Sequence[str] | None) -> dict[str, Any]:
        """Give what the words say, by field; what they do not say is not there."""
        found, unknown = self.parse_known_args(words)
        if unknown:
            self.error(self._unknown(unknown))
        return {field: tuple(v) if isinstance(v, list) else v for field, v in vars(found).items()}

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in the reader's words, not in argparse's."""
        found = re.fullmatch(r"argument (--[\w-]+): (.*)", message)
        option = self.taken.get(found[1]) if found else None
        if found and option is not None:
            flag, slip = found.groups()
            given = re.sub(r".*: ('.*?'|\".*?\")( \(.*)?$", r"\1", slip)[1:-1]
            if "expected one argument" in slip:
                message = tr(
                    "{flag} takes {value}, {help}: write {flag} {value}",
                    flag=flag, value=option.metavar, help=tr(self.helps[flag]),
                )  # fmt: skip
            elif "ignored explicit argument" in slip:
                message = tr(
                    "{flag} takes no value, and is given {value}: write {flag} alone",
                    flag=flag, value=slip.rpartition(" ")[2],
                )  # fmt: skip
            elif option.choices:
                message = tr(
                    "{flag} {given}: write {flag} {choices}",
                    flag=flag, given=given, choices=tr(" or ").join(option.choices),
                )  # fmt: skip
            elif option.kind is int:
                message = tr(
                    "{flag} {given}: write a whole number, such as {flag} 60", flag=flag, given=given
                )
            else:
                message = tr("{flag} {given}: write a number, such as {flag} 0.01", flag=flag, given=given)
        elif found := re.fullmatch(r"ambiguous option: (\S+) could match (.*)", message):
            message = tr("ambiguous option: {given} could match {known}", given=found[1], known=found[2])
        self.refused(message)

    def refused(self, message: str) -> NoReturn:
        """Say what is wrong as the host does: here with the usage, and the exit status of a wrong command line."""
        self.print_usage(sys.stderr)
        self.exit(2, tr("{prog}: error: {message}", prog=self.prog, message=message) + "\n")

    def print_help(self, file: Any = None) -> None:
        """Print the help, in letters that the output can write."""
        print(printable(self.format_help()), end="", file=file)

    def _unknown(self, unknown: list[str]) -> str:
        words = " ".join(unknown)
        flag = next((word.partition("=")[0] for word in unknown if word.startswith("-")), "")
        if flag in OPTIONS:
            return tr(
                "unrecognized arguments: {words}. {flag} is an option of %%grad only.", words=words, flag=flag
            )
        if not flag:
            return tr("unrecognized arguments: {words}", words=words)
        near = difflib.get_close_matches(flag.strip("-"), [known.strip("-") for known in self.taken], 1)
        if near:
            return tr("unrecognized arguments: {words}. Did you mean --{near}?", words=words, near=near[0])
        return tr(
            "unrecognized arguments: {words}. {called} -h lists the options.", words=words, called=self.called
        )
