"""How the user's function travels: as its own code, with the text of its source, so that a worker can name its lines.

In: what a pass computes. Out: bytes, and in the worker the same again. A function that reads a traced value is refused:
no gradient would come back from another process.
"""

from __future__ import annotations

import ast
import inspect
import io
import linecache
from contextlib import suppress
from types import CodeType
from typing import Any, NoReturn

import cloudpickle

from ..cell.membrane.enter import plain_code
from ..cell.membrane.hooks import put_hooks
from ..cell.membrane.membrane import here
from ..cell.reading.names import instrument
from ..engine.core.places import label_of, label_with, users
from ..engine.following import dot_calls
from ..engine.following.followers import plain
from ..engine.tape.tracked import Tracked, raw
from ..errors import ArgumentError
from ..language import tr

_LABELS: dict[str, str] = {}  # in a worker: what the user calls a file, "In [3]"


class _Packer(cloudpickle.Pickler):  # type: ignore[misc]
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.files: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Tracked):
            if obj.node is not None:
                _refuse(tr("a tensor that requires grad or a traced value"))
            return (raw, (obj.array,)) if obj.soft else (type(obj).wrap, (obj.array, None))
        if isinstance(obj, CodeType):
            self.files.add(obj.co_filename)
            make, args = self.dispatch_table[CodeType](plain_code(obj))  # cloudpickle leaves the file out
            return make, tuple(obj.co_filename if a == "<dynamic-code>" else a for a in args)
        if (own := plain(obj)) is not obj:
            return _same, (own,)  # stands in the user's code while it is traced
        return super().reducer_override(obj)


def _same(value: Any) -> Any:
    return value


def packed(work: Any, function: Any) -> bytes:
    """Pack what is to be computed with `function`, after looking at what this reads besides its arguments.

    Raises
    ------
    ArgumentError
        If it reads a value that is traced.
    """
    if inspect.isfunction(function):
        with suppress(ValueError):  # a name of an enclosing function that has no value yet
            read = inspect.getclosurevars(function)
            for name, value in {**read.globals, **read.nonlocals}.items():
                if _is_traced(value):
                    traced = tr("{name!r}, a tensor that requires grad or a traced value", name=name)
                    _refuse(traced, function.__name__)
    buffer = io.BytesIO()
    packer = _Packer(buffer)
    packer.dump(work)
    sources = [(f, label_of(f), linecache.getlines(f)) for f in sorted(packer.files) if users(f)]
    return cloudpickle.dumps((sources, buffer.getvalue()))  # type: ignore[no-any-return]


def _is_traced(value: Any) -> bool:
    if isinstance(value, Tracked):
        return value.node is not None
    cell = here()  # where plain arrays stand for what a cell traces
    return cell is not None and any(mark.node is not None for mark in cell.table.marks([value]))


def _refuse(what: str, name: str = "") -> NoReturn:
    raise ArgumentError(tr(
        "{name} reads {what}, and is computed in other processes, from where no gradient comes back to it: "
        "give it as an argument of the loss; if it is a constant, read gm.stop_gradient(v) of it.",
        name=name or tr("the function of the loss"), what=what,
    ))  # fmt: skip


def opened(given: bytes, name: str) -> Any:
    """Unpack, in a worker: the source's lines and what the user calls it are known there from now on.

    What is unpacked is kept for the next partition, under the pass's name. It is handed on to other workers as bytes.
    """
    if (found := _OPENED.get(name)) is None:
        if len(_OPENED) >= _PASSES:
            _OPENED.clear()
        found = _OPENED[name] = _opened(given)
    return found


_OPENED: dict[str, Any] = {}
_PASSES = 4  # that may run at a time


def _opened(given: bytes) -> Any:
    sources, work = cloudpickle.loads(given)
    if b"__gradmagic_" in work:
        _put_hooks()
    for file, label, lines in sources:
        linecache.cache.setdefault(file, (sum(map(len, lines)), None, lines, file))
        if label_of(file) != label:
            _LABELS[file] = label
            label_with(_LABELS.get)
    return cloudpickle.loads(work)


def _put_hooks() -> None:
    """Put the hooks there that code of a traced block calls for good, and code that is followed for a while."""
    put_hooks()
    instrument(ast.parse(""))
    dot_calls.hook.once()
