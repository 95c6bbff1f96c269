"""A call in a cell whose inputs stand on a device, or in another dtype: its arguments, where they can be computed with.

In: a call and its way. Out: what it gives. Host arrays that meet a device's in a call of NumPy's are taken along to it;
where the device's library lacks the function, and in calls of code that knows no devices, all goes to the host.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.core import arrays
from ...engine.core.arrays import is_array, on_device
from ...engine.dispatch.protocols import out_of
from .libraries import base_of, numpys
from .operators import IN_PLACE
from .stores import stored
from .ways import code, functions, methods, others, python
from .ways.way import ONCE, WRITERS

Run = Callable[[Any, Any, Any, Any], Any]
# What computes with arrays, as far as the device's library goes.
_COMPUTING = (
    functions.ufunc,
    functions.array_function,
    functions.followed,
    functions.ufunc_method,
    methods.method,
)
# What hands its arguments to code that knows no devices.
_OUTSIDE = (others.opaque, others.looked_into, others.on_the_host, others.calling, others.vectorized,
            functions.of_object, methods.drawn, methods.shuffled, methods.unbound, python.text, python.shown,
            python.of_text, code.in_a_thread, others.remembered)  # fmt: skip
# Python's own that only compute.
_PURE = (python.again, python.number, python.of_number, functions.followed)
_ANSWERS = (np.array_equal, np.allclose, np.isscalar, hash)  # as the host gives them: `bool`, not an array
_WRITING = methods.METHODS_THAT_WRITE | {
    "__setitem__",
    *(f"__i{op.__name__[1:]}__" for op in IN_PLACE.values()),
}
_MISSING = (TypeError, ValueError, AttributeError, NotImplementedError)


def placed(m: Any, run: Run, way: Any, function: Any, args: Any, kwargs: Any) -> Any:
    """Make a call where its arguments can be computed with."""
    stands = m.stands
    if any(function is f for f in _ANSWERS):
        way = others.looked_into
    if way in _COMPUTING or way in _OUTSIDE or way in _PURE:
        args, kwargs = tuple(map(stands.now_in, args)), {k: stands.now_in(v) for k, v in kwargs.items()}
    owner = getattr(function, "__self__", None)
    given = [*args, *kwargs.values(), owner]
    if stands.device is None or not stands.on_device(given):
        return run(way, function, args, kwargs)
    if function in (set, frozenset) or type(owner) in (set, frozenset, dict):
        return run(way, function, _keys_at_home(stands, owner, args), kwargs)
    if function in (weakref.ref, weakref.proxy):
        return run(way, function, args, kwargs)  # to the device's array, which lives as long as its names do
    if function is np.lib.stride_tricks.as_strided and is_array(args[0]) and on_device(args[0]):
        return _strided(*args, **kwargs)
    if way in _COMPUTING and not (stands.device == "cpu" or _of_the_host(function, args, kwargs)):
        try:
            there, options = tuple(map(stands.moved, args)), {k: stands.moved(v) for k, v in kwargs.items()}
            same, there = _there(stands, function, there, given)
            out = run(way, same, there, options)
            if function is np.broadcast_to or (
                function is np.lib.stride_tricks.sliding_window_view and not kwargs.get("writeable")
            ):
                return stands.read_only(out)
            made = function in functions.MADE and same is not function
            return stands.stays_array(out) if made else out
        except _MISSING:
            pass  # the device's library lacks it; or the call is wrong, and NumPy says so in its own words
    elif way in _PURE and not any(type(a) in ONCE for a in args):
        try:
            return run(way, function, args, kwargs)
        except _MISSING:
            pass  # round() of an array
    elif way not in _OUTSIDE and way not in _COMPUTING:  # Python's own: it keeps what it is given
        return run(way, function, args, kwargs)
    came: list[Any] = []
    args = tuple(stands.home(a, came=came) for a in args)
    kwargs = {k: stands.home(v, came=came) for k, v in kwargs.items()}
    if is_array(owner) and on_device(owner):
        function = getattr(stands.home(owner, came=came), function.__name__)
    came = [c for c in came if isinstance(c[1], np.ndarray)]
    held = [_holders(here) for _, here, _ in came]
    out = run(way, function, args, kwargs)
    out = next((there for there, here, _ in came if here is out), out)
    for (there, here, before), count in zip(came, held, strict=True):
        if _holders(here) > count:  # somebody looks into it: x.view(Mine), np.nditer(x)
            base = base_of(there)
            whole = next((h for t, h, _ in came if t is base), None)
            if whole is not None:
                stands.settle(base, whole)
        elif here.tobytes() != before:  # rng.shuffle(x)
            stored(m, there, Ellipsis, m.record(np.copy, (here,), {}, here.copy(), "copy"))
    return out


def _strided(x: Any, shape: Any = None, strides: Any = None, **_: Any) -> Any:
    """Give a view as of the user's own; CuPy's `as_strided` forgets whose memory it is."""
    view = x.view()
    shape = view.shape if shape is None else tuple(shape)
    view._set_shape_and_strides(shape, view.strides if strides is None else strides, True, True)
    return view


def _keys_at_home(stands: Any, owner: Any, args: Any) -> Any:
    """Give arguments that are hashed on the host: entries of a set, the key that a dict is asked for."""
    return tuple(stands.home(a) if i == 0 or type(owner) is not dict else a for i, a in enumerate(args))


def _holders(array: Any) -> int:
    """Count who holds an array, or the one that has its memory."""
    return sys.getrefcount(array) + sys.getrefcount(base_of(array))


def _of_the_host(function: Any, args: Any, kwargs: Any) -> bool:
    """Tell whether a call writes into an array of the host, or makes one of a class of the user's: `x.view(Mine)`."""
    out, owner, name = (
        kwargs.get("out"),
        getattr(function, "__self__", None),
        getattr(function, "__name__", ""),
    )
    targets = [*out] if isinstance(out, tuple) else [out]
    if isinstance(function, np.ufunc):
        targets += args[function.nin :]
    elif is_array(owner):
        targets += [owner] if name in _WRITING else args[methods.OUT_AT.get(name, len(args)) :]
    elif isinstance(owner, np.ufunc):
        targets += args[:1] if name == "at" else ()
    else:
        targets += args[:1] if function in WRITERS else args[out_of(function)[0] :]
    kinds = [a for a in (*args, *kwargs.values()) if isinstance(a, type) and issubclass(a, np.ndarray)]
    return bool(kinds) or function is np.broadcast_arrays or any(type(t) is np.ndarray for t in targets)


def _there(stands: Any, function: Any, args: Any, given: Any) -> tuple[Any, Any]:
    """Give the function and its arguments as the device's library has them, where NumPy itself asks no array."""
    owner = getattr(function, "__self__", None)
    if is_array(owner):
        return getattr(stands.moved(owner), function.__name__), args
    if function not in functions.MADE or numpys(function) is not None:
        return function, args
    kind = next(type(v) for v in _leaves(given) if is_array(v) and on_device(v))
    same = getattr(arrays.KINDS[kind], function.__name__)
    if args and type(args[0]) in (list, tuple):
        args = (_all_there(stands, args[0]), *args[1:])
    return same, args


def _all_there(stands: Any, value: Any) -> Any:
    """Give the numbers in lists on the device, too: there a list has arrays only, or none."""
    if type(value) in (list, tuple):
        return [_all_there(stands, v) for v in value]
    return stands.moved(stands.called(np.array)(value)) if not is_array(value) else value


def _leaves(values: Any) -> Any:
    for value in values:
        if type(value) in (list, tuple):
            yield from _leaves(value)
        else:
            yield value
