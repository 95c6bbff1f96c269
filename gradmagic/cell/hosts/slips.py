"""The options are looked at before the cell runs: a slip in them is not to cost a computation.

In: `Options`, of any host. Out: nothing; or an error that names the option, what is wrong and what to write.
"""

from __future__ import annotations

import keyword
import os

import numpy as np

from ...engine.core import arrays
from ...engine.core.interpreter import parse
from ...errors import DeviceError
from ...language import tr
from ...report import ReportError
from ..options import Options
from .wording import OPTION, in_words


class Slip(ValueError):
    """An option cannot be used as it is given."""


def look_at(options: Options) -> None:
    """Look at the options that can be judged without the cell.

    Raises
    ------
    Slip, GradmagicError
        If one of them cannot be used, whatever the cell does.
    """
    for option, text, example in (
        ("--of", options.of, "y.sum() + 1"),
        ("--gradient", options.gradient, "[1, 2]"),
    ):
        try:
            parse(text or "0", mode="eval")
        except SyntaxError:
            raise Slip(tr(
                '{option} {text} is not a Python expression: write one, as {option} "{example}"',
                option=option, text=text, example=example,
            )) from None  # fmt: skip
    if options.into and (not options.into.isidentifier() or keyword.iskeyword(options.into)):
        raise Slip(tr("--into {name}: a report is assigned to a name, such as r", name=options.into))
    if options.into in options.names:
        raise Slip(tr(
            "--into {name}: {name} is an input on this line; write another name, such as r", name=options.into,
        ))  # fmt: skip
    if options.max_nodes is not None and options.max_nodes < 1:
        raise Slip(tr(
            "--max-nodes {number}: write how many operations are drawn at most, such as 60",
            number=options.max_nodes,
        ))  # fmt: skip
    given = {"--lr": options.lr, "--iterations": options.iterations, "--keep": options.keep != "end" or None}
    if not options.minimize and (flag := next((f for f, v in given.items() if v is not None), "")):
        raise Slip(tr("{flag} belongs to --minimize: write --minimize adam {flag} ..., say", flag=flag))
    if options.minimize:
        _look_at_method(options)
    if options.dtype is not None:
        _look_at_dtype(options.dtype)
    if options.device is not None:
        try:
            arrays.to_device(np.zeros(1), options.device)
        except DeviceError as error:
            raise DeviceError(in_words(str(error), OPTION)) from None
    if options.save:
        _look_at_path(options.save)
    if options.plot:
        from ...report.pictures.plots import require  # matplotlib is optional

        require()


def _look_at_method(options: Options) -> None:
    from ...fitting.minimising import slip  # with the first fit

    if text := slip(options.minimize, options.lr, options.iterations):
        raise Slip(f"--minimize {options.minimize}: {text}")
    if options.gradient:
        raise Slip(tr(
            "--gradient weighs a result of many numbers, and --minimize takes one: write --of EXPR instead"
        ))  # fmt: skip


def _look_at_dtype(name: str) -> None:
    try:
        kind = np.dtype(name).kind
    except TypeError:
        raise Slip(tr("--dtype {name} is not a dtype: write float32, say", name=name)) from None
    if kind not in "fc":
        raise Slip(tr(
            "--dtype {name} has no derivatives: write float32, float64 or complex128, say", name=name,
        ))  # fmt: skip


def _look_at_path(path: str) -> None:
    from ...report.report import kind_of  # the report's parts are loaded when there is one to show

    try:
        kind_of(path)
    except ReportError as error:
        raise Slip(f"--save {path}: {error}") from None
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise Slip(tr(
            "--save {path}: there is no folder {folder}: make it first, or write another path",
            path=path, folder=folder,
        ))  # fmt: skip
    if os.path.isdir(path):
        raise Slip(tr("--save {path} is a folder: write the name of a file in it", path=path))
