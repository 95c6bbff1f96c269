"""What the membrane asks of an array, of NumPy's or of a device's library: whose it is, where its memory lies.

In: a value, or a function of CuPy's. Out: whether it is an array, the array that owns its memory and the address of its
first entry; the function of NumPy's with the same meaning. Nothing here waits for a device.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ...engine.core.arrays import is_array, known, on_device
from ...engine.tape.tracked import Tracked

_PAIRS = {"cupy": "numpy", "cupyx.scipy.special": "scipy.special"}
_PARTS = "", ".linalg", ".fft"
# By id of a function of CuPy's: itself, and NumPy's of the same name.
_NUMPYS: dict[int, tuple[Any, Any]] = {}
_read: set[tuple[str, str]] = set()


def find_devices() -> None:
    """Let CuPy's arrays count as arrays where somebody has imported it: they may come without `device=`."""
    cupy = sys.modules.get("cupy")
    if cupy is not None and hasattr(cupy, "ndarray"):
        known(cupy.ndarray)


def numpys(function: Any) -> Any:
    """Give the function of NumPy's, or SciPy's, that one of CuPy's is named after; None for anything else.

    Of a method of such a function (`cp.add.at`) it is the method of NumPy's.
    """
    if "cupy" not in sys.modules:
        return None
    found = _NUMPYS.get(id(function))
    if found is not None:
        return found[1]
    if not type(function).__module__.startswith("cupy") and not _module(function).startswith("cupy"):
        return None
    owner = getattr(function, "__self__", None)
    if owner is not None and type(owner).__module__.startswith("cupy"):
        same = numpys(owner)
        return None if same is None else getattr(same, function.__name__, None)
    _read_names()
    found = _NUMPYS.get(id(function))
    return None if found is None else found[1]


def _module(function: Any) -> str:
    owner = getattr(function, "__self__", None)
    return str(getattr(function, "__module__", None) or type(owner).__module__)


def _read_names() -> None:
    find_devices()
    for ours, theirs in ((a + part, b + part) for a, b in _PAIRS.items() for part in _PARTS):
        if (ours, theirs) in _read or ours not in sys.modules or theirs not in sys.modules:
            continue
        _read.add((ours, theirs))
        names = vars(sys.modules[theirs])
        for name, function in list(vars(sys.modules[ours]).items()):
            same = names.get(name)
            if (callable(function) and callable(same) and not isinstance(same, type)) or name in ("r_", "c_"):
                _NUMPYS[id(function)] = function, same


def is_number(value: Any) -> bool:
    """Tell whether it is an array, or a number that is not whole."""
    return issubclass(type(value), (float, np.inexact, complex)) or is_array(value)


def has_objects(value: Any) -> bool:
    """Tell whether it is an array of objects."""
    return type(value) is np.ndarray and value.dtype.hasobject


def is_flat(value: Any) -> bool:
    """Tell whether it is what `x.flat` gives."""
    return issubclass(type(value), np.flatiter) or (
        type(value).__name__ == "flatiter" and is_array(getattr(value, "base", None))
    )


def base_of(array: Any) -> Any:
    """Give the array that owns the memory of `array`, through memoryviews and `as_strided` as well."""
    if on_device(array):
        while is_array(base := getattr(array, "base", None)):
            array = base
        return array
    while True:
        base = array.base
        if isinstance(base, memoryview):
            base = base.obj
        elif base is not None and not isinstance(base, np.ndarray):
            base = getattr(base, "base", None)  # as_strided holds its array in an object of its own
        if not isinstance(base, np.ndarray):
            return array
        array = base


def borrowed(base: Any) -> bool:
    """Tell whether the memory of an array without a base may be another's: it came by a protocol, as DLPack's."""
    if not on_device(base):
        return base.base is not None
    memory = getattr(getattr(base, "data", None), "mem", None)
    return type(memory).__name__ in ("DLPackMemory", "UnownedMemory")


def piece_of(array: Any) -> Any:
    """Give the object that stands for the piece of a device's memory which an array lies in; None for NumPy's."""
    if type(array) is np.ndarray or not on_device(array):
        return None
    return getattr(array.data, "mem", None)


def address(array: Any) -> int:
    """Give where the first entry lies."""
    if on_device(array):
        return int(array.data.ptr)
    return int(array.__array_interface__["data"][0])


def may_share(a: Any, b: Any) -> bool:
    """Tell whether two arrays may share memory."""
    if on_device(a) or on_device(b):
        return piece_of(a) is piece_of(b) or borrowed(base_of(a)) or borrowed(base_of(b))
    return bool(np.may_share_memory(a, b))


def holds_device(value: Any) -> bool:
    """Tell whether a value is of a device, or holds one that is."""
    if issubclass(type(value), (list, tuple, dict)):
        return any(map(holds_device, value.values() if issubclass(type(value), dict) else value))
    return on_device(value.array if issubclass(type(value), Tracked) else value)
