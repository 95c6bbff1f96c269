"""A value as plain data: what the recorder keeps of an array, and all that the report knows of it.

In: an array of any device, a NumPy scalar or a Python number. Out: a `Value`, small whatever the array's size.
Called for every operation that is watched, so a scalar takes 3 us and a small array 6: statistics of small arrays
are taken in plain Python, where ten elements cost a tenth of a NumPy reduction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import arrays

SHOWN = 100  # up to so many elements are kept, each; above, statistics and a picture
PICTURE = 64  # samples that a picture of a large array keeps


@dataclass(frozen=True, slots=True)
class Value:
    """What is shown of one array or number.

    Attributes
    ----------
    shape, dtype, size
        Of the array; a number has shape `()`. `dtype` is NumPy's name, or Python's (`"int"`) for a Python number.
    python : bool
        Whether it is a Python number.
    items
        The elements as nested tuples (a number for shape `()`), or None when there are more than 100.
    low, high, mean : float or None
        Of the finite elements; None where there is none, and for complex numbers.
    norm : float or None
        Euclidean norm of the finite elements.
    zeros, nans, infs : int
        How many elements are zero, NaN and infinite.
    picture : tuple of float
        At most 64 evenly spaced samples of the flattened array (complex: magnitudes); `()` where `items` is kept.
    """

    shape: tuple[int, ...]
    dtype: str
    python: bool
    size: int
    items: Any
    low: float | None
    high: float | None
    mean: float | None
    norm: float | None
    zeros: int
    nans: int
    infs: int
    picture: tuple[float, ...] = ()


_NUMBERS = {float: "float", int: "int", bool: "bool", complex: "complex"}
_DTYPES: dict[Any, str] = {}  # np.dtype.name takes 1 us; a look-up 50 ns


def summarise(array: Any) -> Value:
    """Summarise an array or a number.

    Parameters
    ----------
    array : ndarray, cupy.ndarray, NumPy scalar or Python number
        What to summarise; an array of a GPU is copied to the host, which waits for it.

    Examples
    --------
    >>> value = summarise(np.array([[1.0, 2.0], [3.0, np.nan]]))
    >>> value.items
    ((1.0, 2.0), (3.0, nan))
    >>> value.low, value.high, value.mean, value.nans
    (1.0, 3.0, 2.0, 1)
    >>> summarise(2).dtype, summarise(np.float32(2)).dtype
    ('int', 'float32')
    """
    name = _NUMBERS.get(type(array))
    if name is not None:
        return _of_number(array, name, True)
    if isinstance(array, np.generic):
        return _of_number(narrow(array).item(), _name(array.dtype), False)
    array = np.asarray(arrays.to_host(array))
    if array.size <= SHOWN:
        return _of_small(array)
    return _of_large(array)


def _name(dtype: Any) -> str:
    name = _DTYPES.get(dtype)
    if name is None:
        name = _DTYPES[dtype] = dtype.name
    return name


def narrow(array: Any) -> Any:
    """Give a long double as a double: Python has no number for it."""
    return (
        array.astype({"g": np.float64, "G": np.complex128}[array.dtype.char])
        if array.dtype.char in "gG"
        else array
    )


def writable(text: str) -> str:
    """Write what UTF-8 has no bytes for, the halves of a pair, as Python's own text of it does."""
    return text.encode("utf-8", "backslashreplace").decode()


def _of_number(number: Any, dtype: str, python: bool) -> Value:
    if number == 0:
        exact = 0.0 if type(number) is not complex else None
        return Value((), dtype, python, 1, number, exact, exact, exact, 0.0, 1, 0, 0)
    if not isinstance(
        number, (float, int, complex)
    ):  # a date, a string, an object: there is nothing to reckon
        return Value((), dtype, python, 1, writable(str(number)), None, None, None, None, 0, 0, 0)
    try:
        size = float(abs(number))
    except OverflowError:  # a Python int may be larger than any float
        return Value((), dtype, python, 1, number, None, None, None, None, 0, 0, 0)
    if size != size:
        return Value((), dtype, python, 1, number, None, None, None, 0.0, 0, 1, 0)
    if size == math.inf:
        return Value((), dtype, python, 1, number, None, None, None, 0.0, 0, 0, 1)
    if isinstance(number, complex):
        return Value((), dtype, python, 1, number, None, None, None, size, 0, 0, 0)
    real = float(number)
    return Value((), dtype, python, 1, number, real, real, real, size, 0, 0, 0)


