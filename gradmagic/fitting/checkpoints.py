"""The file that a fit goes on from: written whole or not at all, read only where it is of the same fit.

In: the course of a fit, and what its method keeps. Out: a zip of arrays that `numpy.load` opens too (`gm.save`'s own
form). On resuming the loss at the saved point is computed again, and must be the saved one to the last bit.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch.tensor import Tensor
from ..errors import MinimizeError
from ..language import tr
from ..saving.files import load, save

if TYPE_CHECKING:
    from .course import Course
    from .variables import Point

FORM = "gradmagic fit 1"


class Checkpoint:
    """Where to, how often, and what a file must agree in to be gone on from."""

    def __init__(self, path: Any, every: int, about: dict[str, Any]) -> None:
        self.path, self.every, self.about = os.fspath(path), every, about
        folder = os.path.dirname(self.path) or "."
        if not os.path.isdir(folder):
            raise MinimizeError(tr(
                "checkpoint={path!r}: there is no folder {folder}: make it first.", path=self.path,
                folder=folder,
            ))  # fmt: skip

    def write(self, course: Course, kept: dict[str, Any]) -> None:
        """Write the file beside the old one, then put it in its place."""
        history = course.history
        held = {
            "form": FORM,
            "about": self.about,
            "start": [arrays.to_host(a) for a in course.variables.start],
            "x": [arrays.to_host(a) for a in course.point],
            "losses": np.array(history.losses),
            "at": np.array(history.at),
            "thinned": history.every,
            "points": [
                np.stack([arrays.to_host(a) for a in column]) for column in zip(*history.points, strict=True)
            ],
            "evaluations": course.evaluations,
            "kept": _packed(kept),
        }
        descriptor, beside = tempfile.mkstemp(
            prefix=os.path.basename(self.path), suffix=".part", dir=os.path.dirname(self.path) or "."
        )
        try:
            with os.fdopen(descriptor, "wb") as file:
                save(held, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, self.path)
        except BaseException:
            os.unlink(beside)
            raise

    def read(self) -> dict[str, Any] | None:
        """Read the file; None if there is none.

        Raises
        ------
        MinimizeError
            If it is no such file.
        """
        if not os.path.exists(self.path):
            return None
        try:
            held = load(self.path)
        except Exception as error:
            raise MinimizeError(tr(
                "checkpoint={path!r} cannot be read: {error}", path=self.path, error=error,
            )) from None  # fmt: skip
        if not isinstance(held, dict) or held.get("form") != FORM:
            raise MinimizeError(tr(
                "checkpoint={path!r} is a file of another kind: write another name, so that it is not lost.",
                path=self.path,
            ))  # fmt: skip
        return held


def read(course: Course) -> None:
    """Bring a course to where the file has left it.

    Raises
    ------
    MinimizeError
        If it is of another fit.
    """
    checkpoint, variables = course.checkpoint, course.variables
    assert checkpoint is not None
    held = checkpoint.read()
    if held is None:
        return
    other = next((k for k, v in checkpoint.about.items() if held["about"].get(k) != v), None)
    if other is None and not all(map(_same, held["start"], variables.start)):
        other = "start"
    if other is not None:
        raise MinimizeError(_another(checkpoint, (
            tr("its start is another") if other == "start"
            else tr("its {what} is another ({there!r}, not {here!r})", what=tr(other), there=held["about"].get(other),
                    here=checkpoint.about[other])
        )))  # fmt: skip
    course.point = _beside(held["x"], variables.start)
    history = course.history
    history.losses = held["losses"].tolist()
    history.at, history.every = held["at"].tolist(), held["thinned"]
    history.points = [_beside(point, variables.start) for point in zip(*held["points"], strict=True)]
    course.kept = _unpacked(held["kept"])
    # The last iteration is done again: its loss must be the same.
    course.evaluations = held["evaluations"] - 1
    course.again = history.losses.pop()
    if history.at and history.at[-1] == len(history.losses):
        history.at.pop()
        history.points.pop()


def _beside(point: Iterable[Any], start: Point) -> Point:
    """Bring the arrays of a point to where the variables are."""
    pairs = zip(point, start, strict=True)
    return [arrays.beside(np.asarray(a), s) if arrays.on_device(s) else a[()] for a, s in pairs]


_DEVICE = "array of a device"


def _packed(value: Any) -> Any:
    """Give what a method keeps as `gm.save` takes it: a device's array as a tensor, which remembers the device."""
    if isinstance(value, dict):
        return {k: _packed(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_packed, value))
    return {_DEVICE: Tensor.wrap(value, None)} if arrays.on_device(value) else value


def _unpacked(value: Any) -> Any:
    if isinstance(value, dict):
        return value[_DEVICE].array if _DEVICE in value else {k: _unpacked(v) for k, v in value.items()}
    return type(value)(map(_unpacked, value)) if isinstance(value, (list, tuple)) else value


def _same(a: Any, b: Any) -> bool:
    b = arrays.to_host(b)
    return np.shape(a) == np.shape(b) and np.array_equal(a, b)


def _another(checkpoint: Checkpoint, why: str) -> str:
    return tr(
        "checkpoint={path!r} is of another fit: {why}. Write another name, or delete the file to begin anew.",
        path=checkpoint.path, why=why,
    )  # fmt: skip


def agree(course: Course, loss: float) -> None:
    """See to it that the loss at the saved point is the saved one.

    Raises
    ------
    MinimizeError
        If it is another: then the function or its data have changed.
    """
    if course.again is not None and loss != course.again:
        assert course.checkpoint is not None
        raise MinimizeError(_another(
            course.checkpoint,
            tr("at its last point the loss was {before!r}, and is {now!r} now; the function or its data have changed, "
               "or it draws random numbers without a seed of its own", before=course.again, now=loss),
        ))  # fmt: skip
    course.again = None
