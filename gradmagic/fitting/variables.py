"""What a fit moves: the numbers and arrays in `x0`, as one list of arrays, as one vector, and in the reader's own form.

In: a number, an array, a tensor, or lists, tuples, dicts and dataclasses of them. Out: the same forms at other points;
the reader's own objects are never written to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.core.foreign import foreign
from ..engine.core.trees import is_container, leaves, places, rebuilt
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.nodes import WANTED, walk
from ..engine.tape.tracked import Tracked, raw
from ..errors import ArgumentError, IntegerGradError, MinimizeError
from ..language import tr

Point = list[Any]  # an array, or a NumPy scalar, of each variable


class Variables:
    """The leaves of `x0` that are moved. What is no number (text, None, True) stays as it is.

    Attributes
    ----------
    names : list of str
        As the reader writes them: `x0`, `x0['W']`.
    start : list of arrays
        Copies of what they are at the start.

    Raises
    ------
    IntegerGradError
        If one is a whole number, or an array of them.
    ArgumentError
        If one is of another library, or a result on the tape.
    MinimizeError
        If there is nothing to move.
    """

    def __init__(
        self, x0: Any, name: str = "x0", texts: Sequence[str] | None = None, instead: str = ""
    ) -> None:
        self.tree = x0
        self._held = leaves(x0)
        written = places(x0, name) if texts is None else texts
        self.moved = [_moves(value, text, instead) for value, text in zip(self._held, written, strict=True)]
        self.names = [text for text, moves in zip(written, self.moved, strict=True) if moves]
        own = [value for value, moves in zip(self._held, self.moved, strict=True) if moves]
        self.start: Point = [_own(value) for value in own]
        self._faces = [_face_of(value) for value in own]
        if not any(np.size(array) for array in self.start):
            raise MinimizeError(tr(
                "{name} holds no number that could be moved: write an array or numbers with a decimal point, "
                "such as {name}=np.array([1.0, 2.0]).", name=name,
            ))  # fmt: skip

    @property
    def size(self) -> int:
        """How many numbers are moved; a complex one counts twice."""
        return sum(np.size(array) * (1 + np.iscomplexobj(array)) for array in self.start)

    # -- in the reader's form -----------------------------------------------------------------------
    def at(self, point: Point, moving: bool = False) -> Any:
        """Give a point in the form of `x0`, in objects of its own; `moving`: a direction, None for what stays."""
        faced = iter([face(np.copy(array)) for face, array in zip(self._faces, point, strict=True)])
        return rebuilt(
            self.tree,
            [
                next(faced) if m else None if moving else v
                for v, m in zip(self._held, self.moved, strict=True)
            ],
        )

    def parts(self, tree: Any) -> Point:
        """Give the arrays of a gradient that is nested as `x0`, in the dtypes of the variables."""
        given = leaves(tree) if is_container(self.tree) else [tree]
        moved = [raw(value) for value, moves in zip(given, self.moved, strict=True) if moves]
        return [
            arrays.beside(value, array) if arrays.on_device(array) else np.asarray(value, array.dtype)[()]
            for value, array in zip(moved, self.start, strict=True)
        ]

    # -- as one vector ------------------------------------------------------------------------------
    def flat(self, point: Point) -> np.ndarray:
        """Give all numbers of a point as one vector of float64; complex ones as real and imaginary part."""
        return np.concatenate([_reals(arrays.to_host(array)) for array in point])

    def pointed(self, vector: np.ndarray) -> Point:
        """Give the point of a vector."""
        made: Point = []
        at = 0
        for array in self.start:
            many = np.size(array) * (1 + np.iscomplexobj(array))
            numbers = np.array(vector[at : at + many], np.float64)
            numbers = numbers.view(np.complex128) if np.iscomplexobj(array) else numbers
            shaped = numbers.astype(array.dtype).reshape(np.shape(array))
            made.append(arrays.beside(shaped, array) if arrays.on_device(array) else shaped[()])
            at += many
        return made

    def called(self) -> list[str]:
        """Name every number of the vector: `x0[0]`, `x0['W'][1,2]`."""
        found = []
        for name, array in zip(self.names, self.start, strict=True):
            texts = [f"{name}[{','.join(map(str, i))}]" if i else name for i in np.ndindex(np.shape(array))]
            kinds = (".real", ".imag") if np.iscomplexobj(array) else ("",)
            found += [text + kind for text in texts for kind in kinds]
        return found


def _moves(value: Any, name: str, stays: str) -> bool:
    """Tell whether a leaf is moved.

    Raises
    ------
    IntegerGradError, ArgumentError
        If it looks as if it were to be, and cannot.
    """
    if isinstance(value, Tracked):
        if value.node is not None and (value.node.rule is not None or differentiated(value)):
            raise ArgumentError(tr(
                "{name} is on the tape, and no gradient flows through a fit: write {name}.detach() of a "
                "tensor; in a function that gm.grad differentiates, gm.stop_gradient of it, or gm.numeric of "
                "the function that fits.", name=name,
            ))  # fmt: skip
        dtype = value.array.dtype
    elif value is None or isinstance(value, (str, bytes, bool, np.bool_)):
        return False
    elif arrays.is_numeric(value, "biufc") and foreign(value) is None:
        dtype = np.dtype(type(value)) if type(value) in (int, float, complex) else value.dtype
    else:
        words = foreign(value)
        raise ArgumentError(tr(
            "{name} is {what}, and cannot be moved. {advice}.", name=name,
            what=words or tr("a {kind}", kind=type(value).__name__),
            advice=words.advice(name) if words is not None else tr("Write an array or a number"),
        ))  # fmt: skip
    if dtype.kind in "biu":
        what = (
            tr("truth values") if dtype.kind == "b"
            else tr("whole numbers ({dtype})", dtype=dtype) if np.ndim(raw(value))
            else tr("the whole number {number}", number=raw(value))
        )  # fmt: skip
        instead = (
            f"{name}.float()" if isinstance(value, Tensor)
            else f"{name}.astype(float)" if np.ndim(raw(value)) else f"{float(raw(value))}"
        )  # fmt: skip
        raise IntegerGradError(tr(
            "{name} is {what}, from which no small step can be taken: write {instead}; if it is not to be "
            "moved, {stays}.", name=name, what=what, instead=instead,
            stays=stays or tr("hand it over by args=(...), or let the function read it from outside"),
        ))  # fmt: skip
    return True


def differentiated(value: Tracked) -> bool:
    """Tell whether a transform that runs (gm.grad and its kin) wants the gradient by what `value` depends on."""
    return value.node is not None and any(node.watcher is WANTED for node in walk(value.node))


def _own(value: Any) -> Any:
    """Give a copy of a leaf's data, in C order: as a checkpoint brings it back."""
    array = raw(value)
    if arrays.on_device(array):
        return arrays.module_of(array).array(array, order="C")
    return np.array(array, order="C")[()]


def _face_of(value: Any) -> Callable[[Any], Any]:
    """Tell how an array becomes what the reader has: a number, a scalar, an array, a tensor."""
    if isinstance(value, Tensor):
        return lambda array: Tensor.wrap(array[()], None)
    if type(value) in (float, complex):
        return type(value)  # type: ignore[return-value]
    if isinstance(value, np.generic):
        return lambda array: array[()]
    return lambda array: array


def _reals(array: Any) -> np.ndarray:
    array = np.ravel(array)
    return (
        array.astype(np.complex128).view(np.float64) if np.iscomplexobj(array) else array.astype(np.float64)
    )