def _of_small(array: np.ndarray[Any, Any]) -> Value:
    if array.dtype.kind not in "fiubc":
        return _of_others(array)
    nested = narrow(array).tolist()
    flat = nested if array.ndim == 1 else array.ravel().tolist() if array.ndim else [nested]
    zeros = flat.count(0)
    nans = infs = 0
    finite = flat
    if flat and not _finite(sum(flat)):
        nans = sum(1 for item in flat if item != item)
        finite = [item for item in flat if _finite(item)]
        infs = len(flat) - nans - len(finite)
    low = high = mean = None
    norm: float | None = 0.0
    if finite:
        if array.dtype.kind == "c":
            norm = math.hypot(*map(abs, finite))
        else:
            low, high = float(min(finite)), float(max(finite))
            mean, norm = sum(finite) / len(finite), math.hypot(*finite)
            if not math.isfinite(mean):  # the sum of finite numbers may pass the largest float
                mean = sum(item / len(finite) for item in finite)
    return Value(
        array.shape,
        _name(array.dtype),
        False,
        array.size,
        _frozen(nested),
        low,
        high,
        mean,
        norm,
        zeros,
        nans,
        infs,
    )


def _of_large(array: np.ndarray[Any, Any]) -> Value:
    kind = array.dtype.kind
    if kind not in "fiubc":
        return _of_others(array)
    size = array.size
    # Evenly spaced, both ends included; `.flat` does not copy a strided array.
    samples = array.flat[np.arange(PICTURE) * (size - 1) // (PICTURE - 1)]
    picture = tuple((np.abs(samples) if kind == "c" else samples.astype(float)).tolist())
    zeros = size - int(np.count_nonzero(array))
    nans = infs = 0
    finite = array
    with np.errstate(all="ignore"):
        if kind in "fc" and not np.isfinite(np.sum(array)):
            nans = int(np.count_nonzero(np.isnan(array)))
            infs = int(np.count_nonzero(np.isinf(array)))
            if nans or infs:
                finite = array[np.isfinite(array)]
        low = high = mean = None
        norm: float | None = 0.0
        if finite.size:
            peak = float(np.max(np.abs(finite))) if kind in "fc" else 0.0
            norm = _norm(finite, peak)
            if kind != "c":
                low, high = float(finite.min()), float(finite.max())
                mean = float(np.mean(finite, dtype=np.float64))
    return Value(
        array.shape, _name(array.dtype), False, size, None, low, high, mean, norm, zeros, nans, infs, picture
    )


def _norm(array: np.ndarray[Any, Any], peak: float) -> float:
    """Take the Euclidean norm in float64, scaled where the squares would leave its range."""
    if not peak and array.dtype.kind in "fc":
        return 0.0
    wide = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    scale = peak if peak > 1e150 or 0 < peak < 1e-150 else 1.0
    return float(np.linalg.norm(wide / scale if scale != 1.0 else wide)) * scale


def _of_others(array: np.ndarray[Any, Any]) -> Value:
    """Summarise dates, strings and objects: shown as text, without statistics."""
    small = array.size <= SHOWN
    items = _frozen(array.astype(str).tolist()) if small else None
    return Value(array.shape, _name(array.dtype), False, array.size, items, None, None, None, None, 0, 0, 0)


def _finite(number: Any) -> bool:
    return number - number == 0


def _frozen(nested: Any) -> Any:
    if type(nested) is list:
        return tuple(map(_frozen, nested))
    return writable(nested) if type(nested) is str else nested


class _Reckoned:
    """What is shown of a large array of a device, reckoned there: on its way to a `Value`."""

    __slots__ = ("dtype", "numbers", "samples", "shape", "size")

    def __init__(self, array: Any) -> None:
        self.shape, self.dtype, self.size = array.shape, array.dtype, array.size
        complex_ = array.dtype.kind == "c"
        places = arrays.from_host(np.arange(PICTURE) * (array.size - 1) // (PICTURE - 1), array)
        self.samples = np.take(np.reshape(array, -1), places)
        wide = array.astype(np.complex128 if complex_ else np.float64)
        finite = np.isfinite(wide)
        given = np.where(finite, wide, 0)
        sizes, real = np.abs(given), np.real(given)
        peak = np.max(sizes)
        scale = np.where(peak > 0, peak, 1.0)
        norm = np.sqrt(np.sum((sizes / scale) ** 2)) * scale
        count = np.sum(finite)
        low, high = np.min(np.where(finite, real, np.inf)), np.max(np.where(finite, real, -np.inf))
        zeros, nans = np.sum(wide == 0), np.sum(np.isnan(wide))
        parts = (count, low, high, np.sum(real) / np.maximum(count, 1), norm, zeros, nans)
        self.numbers = np.stack([p.astype(np.float64) for p in parts])

    def value(self) -> Value:
        """Wait for it."""
        count, low, high, mean, norm, zeros, nans = arrays.to_host(self.numbers).tolist()
        samples = arrays.to_host(self.samples)
        real = self.dtype.kind != "c"
        if not (count and real):
            low = high = mean = None
        return Value(
            shape=self.shape, dtype=_name(self.dtype), python=False, size=self.size, items=None, low=low, high=high,
            mean=mean, norm=norm, zeros=int(zeros), nans=int(nans), infs=int(self.size - count - nans),
            picture=tuple((samples.astype(float) if real else np.abs(samples)).tolist()),
        )  # fmt: skip


class Summaries(Mapping[int, Any]):
    """Number -> Value (or a tuple of them), summarised when it is read.

    A small array is kept as a copy (150 bytes), not as its summary (1,000): most are never shown.
    """

    def __init__(self, kept: dict[int, Any] | None = None) -> None:
        self.kept: dict[int, Any] = {} if kept is None else kept  # as it is kept, not summarised

    def keep(self, number: int, value: Any) -> None:
        """Keep an array, a number, a Value, or a tuple of them."""
        self.kept[number] = tuple(map(small, value)) if type(value) is tuple else small(value)

    def drop_all_but(self, numbers: set[int]) -> None:
        """Forget the others."""
        self.kept = {n: v for n, v in self.kept.items() if n in numbers}

    def bring_home(self) -> None:
        """Keep nothing on a device any more."""
        for number, value in self.kept.items():
            parts = value if type(value) is tuple else (value,)
            if any(type(v) is _Reckoned or arrays.on_device(v) for v in parts):
                self.kept[number] = self[number]

    def renumbered(self, numbers: Mapping[int, int]) -> Summaries:
        """Give those that `numbers` has, under their numbers there."""
        return Summaries({numbers[n]: v for n, v in self.kept.items() if n in numbers})

    def __getitem__(self, number: int) -> Any:
        value = self.kept[number]
        return tuple(map(_summary, value)) if type(value) is tuple else _summary(value)

    def __contains__(self, number: object) -> bool:
        return number in self.kept  # a Mapping would summarise the value to find out

    def __iter__(self) -> Iterator[int]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)


class Listed(Sequence[Any]):
    """Values in their order, summarised when they are read."""

    def __init__(self, kept: Sequence[Any]) -> None:
        self._kept = kept

    def __getitem__(self, i: Any) -> Any:
        return tuple(map(_summary, self._kept[i])) if isinstance(i, slice) else _summary(self._kept[i])

    def __len__(self) -> int:
        return len(self._kept)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (tuple, Listed)) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} values>"


def small(value: Any) -> Any:
    """Give what is kept of a value: a copy of a small array, the summary of a large one, a number as it is."""
    if type(value) is np.ndarray and value.nbytes <= 512:
        return value.copy()
    if arrays.on_device(value):  # the host waits for it when it is shown, and not while the cell runs
        return np.copy(value) if value.size <= SHOWN else _Reckoned(value)
    return summarise(value) if arrays.is_array(value) else value


def on_the_host(kept: Any) -> Any:
    """Give what `small` has kept without memory of a device."""
    if type(kept) is _Reckoned:
        return kept.value()
    return arrays.to_host(kept) if arrays.on_device(kept) else kept


def _summary(value: Any) -> Value | None:
    if type(value) is _Reckoned:
        return value.value()
    return value if value is None or isinstance(value, Value) else summarise(value)
