"""The seam to array libraries: creation, scatter and the way to the host, where NumPy's protocols do not reach.

Everything else in the engine calls plain `np.` functions, which dispatch by themselves to the array's own library.
In: arrays or avals. Out: arrays on the same device. CuPy is imported only when somebody asks for a GPU.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np

from ...errors import DeviceError
from ...language import tr

# Which module makes new arrays like an array of this type. Another library's enters when its first array is met.
KINDS: dict[type, ModuleType | Any] = {np.ndarray: np}
HOSTS: set[Any] = {np}  # those of them whose arrays lie on the host
_NUMBERS = frozenset({float, int, bool, complex, *np.sctypeDict.values()})


# What writes a program here (engine/replay), if anything does.
RECORDING: ContextVar[Any] = ContextVar("gradmagic recording", default=None)
BEFORE_TRANSFERS: list[Any] = []  # what else the devices are asked when the host waits for them (bounds.py)


def known(kind: type) -> bool:
    """Tell whether this is the type of arrays of some device, whether or not anyone has asked for the device.

    It is where its home has what the seam needs: the user may bring CuPy's arrays without a word to gradmagic.
    """
    if kind in KINDS or kind in _NUMBERS:
        return kind in KINDS
    home = sys.modules.get(kind.__module__)
    if getattr(home, "ndarray", None) is not kind or not hasattr(home, "asnumpy"):
        return False
    KINDS[kind] = home
    return True


def module_of(array: Any) -> Any:
    """Give the module that makes arrays like `array`; NumPy for NumPy's scalars and Python's numbers."""
    found = KINDS.get(type(array))
    if found is None:
        return KINDS[type(array)] if known(type(array)) else np
    return found


def like_recorded(number: Any, proto: Any) -> Any:
    """Give a number as one that records, where `proto` does: what is computed from it alone is written down too."""
    constant = getattr(type(proto), "constant", None)
    return number if constant is None else constant(number)


def home_of(array: Any, index: Any) -> Any:
    """Give the module that makes arrays into which `array` is put at `index`: of either, where it records."""
    if RECORDING.get() is not None:
        for part in index if type(index) is tuple else (index,):
            if hasattr(type(part), "whole_call"):
                return KINDS[type(part)]
    return module_of(array)


def is_array(value: Any) -> bool:
    """Tell whether `value` is an array of some device, not a NumPy scalar, a Python number or a tracked value."""
    kind = type(value)
    # isinstance() would take a lifted Array for one
    return kind in KINDS or issubclass(kind, np.ndarray) or known(kind)


def is_memory(value: Any) -> bool:
    """Tell whether `value` is an array that can be written into; one that records may stand for a NumPy scalar."""
    return is_array(getattr(module_of(value), "value_of", _same)(value))


def is_typed(value: Any) -> bool:
    """Tell whether `value` has a dtype: an array of some device, or a NumPy scalar."""
    return isinstance(value, np.generic) or is_array(value)


def is_numeric(value: Any, kinds: str = "iufc") -> bool:
    """Tell whether `value` is a number, or an array, whose dtype is of these kinds; a truth value is none.

    Examples
    --------
    >>> is_numeric(2), is_numeric(2, "fc"), is_numeric(np.ones(3, np.float32), "fc"), is_numeric(True), is_numeric("2")
    (True, False, True, False, False)
    """
    if is_typed(value):
        return value.dtype.kind in kinds
    numbers = (int, float, complex) if "i" in kinds else (float, complex)
    return isinstance(value, numbers) and not isinstance(value, bool)


def on_device(value: Any) -> bool:
    """Tell whether `value` lives on another device than the host; what records (engine/replay) lives on it."""
    return module_of(value) not in HOSTS


def whole(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make `function`, which takes plain arrays only, one step of a program where an argument records."""

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        if RECORDING.get() is not None:
            for a in (*args, *kwargs.values()):
                if (noted := getattr(type(a), "whole_call", None)) is not None:
                    return noted(function, args, kwargs)
        return function(*args, **kwargs)

    return called


