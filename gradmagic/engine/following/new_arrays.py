"""New arrays of the user's code, and lists of tracked values, followed while a traced call runs.

In: `np.zeros(n)` and its kin, `np.full(3, t)`, `np.mean([t, u])`, `np.r_[t, u]`. Out: a `Buffer`,
into which tracked values can be written; or what NumPy gives, computed from the values themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import numpy as np

from ..core.arrays import kind_of, known, noted
from ..core.interpreter import writes
from ..dispatch.primitives import cast
from ..faces.numpy.buffer import Buffer, untracked
from ..tape.modes import differentiating
from ..tape.tracked import Tracked, raws
from .conversions import as_array, converting, gathered, held_in_list, tracked
from .followers import follow, follow_method
from .switch import traces


def _new(made: Any, frame: Any) -> Any:
    """Give a new array as a Buffer: in a cell only to code that writes into arrays, under gm.grad always.

    What never writes can do nothing with a Buffer, and may hand its arrays to compiled code, which wants NumPy's own
    (or CuPy's, whose kernels take nothing else).
    """
    while frame.f_code.co_name in _INNER:  # a comprehension: what is around it does the writing
        frame = frame.f_back
    always = differentiating() and kind_of(made) is np.ndarray
    return Buffer.wrap(made, None) if always or writes(frame.f_code) else made


_INNER = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")


def creation(original: Any, name: str) -> Callable[..., Any]:
    """Follow a function that makes a new array."""

    @wraps(original)
    def follower(*args: Any, **kwargs: Any) -> Any:
        if not traces():
            return original(*args, **kwargs)
        if any(map(tracked, (*args, *kwargs.values()))):
            if name.startswith("full"):
                return _filled(original, name, *args, **kwargs)
            if name in ("linspace", "logspace", "geomspace"):
                return original(*args, **kwargs)  # of tracked ends: these dispatch
        return _new(original(*raws(list(args)), **raws(kwargs)), sys._getframe(1))

    return follower


def _filled(original: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    """Fill with a tracked value: `np.full(shape, t)`, `np.full_like(a, t)`."""
    fill = kwargs["fill_value"] if "fill_value" in kwargs else args[1]
    if not tracked(fill):
        return Buffer.wrap(original(*raws(list(args)), **raws(kwargs)), None)
    plain = original(*raws(list(args)), **raws(kwargs))  # its shape and dtype, or NumPy's error
    made: Any = np.copy(np.broadcast_to(fill, plain.shape))
    return made if made.array.dtype == plain.dtype else cast(made, plain.dtype)


def _of_lists(original: Any, name: str) -> Callable[..., Any]:
    @wraps(original)
    def follower(*args: Any, **kwargs: Any) -> Any:
        if (any(map(held_in_list, args)) or any(map(held_in_list, kwargs.values()))) and traces():
            args = tuple(map(gathered, args))
            kwargs = {n: gathered(v) for n, v in kwargs.items()}
        return original(*args, **kwargs)

    return follower


def _of_sequences(original: Any, name: str) -> Callable[..., Any]:
    @wraps(original)
    def follower(arrays: Any, *args: Any, **kwargs: Any) -> Any:
        if held_in_list(arrays) and traces():
            arrays = [gathered(a) for a in arrays]
        return original(arrays, *args, **kwargs)

    return follower


def ranged(original: Any, name: str) -> Callable[..., Any]:
    """`np.arange(start, stop, step)`: the entries move with start and step, and not with stop."""

    @wraps(original)
    def follower(*args: Any, **kwargs: Any) -> Any:
        given = dict(zip(("start", "stop", "step"), args, strict=False)) | kwargs
        start = given.get("start", 0) if given.get("stop") is not None else 0
        step = 1 if given.get("step") is None else given["step"]
        if not ((tracked(start) or tracked(step)) and traces()):
            return _new(original(*raws(list(args)), **raws(kwargs)), sys._getframe(1))
        value = original(*raws(list(args)), **raws(kwargs))
        made = cast(start + step * original(len(value)), value.dtype)
        return type(made).wrap(value, made.node)

    return follower


def _of_iterable(original: Any, name: str) -> Callable[..., Any]:
    @wraps(original)
    def follower(iter: Iterable[Any], dtype: Any, count: int = -1, **kwargs: Any) -> Any:
        if not traces():
            return original(iter, dtype, count, **kwargs)
        values = [v for _, v in zip(range(count), iter, strict=False)] if count >= 0 else list(iter)
        if held_in_list(values):
            return as_array(values, dtype)
        return _new(original(values, dtype, count, **kwargs), sys._getframe(1))

    return follower


def copying(original: Any, name: str) -> Callable[..., Any]:
    """Follow a function that copies: of a tracked value NumPy's `copy`, which dispatches."""

    @wraps(original)
    def follower(a: Any, *args: Any, **kwargs: Any) -> Any:
        made = (np.copy if isinstance(a, Tracked) else original)(a, *args, **kwargs)
        return _new(made, sys._getframe(1)) if known(type(made)) and traces() else made

    return follower


def _rows(original: Any) -> Callable[..., Any]:
    """`np.r_` and `np.c_`: tracked values are joined; everything else is NumPy's."""

    @wraps(original)
    def getitem(self: Any, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        text = any(isinstance(p, str) for p in parts)
        if text or not (any(tracked(p) or held_in_list(p) for p in parts) and traces()):
            return original(self, key)
        made = [original(self, p) if isinstance(p, slice) else as_array(p) for p in parts]
        if self is np.c_:
            return np.column_stack(made)
        return np.concatenate([p if np.ndim(p) else np.reshape(p, (1,)) for p in made])

    return getitem


def conversion(copies: bool = False, order: str | None = None) -> Callable[..., Any]:
    """Follow a conversion; what it makes anew of plain numbers is a new array (`np.array([1.0, 0.0])`)."""

    def make(original: Any, name: str) -> Callable[..., Any]:
        converted = converting(original, copies, order)

        @wraps(original)
        def follower(*args: Any, **kwargs: Any) -> Any:
            buffer = args[0] if args and untracked(args[0]) else None
            # Of a Buffer its array: from Python 3.12 on NumPy would look into its memory, and not know whose it is.
            made = (
                converted(*args, **kwargs) if buffer is None else converted(buffer.array, *args[1:], **kwargs)
            )
            if not args or not known(type(made)) or not traces():
                return made
            if buffer is not None:  # what looks into a Buffer is one too, or it would not see a later write
                return buffer if made is buffer.array else Buffer.wrap(made, None)
            return _new(made, sys._getframe(1)) if copies or type(args[0]) in (list, tuple) else made

        return follower

    return make


def _noted(make: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Follow what asks no protocol, and what records (engine/replay) would not see."""
    return lambda original, name: make(noted(original), name)


def _beyond(original: Any, name: str) -> Any:
    return noted(original)


follow("asarray asanyarray", _noted(conversion()), outside=_beyond)
follow("array", _noted(conversion(copies=True)), outside=_beyond)
follow("ascontiguousarray", _noted(conversion(order="C")), outside=_beyond)
follow("asfortranarray", _noted(conversion(order="F")), outside=_beyond)
follow("copy", copying)
follow("zeros empty ones full eye identity", _noted(creation), outside=_beyond)
follow("linspace logspace geomspace tri", creation)
follow("arange", ranged)
follow("zeros_like empty_like ones_like full_like", creation)
follow("fromiter", _of_iterable)
get_rows = _rows(vars(type(np.r_).__mro__[1])["__getitem__"])
follow_method(type(np.r_).__mro__[1], "__getitem__", lambda original: get_rows)
follow(
    "mean sum prod max min amax amin var std median average ptp cumsum cumprod dot vdot inner outer diff sort argmax "
    "argmin clip reshape ravel transpose squeeze nansum nanmean nanmax nanmin trapezoid where interp cross kron "
    "append insert tile roll flip real imag percentile quantile nanmedian nanstd nanvar nanprod einsum vecdot "
    "tensordot polyval polyint polyder polymul polyadd polysub vander gradient convolve correlate diag diagflat "
    "expand_dims broadcast_to atleast_1d atleast_2d meshgrid",
    _of_lists,
)
follow("stack concatenate vstack hstack column_stack dstack", _of_sequences)
follow(
    "norm det slogdet inv pinv solve lstsq eig eigh eigvals eigvalsh svd qr cholesky matrix_power matrix_rank cond",
    _of_lists,
    "numpy.linalg",
)
