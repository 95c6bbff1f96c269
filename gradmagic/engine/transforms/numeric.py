"""`gm.numeric`: a function that cannot be traced (a solver, compiled code) as one operation, by finite differences.

In: a function of plain arrays and numbers. Out: the same function of tracked ones, recorded as one operation that says
that it is numerical. The value takes one call; the differences are taken when a sweep asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ...language import tr
from ..core import arrays
from ..core.trees import is_container, leaves, rebuilt
from ..dispatch.calls import face_of, wrapped
from ..tape.modes import OFF, mode_now
from ..tape.nodes import aval_of
from ..tape.tracked import Tracked, raws, tracked_in
from .custom import Custom, call_custom

_MOST_KEPT = 1 << 26  # bytes of a Jacobian that is kept for the next row


def numeric(f: Callable[..., Any] | None = None, *, step: float | None = None) -> Any:
    """Differentiate a function by finite differences, as one operation among the others.

    For what cannot be traced: an ODE solver, numba, a C library. `f` is called with plain arrays and numbers, whatever
    it is given; copies, so that it may write into them.

    Parameters
    ----------
    f : function
        Of arrays, numbers and containers of them, in any argument; giving an array, a number or a container of them.
        It must give the same value for the same arguments. Left out: a decorator.
    step : float, optional
        The step of the central differences, times max(1, |x|). By default the cube root of the rounding error of the
        coarser dtype, 6e-6 for float64, which gives about 10 digits. A solver with a tolerance of 1e-6 needs 1e-2.

    Returns
    -------
    function
        Of the same arguments. Reverse mode calls `f` twice for each number in the arguments that are differentiated
        (complex: four times), and not again for further cotangents; forward mode twice for each direction. Second
        derivatives are differences of differences: about 7 digits, at the square of the calls.

    Examples
    --------
    >>> import math
    >>> import gradmagic as gm
    >>> area = gm.numeric(lambda a, b: math.sqrt(a) * b)     # math.sqrt cannot be traced
    >>> round(gm.grad(lambda a: area(a, 2.0) ** 2)(9.0), 8)
    4.0
    """
    if f is None:
        return lambda function: numeric(function, step=step)
    if step is not None and not step > 0:
        raise ValueError(tr("step={step} is no step: give a positive number, such as 1e-6.", step=step))
    return _numeric(f, step, _named(f))


def _named(f: Any) -> str:
    name = getattr(f, "__name__", type(f).__name__)
    return "f" if name == "<lambda>" else str(name)


def _numeric(f: Callable[..., Any], step: float | None, name: str) -> Any:
    @wraps(f, updated=())
    def function(*args: Any, **kwargs: Any) -> Any:
        tree = (args, kwargs)
        parts = leaves(tree)
        at = [i for i, part in enumerate(parts) if isinstance(part, Tracked) and part.node is not None]
        plain = [_plain(part) for part in parts]
        if not at or mode_now() is OFF:
            a, k = rebuilt(tree, map(_copied, plain))
            out = f(*a, **k)
            return wrapped(out, face_of(parts)) if any(isinstance(part, Tracked) for part in parts) else out
        proto = parts[at[0]].array
        outs: list[Any] = []

        def of(*values: Any) -> Any:
            """Call `f` with `values` in place of the tracked arguments; give its numbers, one or a tuple of them."""
            filled = list(map(_copied, plain))
            for i, value in zip(at, values, strict=True):
                filled[i] = _copied(arrays.to_host(value))
            a, k = rebuilt(tree, filled)
            out = f(*a, **k)
            outs[:] = [out]
            if not is_container(out):
                return _proper(out, proto, name)
            return tuple(_proper(o, proto, name) for o in leaves(out) if arrays.is_numeric(o))

        rules = {n: Numeric(of, n, step, name) for n in (1, "list")}
        made = call_custom(rules, of, tuple(parts[i] for i in at), {})
        if type(made) is not tuple:
            return made
        given = iter(made)
        return rebuilt(outs[0], [next(given) if arrays.is_numeric(o) else o for o in leaves(outs[0])])

    return function


class Numeric(Custom):
    """The rule of one call: its derivatives are differences."""

    def __init__(self, of: Any, outputs: int | str, step: float | None, name: str) -> None:
        super().__init__(of, self._vjp, self._jvp, outputs)
        self.name, self.torch = f"numeric({name})", "NumericBackward0"
        self._of, self._step, self._f = of, step, name
        self._columns: list[Any] | None = None

    @property
    def note(self) -> str:
        """What a report says of it."""
        return tr(
            "{name} is not traced but called: its derivative is by central differences, step {step} times max(1, |x|)",
            name=self._f, step=f"{self._step:.0e}" if self._step else "6e-06 (float32: 5e-03)",
        )  # fmt: skip

    def formula(self, argument: int, of_complex: bool = False) -> tuple[str, tuple[str, ...]]:
        return tr("by differences"), ()

    def step(self, values: Any, outs: Any) -> float:
        """Give the step, for numbers of size 1."""
        if self._step is not None:
            return self._step
        return float(max(_rounding(v) for v in (*values, *outs)) ** (1 / 3))

    def _outs(self, out: Any) -> tuple[Any, ...]:
        return tuple(out) if self.outputs != 1 else (out,)

    def _vjp(self, g: Any, out: Any, *values: Any) -> Any:
        if tracked_in((self._outs(g), values)):
            return self._again(self._pulled, out, values)(g, raws(out), *values)
        return self._pulled(g, out, *values, columns=self._kept(values, out))

    def _pulled(self, g: Any, out: Any, *values: Any, columns: Any = None) -> tuple[Any, ...]:
        gs = [np.asarray(arrays.to_host(c)) for c in self._outs(g)]
        found = []
        for value, mine in zip(values, columns or self._differences(values, out), strict=True):
            c = np.array([sum(_inner(one, d) for one, d in zip(gs, column, strict=True)) for column in mine])
            if np.iscomplexobj(value):
                c = c[::2] + 1j * c[1::2]
            found.append(_like(c, value))
        return tuple(found)

    def _jvp(self, tangents: Any, out: Any, *values: Any) -> Any:
        if tracked_in((tangents, values)):
            return self._again(self._jvp, out, values)(tangents, raws(out), *values)
        moves = [np.asarray(arrays.to_host(t)) for t in tangents]
        points = [np.asarray(arrays.to_host(v)) for v in values]
        sizes = [
            np.max(np.abs(t) / np.maximum(1, np.abs(x)), initial=0.0)
            for t, x in zip(moves, points, strict=True)
        ]
        outs = self._outs(out)
        if not max(sizes, default=0):
            made = [np.zeros_like(o) for o in outs]
            return tuple(made) if self.outputs != 1 else made[0]
        h = self.step(values, outs) / float(max(sizes))
        there, back = (
            self._outs(
                self._of(*[_like(x + sign * t, v) for x, t, v in zip(points, moves, values, strict=True)])
            )
            for sign in (h, -h)
        )
        made = [_like((_wide(a) - _wide(b)) / (2 * h), o) for a, b, o in zip(there, back, outs, strict=True)]
        return tuple(made) if self.outputs != 1 else made[0]

    def _again(self, derivative: Any, out: Any, values: Sequence[Any]) -> Any:
        """Make a derivative of `f` a function to differentiate like `f`; its error is (the step)**2."""
        step = self.step(raws(list(values)), raws(list(self._outs(out)))) ** (2 / 3)
        return _numeric(derivative, step, f"d{self._f}")

    def _kept(self, values: Sequence[Any], out: Any) -> list[Any]:
        """Give the differences, taken once for all cotangents."""
        if self._columns is not None:
            return self._columns
        made = self._differences(values, out)
        if sum(d.nbytes for columns in made for column in columns for d in column) <= _MOST_KEPT:
            self._columns = made
        return made

    def _differences(self, values: Sequence[Any], out: Any) -> list[list[list[Any]]]:
        """Give d out by each number of each argument (a complex one: by both its parts)."""
        step = self.step(values, self._outs(out))
        return [
            [self._column(values, i, at, step, part) for at in range(int(np.size(v))) for part in _parts(v)]
            for i, v in enumerate(values)
        ]

    def _column(self, values: Sequence[Any], i: int, at: int, step: float, part: complex) -> list[Any]:
        value = np.asarray(arrays.to_host(values[i]))
        x = value.flat[at]
        h = step * max(1.0, float(abs(x)))
        points, ends = [], []
        for sign in (h, -h):
            moved = np.array(value, dtype=value.dtype if value.dtype.kind in "fc" else float)
            moved.flat[at] = x + sign * part
            points.append(moved.flat[at])
            try:
                ends.append(
                    self._outs(self._of(*values[:i], _like(moved, values[i], moved.dtype), *values[i + 1 :]))
                )
            except Exception as error:
                place = f"[{', '.join(map(str, np.unravel_index(at, value.shape)))}]" if value.shape else ""
                error.add_note(tr(
                    "while gm.numeric took the difference of {name} by its argument {number}{where}", name=self._f,
                    number=i + 1, where=place and tr(" at {index}", index=place),
                ))  # fmt: skip
                raise
        way = ((points[0] - points[1]) / part).real  # as it was rounded
        return [(_wide(a) - _wide(b)) / float(way) for a, b in zip(*ends, strict=True)]


def _parts(value: Any) -> tuple[complex, ...]:
    return (1, 1j) if np.iscomplexobj(value) else (1,)


def _inner(g: Any, d: Any) -> float:
    return float(np.sum(np.real(np.conj(g) * d)))


def _rounding(value: Any) -> float:
    dtype = getattr(value, "dtype", np.dtype(float))
    return float(np.finfo(dtype).eps) if dtype.kind in "fc" else float(np.finfo(float).eps)


def _wide(value: Any) -> Any:
    value = np.asarray(arrays.to_host(value))
    return value.astype(np.result_type(value.dtype, float))


def _like(made: Any, value: Any, dtype: Any = None) -> Any:
    """Give what was made in the shape and dtype of `value`, on its device: a number for a number."""
    dtype = dtype or aval_of(value).tangent
    if dtype.kind == "f":
        made = np.real(made)
    made = np.reshape(np.asarray(made, dtype), np.shape(value))
    if isinstance(value, (int, float, complex)) and not isinstance(value, np.generic):
        return made.item()
    return arrays.from_host(made, value) if arrays.is_array(value) else made[()]


def _plain(part: Any) -> Any:
    return arrays.to_host(part.array) if isinstance(part, Tracked) else part


def _copied(value: Any) -> Any:
    return np.array(value, copy=True) if type(value) is np.ndarray else value


def _proper(out: Any, proto: Any, name: str) -> Any:
    """Give a result as the tape takes it, on the device of the arguments."""
    if not arrays.is_numeric(out):
        array = hasattr(out, "dtype")
        raise TypeError(tr(
            "{name} gave {what}: gm.numeric differentiates functions that give arrays, numbers, or containers of them.",
            name=name, what=tr("an array of dtype {dtype}", dtype=out.dtype) if array
            else tr("a {kind}", kind=type(out).__name__),
        ))  # fmt: skip
    return arrays.from_host(out, proto) if type(out) is np.ndarray else out
