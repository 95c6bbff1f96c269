"""NumPy's `asarray`, `array` and their kin followed while a traced call runs; new arrays stand in creations.py.

In: a `with following():` block around the user's code. Out: within it, in this thread and for the user's own code,
these functions give tracked arrays of tracked values (`np.asarray(x)`, `np.array([f(x), g(x)])`); for everybody else,
and afterwards, they are NumPy's own.

NumPy asks only `__array__` and `__float__` there, so nothing dispatches. The numpy module gets a class with properties
for the time of the block: one assignment each way (0.1 us; replacing 40 names takes 1.9), and the property sees who
asks. Installed packages and the standard library are not followed: they may keep arrays, or hand them to C.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Callable
from functools import lru_cache, wraps
from threading import get_ident
from typing import Any

import numpy as np

from ..core import arrays
from ..core.places import users
from ..dispatch.calls import held, stacked
from ..tape.modes import OFF, mode_now
from ..tape.tracked import Tracked, raws

active: dict[int, int] = {}  # thread -> how many blocks it is in


class following:
    """Follow NumPy's conversions within the block. Blocks may nest, in one thread and across threads.

    Examples
    --------
    >>> import numpy as np
    >>> import gradmagic as gm
    >>> gm.grad(lambda x: np.sum(np.array([x[0], x[1] * 3]) ** 2))(np.array([1.0, 2.0]))
    array([ 2., 36.])
    """

    __slots__ = ()

    def __enter__(self) -> None:
        thread = get_ident()
        if not active:
            for kind, name, _, follows in METHODS:
                setattr(kind, name, follows)
        active[thread] = active.get(thread, 0) + 1
        np.__class__ = Followed  # type: ignore[assignment]
        for name in _BESIDE:
            if name in sys.modules:
                _follow_beside(name)

    def __exit__(self, *_: object) -> None:
        thread = get_ident()
        left = active[thread] - 1
        if left:
            active[thread] = left
            return
        del active[thread]
        if not active:
            for kind, name, original, _ in METHODS:
                setattr(kind, name, original)
            np.__class__ = types.ModuleType
            for name in _BESIDE:
                if type(sys.modules.get(name)) in beside.values():
                    sys.modules[name].__class__ = types.ModuleType


METHODS: list[tuple[Any, str, Any, Any]] = []  # (class, method, NumPy's own, what follows it): np.vectorize
_BESIDE = ("numpy.linalg", "numpy.lib.stride_tricks", "math", "cmath", "scipy.linalg", "scipy.special")
beside: dict[str, type[types.ModuleType]] = {}  # what these modules are in the meantime


def _follow_beside(name: str) -> None:
    """Follow lists in numpy.linalg, and functions of SciPy that do not dispatch (`linalg.inv`, `special.logsumexp`)."""
    if type(sys.modules[name]) is not types.ModuleType:
        return
    if name not in beside:
        from ..derivatives.scipy.linalg import FOLLOWED  # with SciPy only

        properties = {n: property_of(n, f, sys.modules[name]) for n, f in FOLLOWED.get(name, {}).items()}
        beside[name] = type("Followed", (types.ModuleType,), properties)
    sys.modules[name].__class__ = beside[name]


class unfollowed:
    """Give NumPy's own functions again within the block: to what is called with plain arrays."""

    __slots__ = ("_depth",)

    def __enter__(self) -> None:
        self._depth = active.pop(get_ident(), 0)

    def __exit__(self, *_: object) -> None:
        if self._depth:
            active[get_ident()] = self._depth


@lru_cache(maxsize=4096)
def _asks(code: types.CodeType, at: int) -> bool:
    """Tell whether Python code itself asks for an attribute here.

    Compiled code that it calls (numpy.random) has no frame of its own, takes arrays apart in C, and gets NumPy's own.
    """
    return dis.opname[code.co_code[at]] in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM")


def _convert(original: Any, value: Any, dtype: Any, order: Any, copy: Any) -> Any:
    """Give `value`, an Array or nested lists that hold some, as one array of dtype and order."""
    made: Any
    if type(value) is Tracked.inner:
        made = value if arrays.is_array(value.array) else np.reshape(value, ())  # type: ignore[call-overload]
    else:
        # NumPy finds dtype and shape, or says what is wrong (ragged lists).
        plain = original(raws(value))
        if plain.dtype.kind not in "fc":
            return NotImplemented
        made = stacked(value)
        copy = False
        dtype = plain.dtype if dtype is None else dtype
    dtype = made.array.dtype if dtype is None else np.dtype(dtype)
    return made.astype(dtype, order=order or "K", copy=bool(copy))


def follower(name: str, copies: bool = False, order: str | None = None) -> Callable[..., Any]:
    original = getattr(np, name)

    @wraps(original)
    def following_call(*args: Any, **kwargs: Any) -> Any:
        value = args[0] if args else None
        tracked = type(value) is Tracked.inner and value.node is not None  # type: ignore[union-attr]
        if mode_now() is OFF or get_ident() not in active or not (tracked or held(value)):
            return original(*args, **kwargs)
        options = dict(kwargs)
        if len(args) > 1:
            options["dtype"] = args[1]
        if len(args) > 2:
            options["order"] = args[2]
        ndmin = options.pop("ndmin", 0)
        options.pop("subok", None)
        if len(args) > 3 or set(options) - {"dtype", "order", "copy"}:
            return original(*args, **kwargs)  # device=, like=: as without following, with its note or error
        copy = options.get("copy", copies)
        if copy is False and "copy" in options:
            return original(*args, **kwargs)
        made = _convert(original, value, options.get("dtype"), options.get("order") or order, copy)
        if made is NotImplemented:
            return original(*args, **kwargs)
        if np.ndim(made) < ndmin:
            made = np.reshape(made, (1,) * (ndmin - np.ndim(made)) + np.shape(made))
        if order and not np.ndim(made):
            made = np.reshape(made, (1,))  # as NumPy's ascontiguousarray and asfortranarray
        return made

    return following_call


class Followed(types.ModuleType):
    """What the numpy module is while a traced call runs."""


def property_of(name: str, follows: Any, of: types.ModuleType = np) -> property:
    """Make what a module's attribute is while a traced call runs: `follows` for the user's own code."""
    original = getattr(of, name)
    names = vars(of)

    def get(module: Any) -> Any:
        found = names[name]
        if found is not original or get_ident() not in active:
            return found
        frame = sys._getframe(1)
        code = frame.f_code
        return follows if users(code.co_filename) and _asks(code, frame.f_lasti) else original

    def put(module: Any, value: Any) -> None:
        names[name] = value

    return property(get, put)


CONVERSIONS: tuple[tuple[str, bool, str | None], ...] = (
    ("asarray", False, None), ("asanyarray", False, None), ("array", True, None),
    ("ascontiguousarray", False, "C"), ("asfortranarray", False, "F"),
)  # fmt: skip
for _name, _copies, _order in CONVERSIONS:
    setattr(Followed, _name, property_of(_name, follower(_name, _copies, _order)))
