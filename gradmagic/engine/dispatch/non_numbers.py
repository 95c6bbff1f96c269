"""Values outside the arrays of numbers that gradients pass through, where a function meets one.

In: the arguments of a function, and what it gave or raised. Out: the plain result with a note, on lifted Arrays; an
error that names the value and says what to write, on Tensors and under `gm.grad`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import ArgumentError, DeviceError, DimensionError, DTypeError, GradmagicError, ShapeError
from ...language import mark, tr
from ..core import arrays
from ..core.foreign import Foreign, foreign, is_lazy
from ..core.trees import leaves
from ..rules.pointwise import Elementwise
from ..tape.messages import devices_text, foreign_text, lacking_text, mismatch, name_for
from ..tape.modes import OFF, mode_now
from ..tape.nodes import aval_of
from ..tape.tracked import Tracked, tracked_in

_PRODUCTS = ("matmul", "dot", "inner", "tensordot", "vdot", "solve")
EVEN = object()  # no odd value among the arguments
# What is computed with as it is. Everything else is looked at: lists become arrays, other values have no gradient.
PLAIN = frozenset(
    {np.ndarray, float, int, bool, complex}
    | {np.dtype(c).type for c in "?" + np.typecodes["AllInteger"] + "efdgFDG"}
)


def looked_at(value: Any, odd: Any, convert: bool = False) -> tuple[Any, Any]:
    """Give what a function is to compute with for `value`, and `value` if no gradient passes through it."""
    if value is None or arrays.known(type(value)):
        return value, odd  # None may stand for no bound; where it does not, NumPy raises
    if foreign(value) is None:
        return (np.asarray(value) if isinstance(value, (list, tuple, range)) else value), odd
    if (
        convert
        and not isinstance(value, np.ndarray)
        and hasattr(type(value), "__array__")
        and not is_lazy(value)
    ):
        return np.asarray(value), odd  # a Series: the function itself would ask for its array
    return value, value


def numeric_aval(out: Any) -> Any:
    """Give the aval of a result; None for one that no gradient passes through (objects, text, dates)."""
    try:
        aval = aval_of(out)
    except TypeError:
        return None
    return None if aval.odd else aval


def outside(name: str, args: Any, out: Any, odd: Any = EVEN) -> Any:
    """A function met a value through which no gradient passes, and gave `out`: plain, with a note, on lifted Arrays.

    Raises
    ------
    ArgumentError
        On Tensors, and where `gm.grad` wants the gradient.
    """
    odd = next(_odd_among(args), out) if odd is EVEN else odd
    words = foreign(odd) or Foreign(
        mark("a result of {kind}"), mark("compute with numbers"), kind=type(out).__name__
    )
    tracked = tracked_in(args)
    if (first := _strict(tracked)) is not None:
        raise ArgumentError(foreign_text(name, first, odd, words))
    said = words.of(name_for(odd) or tr("it"))
    for a in tracked:
        if a.node is not None:
            a.leave(said)
    return out


def _strict(tracked: list[Tracked]) -> Tracked | None:
    """Give the first that must not lose its gradient: a Tensor, or what a `gm.grad` wants."""
    return next(
        (a for a in tracked if type(a) is not Tracked.inner or (mode_now() is not OFF and a.wanted)), None
    )


def _odd_among(args: Any) -> Iterator[Any]:
    """Find the arguments through which no gradient passes: arrays first, what may only be a setting last."""
    given = []
    for a in args:
        inside = leaves(a) if isinstance(a, (list, tuple)) else []
        given += inside if any(isinstance(b, Tracked) for b in inside) else [a]
    odd = [a for a in given if not isinstance(a, (Tracked, slice, type(...))) and foreign(a) is not None]
    yield from sorted(odd, key=lambda a: not isinstance(a, (np.ndarray, list, tuple)))


def failed(error: Exception, rule: Any, args: Any, shown: Any = None) -> Exception:
    """Say what an error of NumPy's came from: shapes that do not fit, or a value that is no array of numbers."""
    shown = shown or args
    if rule is None or isinstance(
        error, (GradmagicError, np.linalg.LinAlgError)
    ):  # a singular matrix says so itself
        return in_torch_words(error, shown) if rule is None else error
    if isinstance(error, TypeError) and (text := devices_text(rule.name, shown)):
        return DeviceError(text)
    if isinstance(error, TypeError) and (text := lacking_text(error, shown)):
        return DeviceError(text)
    if (first := _strict(tracked_in(shown))) is not None:
        for odd in _odd_among(shown):
            return ArgumentError(foreign_text(rule.name, first, odd, foreign(odd)))  # type: ignore[arg-type]
    if isinstance(error, ValueError) and (isinstance(rule, Elementwise) or rule.name in _PRODUCTS):
        return mismatch(error, rule, shown)
    return in_torch_words(error, shown)


def in_torch_words(error: Exception, args: Any) -> Exception:
    """Give an error of NumPy's about a Tensor as one that a PyTorch program catches too; any other as it is."""
    if not isinstance(error, (ValueError, TypeError)) or isinstance(error, GradmagicError):
        return error
    if all(type(a) is Tracked.inner for a in tracked_in(args)):
        return error
    if isinstance(error, np.exceptions.AxisError) and error.axis is not None:
        return DimensionError(error.axis, max(error.ndim or 0, 1))
    if isinstance(error, TypeError):
        return (
            DTypeError(
                tr("{error} (not implemented for these dtypes). Write t.to(dtype) first.", error=error)
            )
            if _of_dtypes(error)
            else error
        )
    return ShapeError(str(error))


def _of_dtypes(error: Exception) -> bool:
    return (
        str(error).startswith("ufunc ")
        or "did not contain a loop" in str(error)
        or "numpy boolean" in str(error)
    )
