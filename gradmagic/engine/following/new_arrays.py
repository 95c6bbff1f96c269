"""New arrays of the user's code, and lists of tracked values, followed while a traced call runs (see following.py).

In: `np.zeros(n)` and its kin, `np.full(3, t)`, `np.mean([t, u])`, `np.r_[t, u]`. Out: a `Buffer`,
into which tracked values can be written; or what NumPy gives, computed from the values themselves.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache, wraps
from threading import get_ident
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from ..dispatch.calls import held
from ..dispatch.primitives import cast
from ..faces.numpy.buffer import Buffer
from ..tape.modes import OFF, differentiating, mode_now
from ..tape.tracked import Tracked, raws
from . import conversions as following

FOLLOWERS: dict[str, Any] = {}  # by NumPy's names
_BY_ID: dict[int, Any] = {}  # by the id of NumPy's own
_BACK: dict[int, Any] = {}  # NumPy's own, by the id of what follows it


def follow(names: str, make: Callable[..., Any]) -> None:
    """Let `make(original, name)` follow functions of numpy."""
    for name in names.split():
        original = getattr(np, name)
        FOLLOWERS[name] = made = make(original, name)
        _BY_ID[id(original)], _BACK[id(made)] = made, original
        setattr(following.Followed, name, following.property_of(name, made))


def follow_in(module: str, name: str, made: Any) -> None:
    """Let `made` follow the function of this name in another module."""
    of = sys.modules[module]
    original = getattr(of, name)
    kind = following.beside.setdefault(module, type("Followed", (ModuleType,), {}))
    setattr(kind, name, following.property_of(name, made, of))
    _BY_ID[id(original)] = made
    _BACK[id(made)] = original


def traces() -> bool:
    """Tell whether a traced call runs in this thread."""
    return mode_now() is not OFF and get_ident() in following.active


def _new(made: Any, frame: Any) -> Any:
    """Give a new array as a Buffer: in a cell only to code that writes into arrays, under gm.grad always.

    What never writes can do nothing with a Buffer, and may hand its arrays to compiled code, which wants NumPy's own.
    """
    while frame.f_code.co_name in _INNER:  # a comprehension: what is around it does the writing
        frame = frame.f_back
    return Buffer.wrap(made, None) if differentiating() or _writes(frame.f_code) else made


_INNER = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")


@lru_cache(maxsize=4096)
def _writes(code: CodeType) -> bool:
    """Tell whether this code, or a function defined in it, writes into arrays."""
    if not _WRITERS.isdisjoint(code.co_names):
        return True
    for step in dis.get_instructions(code):
        if step.opname in ("STORE_SUBSCR", "STORE_SLICE") or (
            step.opname == "BINARY_OP" and "=" in step.argrepr
        ):
            return True
        if step.opname == "KW_NAMES" and "out" in code.co_consts[step.arg or 0]:
            return True
    return any(isinstance(c, CodeType) and _writes(c) for c in code.co_consts) or ("out",) in code.co_consts


_WRITERS = {
    "copyto",
    "put",
    "fill",
    "place",
    "putmask",
    "put_along_axis",
    "fill_diagonal",
    "at",
    "sort",
    "partition",
    "dot",  # ndarray.dot(tracked) asks for a plain array; of a Buffer it is followed
}


def tracked(value: Any) -> bool:
    """Tell whether it is a lifted value, or computed from one."""
    return isinstance(value, Tracked) and value.soft and value.node is not None


def held_in_list(value: Any) -> bool:
    """Tell whether it is a list or tuple with tracked values in it."""
    return type(value) in (list, tuple) and held(value)


def _creation(original: Any, name: str) -> Callable[..., Any]:
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
            args = tuple(map(_array, args))
            kwargs = {n: _array(v) for n, v in kwargs.items()}
        return original(*args, **kwargs)

    return follower


def _of_sequences(original: Any, name: str) -> Callable[..., Any]:
    @wraps(original)
    def follower(arrays: Any, *args: Any, **kwargs: Any) -> Any:
        if held_in_list(arrays) and traces():
            arrays = [_array(a) for a in arrays]
        return original(arrays, *args, **kwargs)

    return follower


def _array(value: Any) -> Any:
    return FOLLOWED_ARRAY(value) if held_in_list(value) else value


def _range(original: Any, name: str) -> Callable[..., Any]:
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
            return FOLLOWED_ARRAY(values, dtype)
        return _new(original(values, dtype, count, **kwargs), sys._getframe(1))

    return follower


def _copy(original: Any) -> Callable[..., Any]:
    @wraps(original)
    def follower(a: Any, *args: Any, **kwargs: Any) -> Any:
        made = original(a, *args, **kwargs)
        return _new(made, sys._getframe(1)) if type(made) is np.ndarray and traces() else made

    return follower


class _Rows:
    """`np.r_` and `np.c_`: tracked values are joined; everything else is NumPy's."""

    def __init__(self, original: Any, name: str) -> None:
        self._original, self._columns = original, name == "c_"

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        text = any(isinstance(p, str) for p in parts)
        if text or not (traces() and any(tracked(p) or held_in_list(p) for p in parts)):
            return self._original[key]
        made = [self._original[p] if isinstance(p, slice) else FOLLOWED_ARRAY(p) for p in parts]
        if self._columns:
            return np.column_stack(made)
        return np.concatenate([p if np.ndim(p) else np.reshape(p, (1,)) for p in made])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