def noted(original: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function that makes arrays, and asks no protocol, one that a recording (engine/replay) writes down."""

    @wraps(original)
    def called(*args: Any, **kwargs: Any) -> Any:
        now = RECORDING.get()
        return original(*args, **kwargs) if now is None else now.creation(original, args, kwargs)

    return called


def zeros(like: Any, proto: Any) -> Any:
    """Make zeros of `like.shape` and `like.dtype` on the device of `proto`."""
    return module_of(proto).zeros(like.shape, like.dtype)


def empty(like: Any, proto: Any) -> Any:
    """Make an array of `like.shape` and `like.dtype`, not yet filled, on the device of `proto`."""
    return module_of(proto).empty(like.shape, like.dtype)


def ones(like: Any, proto: Any) -> Any:
    """Make ones of `like.shape` and `like.dtype` on the device of `proto`."""
    return module_of(proto).ones(like.shape, like.dtype)


def full(like: Any, value: Any, proto: Any) -> Any:
    """Make an array of `like.shape` and `like.dtype` filled with `value`, on the device of `proto`."""
    return module_of(proto).full(like.shape, value, like.dtype)


def arange(n: int, proto: Any) -> Any:
    """Make `0 ... n-1` on the device of `proto`."""
    return module_of(proto).arange(n)


def from_host(array: Any, proto: Any) -> Any:
    """Copy a NumPy array to the device of `proto`; hand it on if that is the host, or if it is on a device."""
    module = module_of(proto)
    return array if module is np or on_device(array) else module.asarray(array)


def to_host(array: Any) -> Any:
    """Copy `array` to a NumPy array if it lives elsewhere (this synchronises); hand it on if it does not."""
    module = module_of(array)
    if module is np:
        return array
    for settle in BEFORE_TRANSFERS:
        settle()
    return module.asnumpy(array)


def beside(value: Any, proto: Any) -> Any:
    """Bring an array to where `proto` lives; hand on what is there, and what is no array."""
    if not is_array(value) or on_device(value) == on_device(proto):
        return value
    return to_host(value) if on_device(value) else from_host(value, proto)


def kind_of(array: Any) -> type:
    """Give the type that `array` is to the user's code: what records (engine/replay) says what it stands for."""
    kind = type(array)
    return type(array.value) if hasattr(kind, "whole_call") else kind


def address(array: Any) -> int:
    """Tell where the first entry of `array` lies in the memory of its device."""
    array = getattr(module_of(array), "value_of", _same)(array)
    found = array.__cuda_array_interface__ if on_device(array) else array.__array_interface__
    return int(found["data"][0])


def _same(array: Any) -> Any:
    return array


def window(array: Any, like: Any, offset: int) -> Any:
    """Give the part of `array`, which has no gaps, from `offset` bytes on, as `like` is laid out; on a device."""
    if (made := getattr(module_of(array), "window", None)) is not None:
        return made(array, like, offset)
    part = array.reshape(-1) if array.flags.c_contiguous else array.T.reshape(-1)
    part = part.view(like.dtype)[offset // like.dtype.itemsize :].view()
    part._set_shape_and_strides(
        like.shape, like.strides, True, True
    )  # CuPy's as_strided forgets whose memory it is
    return part


def add_at(target: Any, index: Any, values: Any) -> None:
    """Add `values` into `target[index]` in place; an entry that `index` names twice gets both."""
    module = module_of(target)
    if (recorded := getattr(module, "add_at", None)) is not None:
        recorded(target, index, values)
    elif module is np:
        rows = index[0] if type(index) is tuple and len(index) == 1 else index
        if (
            type(rows) is np.ndarray
            and rows.dtype.kind in "iu"
            and target.ndim > 1
            and target.flags.c_contiguous
        ):
            width = target.size // max(target.shape[0], 1)
            if width >= _WIDE and rows.size * width >= _MANY:
                _add_rows(target, rows, np.broadcast_to(values, (*rows.shape, *target.shape[1:])))
                return
        np.add.at(target, index, values)
    elif target.dtype.kind == "c":  # CuPy's scatters know no complex numbers
        module.add.at(target.real, index, np.real(values))
        module.add.at(target.imag, index, np.imag(values))
    else:
        module.add.at(target, index, values)


def extreme_at(extreme: Any, target: Any, index: Any, values: Any) -> None:
    """Put the larger (np.maximum) or smaller (np.minimum) of `target[index]` and `values` there, in place."""
    module = module_of(target)
    getattr(module, extreme.__name__).at(target, index, values)


_WIDE, _MANY = 16, 1 << 14  # entries of a row, and of all: below that np.add.at is as fast


def _add_rows(target: np.ndarray, rows: np.ndarray, values: np.ndarray) -> None:
    """Add whole rows: those of one target one after the other (4,096 of 10,000 x 64: 0.6 ms for 3.0).

    Where a row is named often, its values are summed first (4,096 of 3 x 64: 0.4 ms for 2.9).
    """
    number = rows.reshape(-1)
    number = np.where(number < 0, number + target.shape[0], number)
    target, values = target.reshape(target.shape[0], -1), values.reshape(number.size, -1)
    order = np.argsort(number, kind="stable")
    ordered = number[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    times = np.diff(starts, append=number.size)
    if times.max() > _OFTEN:
        target[ordered[starts]] += np.add.reduceat(values[order], starts, axis=0)
        return
    turn = np.arange(number.size) - np.repeat(starts, times)
    for k in range(int(times.max())):
        now = order[turn == k]
        target[number[now]] += values[now]


_OFTEN = 8


def cupy() -> Any:
    """Import CuPy for a GPU that works, or say in one sentence why there is none.

    Raises
    ------
    DeviceError
        If CuPy is not installed, or finds no GPU that it can use.
    """
    module: Any = sys.modules.get("cupy")
    if module is None:
        try:
            module = importlib.import_module("cupy")  # optional and slow: only when a GPU is asked for
        except ImportError:
            raise DeviceError(tr(
                'device="cuda" needs CuPy, which is not installed: pip install "gradmagic[cuda13]" '
                '(or "gradmagic[cuda12]"), or leave out device= to compute on the CPU.'
            )) from None  # fmt: skip
    # The import succeeds without a GPU; only is_available() tells, and it never raises.
    if not module.cuda.is_available():
        raise DeviceError(tr(
            'device="cuda" needs an NVIDIA GPU and its driver, and CuPy finds none: '
            "leave out device= to compute on the CPU."
        ))  # fmt: skip
    known(module.ndarray)
    return module


def to_device(array: Any, device: Any) -> Any:
    """Copy `array` to `device` ("cpu", "cuda", "cuda:1"); hand it on if it is there.

    Raises
    ------
    DeviceError
        If the device is unknown or cannot be used here.
    """
    name = str(device)
    if name == "cpu":
        return to_host(array)
    kind, _, index = name.partition(":")
    if kind != "cuda" or (index and not index.isdigit()):
        raise DeviceError(tr(
            'device {name!r} is unknown: write device="cpu", device="cuda" or device="cuda:0".', name=name,
        ))  # fmt: skip
    module = cupy()
    with module.cuda.Device(int(index or 0)):
        return module.asarray(array)


def device_of(array: Any) -> str:
    """Name the device of `array` as PyTorch does: "cpu" or "cuda:0"."""
    if not on_device(array):
        return "cpu"
    return f"cuda:{getattr(getattr(array, 'device', None), 'id', 0)}"


_SMALL = 4096
SCALARS = {np.dtype(c).type: np.dtype(c) for c in "efdFD"}


def constant(number: float, like: Any) -> Any:
    """Give 0 or 1 as NumPy's arrays of floats take it quickest: as a 0-d array of their dtype; else as it is.

    `z >= 0` takes 390 ns and `1 + e` 440, with a 0-d array 210 and 190.
    """
    if type(like) is not np.ndarray or not like.ndim:
        return number
    return _CONSTANTS.get((number, like.dtype), number)


_CONSTANTS: dict[tuple[float, Any], Any] = {(n, np.dtype(c)): np.array(n, c) for n in (0, 1) for c in "fd"}
for _zero_or_one in _CONSTANTS.values():
    _zero_or_one.flags.writeable = False


def filled(g: Any, like: Any) -> Any:
    """Give a number of NumPy's as an array of `like.shape`.

    Small: filled (0.4 us; `np.broadcast_to` takes 4). Large: a view, which takes no memory.
    """
    if like.size > _SMALL:
        return np.broadcast_to(g, like.shape)
    out = np.empty(like.shape, SCALARS[type(g)])
    out.fill(g)
    return out
