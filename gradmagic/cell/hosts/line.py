"""The options on the magic's line: read without their quotes, and looked at before the cell runs.

In: what IPython's parser has made of the line. Out: the same, plainer; or an error in one sentence.
"""

from __future__ import annotations

import ast
import keyword
from typing import Any

import numpy as np
from IPython.core.error import UsageError

_OPTIONS = (
    "--of", "--gradient", "--device", "--dtype", "--guard", "--expect", "--explain", "--check", "--plot",
    "--image", "--time", "--stop",
    "--save", "--into", "--quiz", "--steps", "--max-nodes", "--no-graph", "--quiet", "--ascii",
)  # fmt: skip


def check_options(args: Any) -> None:
    """Look at the options before the cell runs: a slip in them is not to cost a computation.

    Raises
    ------
    UsageError, GradmagicError
        If one of them cannot be used, whatever the cell does.
    """
    for option, text in (("--of", bare(args.of)), ("--gradient", bare(args.gradient))):
        try:
            ast.parse(text or "0", mode="eval")
        except SyntaxError:
            raise UsageError(f"{option} {text} is not a Python expression") from None
    if args.into and (not args.into.isidentifier() or keyword.iskeyword(args.into)):
        raise UsageError(f"--into {args.into}: a report is assigned to a name, such as r")
    if args.dtype is not None:
        try:
            np.dtype(args.dtype)
        except TypeError:
            raise UsageError(f"--dtype {args.dtype} is not a dtype: write float32, say") from None
    if args.save:
        from ...report.report import kind_of  # the report's parts are loaded when there is one to show

        kind_of(bare(args.save))
    if args.plot:
        from ...report.pictures.plots import require  # matplotlib is optional

        require()


def bare(text: str) -> str:
    """Take the quotes off an option's value: IPython leaves them on."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def unquoted(line: str, names: list[str]) -> list[str]:
    """Keep quotes inside names (params['W']) as they were typed, which argument splitting may have dropped."""
    return [next((w for w in line.split() if w.replace("'", "").replace('"', "") == n), n) for n in names]


def complete(shell: Any, event: Any) -> list[str]:
    """Complete options and names on the magic's line."""
    names = [
        n
        for n, v in shell.user_ns.items()
        if not n.startswith("_") and not callable(v) and hasattr(v, "__add__")
    ]
    return [*_OPTIONS, *names]
