"""The options of `%%grad`, `python -m gradmagic` and `gm.trace`: each is declared once, as a field of `Options`.

In: the words of a line. Out: an `Options`. From the same fields come the parsers of both hosts, their help, the
completion and README's table; what an option does stands where its field is read.
"""

# ruff: noqa: RUF009  (what _option gives is a field)

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn


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
    of: str = _option("", "the result, if it is not the cell's last value", "EXPR",
                      command="the result, if it is not the file's last value", trace="of=")
    gradient: Any = _option("", "one weight for each entry of a result that is not a number", "V", trace="gradient=")
    device: str | None = _option(None, "cpu or cuda: where the lifted arrays are computed with", "DEVICE")
    dtype: str | None = _option(None, "the dtype that the lifted arrays are computed in", "DTYPE")
    guard: bool = _option(False, "count 0 * inf as 0 in the sweep, as behind np.where(ok, ...)")
    expect: str = _option("", 'your own formula for the gradient: "4*x", or "a=2*b, b=2*a"', "F")
    check: bool = _option(False, "hold the gradients against differences of the same operations")
    minimize: str = _option("", "move the named variables to where the result is least: adam, L-BFGS-B, ...", "METHOD",
                            command=False)
    lr: float | None = _option(None, "with --minimize: the step length", "LR", kind=float, command=False)
    iterations: int | None = _option(None, "with --minimize: how many at most", "N", kind=int, command=False)
    keep: str = _option("end", "with --minimize: what the names have afterwards (end)", "start|end",
                        choices=("start", "end"), command=False)
    explain: tuple[str, ...] = _option((), 'write one entry of a gradient out, down to the inputs: "a[0,0]"', "ENTRY",
                                       many=True, command=False)
    plot: bool = _option(False, "draw y and its slope over each input (needs matplotlib)",
                         command=False, trace="plot=True")
    image: str = _option("", "the graph for front ends that show no HTML", "png|svg",
                         choices=("png", "svg"), command=False)
    time: bool = _option(False, "tell how long each expression took, forward and backward")
    kept: bool = _option(False, "tell how many bytes each expression keeps for the way back")
    stop: str = _option("", "stop at the first NaN or infinity, for %%debug", "nan",
                        choices=("nan",), command="stop at the first NaN or infinity")
    save: str = _option("", "save the report: .html .txt .md .tex .json .svg .png .dot; .pdf with gradmagic[plot]",
                        "FILE")
    into: str = _option("", "assign the report to this name", "NAME", command=False)
    max_nodes: int | None = _option(None, "draw at most so many operations", "N", kind=int, trace="max_nodes=")
    steps: bool = _option(False, "list all steps of the backward sweep", command=False)
    quiz: bool = _option(False, "hide the gradients until they are asked for",
                         command="hide the gradients, and ask for them in a terminal")
    no_graph: bool = _option(False, "leave the graph out", trace="graph=False")
    quiet: bool = _option(False, "show nothing; gm.last() has the report",
                          command="print nothing but what the file prints")
    ascii: bool = _option(False, "draw the text report in ASCII", trace="ascii=True")
    always: bool = _option(False, argparse.SUPPRESS, command=False)  # the cell is an ordinary one, see `%grad on`
# fmt: on


OPTIONS: dict[str, Option] = {  # by the flag
    "--" + entry.name.replace("_", "-"): entry.metadata["option"]
    for entry in fields(Options)
    if "option" in entry.metadata
}


class OptionParser(argparse.ArgumentParser):
    """A parser of names and of the options that its host takes; of an unknown one it says what may be meant."""

    called = "python -m gradmagic"  # as the reader writes it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["argument_default"] = argparse.SUPPRESS  # the defaults are those of Options
        super().__init__(*args, **kwargs)

    def add_options(self, command: bool = False, text: Callable[[str], str] = str) -> None:
        """Take names and options: those of the command line, or all; `text` makes a text's value of its word."""
        self.taken = {flag: option for flag, option in OPTIONS.items() if option.command or not command}
        self.helps: dict[str, str] = {}
        self.add_argument(
            "names",
            nargs="*",
            help="arrays, numbers, tensors, or containers of them; separated by spaces or commas",
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
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown)}")
        return {field: tuple(v) if isinstance(v, list) else v for field, v in vars(found).items()}

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in the reader's words, not in argparse's."""
        found = re.fullmatch(r"argument (--[\w-]+): (.*)", message)
        option = self.taken.get(found[1]) if found else None
        if found and option is not None:
            flag, slip = found.groups()
            given = re.sub(r".*: ('.*?'|\".*?\")( \(.*)?$", r"\1", slip)[1:-1]
            if "expected one argument" in slip:
                message = f"{flag} takes {option.metavar}, {self.helps[flag]}: write {flag} {option.metavar}"
            elif "ignored explicit argument" in slip:
                message = f"{flag} takes no value, and is given {slip.rpartition(' ')[2]}: write {flag} alone"
            elif option.choices:
                message = f"{flag} {given}: write {flag} {' or '.join(option.choices)}"
            else:
                what = "a whole number, such as {} 60" if option.kind is int else "a number, such as {} 0.01"
                message = f"{flag} {given}: write {what.format(flag)}"
        super().error(message)

    def _meant(self, unknown: list[str]) -> str:
        flag = next((word.partition("=")[0] for word in unknown if word.startswith("-")), "")
        if flag in OPTIONS:
            return f". {flag} is an option of %%grad only."
        if not flag:
            return ""
        near = difflib.get_close_matches(flag.strip("-"), [known.strip("-") for known in self.taken], 1)
        return f". Did you mean --{near[0]}?" if near else f". {self.called} -h lists the options."