FOLLOWED_ARRAY: Any = following.follower("array", copies=True)

follow("zeros empty ones full eye identity linspace logspace geomspace tri", _creation)
follow("arange", _range)
follow("zeros_like empty_like ones_like full_like", _creation)
follow("fromiter", _of_iterable)
follow("r_ c_", _Rows)
follow(
    "mean sum prod max min amax amin var std median average ptp cumsum cumprod dot vdot inner outer diff sort argmax "
    "argmin clip reshape ravel transpose squeeze nansum nanmean nanmax nanmin trapezoid where interp cross kron "
    "append insert tile roll flip real imag percentile quantile nanmedian nanstd nanvar nanprod einsum vecdot "
    "tensordot polyval polyint polyder polymul polyadd polysub vander gradient convolve correlate diag diagflat "
    "expand_dims broadcast_to atleast_1d atleast_2d meshgrid",
    _of_lists,
)
follow("stack concatenate vstack hstack column_stack dstack", _of_sequences)
_of_matrices = (
    "norm det slogdet inv pinv solve lstsq eig eigh eigvals eigvalsh svd qr cholesky matrix_power matrix_rank cond"
).split()
for _name in _of_matrices:
    follow_in("numpy.linalg", _name, _of_lists(getattr(np.linalg, _name), _name))


def _conversion(original: Any, name: str) -> Callable[..., Any]:
    """Follow a conversion; what it makes anew of plain numbers is a new array (`np.array([1.0, 0.0])`)."""
    copies, order = next((copies, order) for n, copies, order in following.CONVERSIONS if n == name)
    converted = following.follower(name, copies, order)

    @wraps(original)
    def follower(*args: Any, **kwargs: Any) -> Any:
        made = converted(*args, **kwargs)
        new = copies or (args and type(args[0]) in (list, tuple))
        return _new(made, sys._getframe(1)) if new and type(made) is np.ndarray and traces() else made

    return follower


follow("asarray asanyarray array ascontiguousarray asfortranarray", _conversion)
follow("copy", lambda original, name: _copy(original))


def original_of(function: Any) -> Any:
    """Give the function of NumPy or SciPy for what follows it; anything else as it is."""
    found = _BACK.get(id(function))
    if found is None and type(function) is FunctionType and hasattr(function, "__wrapped__"):
        original = function.__wrapped__
        return original if follower_of(original) is function else function
    return function if found is None else found


def follower_of(function: Any) -> Any:
    """Give what follows a function of NumPy or SciPy that was imported by its name (`from numpy import zeros`)."""
    found = _BY_ID.get(id(function))
    if found is None and str(getattr(function, "__module__", "")).startswith("scipy.") and callable(function):
        from ..derivatives.scipy.linalg import FOLLOWED  # with SciPy only

        name = getattr(function, "__name__", "")
        for module in ("scipy.linalg", "scipy.special"):
            if module in sys.modules and vars(sys.modules[module]).get(name) is function:
                return FOLLOWED.get(module, {}).get(name)
    return found
