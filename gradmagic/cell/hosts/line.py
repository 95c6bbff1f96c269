"""The options on the magic's line: read without their quotes, and looked at before the cell runs.

In: the line. Out: an `Options`; or an error in one sentence.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser, MagicHelpFormatter
from IPython.utils.process import arg_split  # type: ignore[attr-defined]

from ...language import mark, tr
from ..options import OPTIONS, Formatter, OptionParser, Options
from .slips import Slip, look_at

# What shlex says of a line, in Python's words.
_MARKS = (mark("No closing quotation"), mark("No escaped character"))


class LineFormatter(Formatter, MagicHelpFormatter):
    """Sets the magic's help: its head as it is written."""

    _fill_text = MagicHelpFormatter._fill_text


class LineParser(OptionParser, MagicArgumentParser):
    """Reads the magic's line; its errors are IPython's `UsageError`."""

    called = "%%grad"

    def refused(self, message: str) -> NoReturn:
        raise UsageError(message)


def with_options(description: str) -> Callable[[Any], Any]:
    """Give a magic its parser, and the help of its options as its docstring."""

    def given(magic: Any) -> Any:
        magic.parser = LineParser("grad", description=description, formatter_class=LineFormatter)
        magic.parser.add_options(text=_bare)
        magic.getdoc = magic.parser.format_help  # IPython asks for it at `%%grad?`
        magic.__doc__ = magic.parser.format_help()
        return magic

    return given


def read_line(parser: LineParser, line: str) -> Options:
    """Read the magic's line, and look at the options: a slip in them is not to cost a computation.

    Raises
    ------
    UsageError, GradmagicError
        If one of them cannot be used, whatever the cell does.
    """
    try:
        said = parser.read(arg_split(line, strict=True))
    except ValueError as error:  # a quotation mark that is not closed
        raise UsageError(f"%%grad {line}: {tr(str(error))}") from None
    options = Options(**said | {"names": tuple(_unquoted(line, said.get("names", ())))})
    try:
        look_at(options)
    except Slip as slip:
        raise UsageError(str(slip)) from None
    return options


def _bare(text: str) -> str:
    """Take the quotes off an option's value: IPython leaves them on."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def _unquoted(line: str, names: tuple[str, ...]) -> list[str]:
    """Keep quotes inside names (params['W']) as they were typed, which argument splitting may have dropped."""
    return [next((w for w in line.split() if w.replace("'", "").replace('"', "") == n), n) for n in names]


def complete(shell: Any, event: Any) -> list[str]:
    """Complete options and names on the magic's line."""
    names = [
        n
        for n, v in shell.user_ns.items()
        if not n.startswith("_") and not callable(v) and hasattr(v, "__add__")
    ]
    flags = [flag for flag, option in OPTIONS.items() if option.help is not argparse.SUPPRESS]
    return [*flags, *names]
