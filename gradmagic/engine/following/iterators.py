"""NumPy's ways through an array entry by entry, followed: `np.vectorize`, `np.nditer`, `np.ndenumerate`, `as_strided`.

In: calls of the user's code while a traced call runs. Out: of tracked values tracked entries, with the values, dtypes
and order that NumPy gives; of anything else what NumPy gives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...language import tr
from ..core import arrays
from ..dispatch.primitives import cast
from ..faces.inplace import shared_entries
from ..tape import memory
from ..tape.messages import blame
from ..tape.tracked import Tracked, raws
from .conversions import as_array, gathered, held_in_list, tracked
from .followers import follow, follow_method, follower_of
from .switch import traces


def _met(value: Any) -> bool:
    return tracked(value) or held_in_list(value)


# ---- np.vectorize ----------------------------------------------------------------------------------------------


def _vectorized(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        given: dict[Any, Any] = dict(enumerate(args))
        given.update(kwargs)
        vary = [key for key in given if key not in self.excluded]
        if not (traces() and any(_met(given[key]) for key in vary)) or self.signature is not None:
            return original(self, *args, **kwargs)
        grids = np.broadcast_arrays(*(gathered(given[key]) for key in vary))
        shape = np.shape(grids[0])
        if not grids[0].size:
            return original(self, *args, **kwargs)

        function = follower_of(self.pyfunc) or self.pyfunc  # np.vectorize(math.exp)

        def one(entry: Any) -> Any:
            at = given | dict(zip(vary, entry, strict=True))
            return function(*(at[i] for i in range(len(args))), **{k: at[k] for k in kwargs})

        flat = [np.ravel(grid) for grid in grids]
        # As NumPy: without otypes the first entry is computed once more, and gives the dtype of all.
        first = [] if self.otypes else [one([f[0] for f in flat])]
        outs = first if self.cache else []
        outs = outs + [one(map(_python, entry)) for entry in list(zip(*flat, strict=True))[len(outs) :]]
        several = type(outs[0]) is tuple
        columns = list(zip(*outs, strict=True)) if several else [outs]
        dtypes = self.otypes or [np.asarray(raws(v)).dtype for v in (first[0] if several else first)]
        made = tuple(_joined(list(c), np.dtype(d), shape) for c, d in zip(columns, dtypes, strict=True))
        return made if several else made[0]

    return call


def _python(entry: Any) -> Any:
    """Give an entry as np.vectorize hands it on: a Python number."""
    if not isinstance(entry, Tracked):
        return entry.item()
    return type(entry).wrap(arrays.to_host(entry.array).item(), entry.node)


def _joined(column: list[Any], dtype: Any, shape: tuple[int, ...]) -> Any:
    made = np.reshape(as_array(column) if held_in_list(column) else np.array(column), shape)
    if not isinstance(made, Tracked):
        return made.astype(dtype)
    return made if made.array.dtype == dtype else cast(made, dtype)


call_vectorized = _vectorized(vars(np.vectorize)["__call__"])
follow_method(np.vectorize, "__call__", lambda original: call_vectorized)

# ---- iterators -------------------------------------------------------------------------------------------------


class _Flat:
    """What `np.ndenumerate` goes along, of a tracked array: entries, and where the next one is."""

    def __init__(self, array: Any) -> None:
        self._array, self._places = array, np.ndindex(*np.shape(array))
        self.coords: Any = next(self._places, None)

    def __next__(self) -> Any:
        if self.coords is None:
            raise StopIteration
        at, self.coords = self.coords, next(self._places, None)
        return self._array[at]


def _enumerated(original: Any) -> Callable[..., Any]:
    @wraps(original)
    def init(self: Any, arr: Any) -> None:
        if traces() and _met(arr):
            self.iter = _Flat(gathered(arr))
        else:
            original(self, raws(arr))

    return init


class _Iterator:
    """`np.nditer` of tracked arrays: NumPy's own gives the order, the entries are views of the arrays."""

    def __init__(self, operands: list[Any], flags: Any, settings: dict[str, Any]) -> None:
        self._operands = operands
        self._numbers = np.nditer(
            [raws(o) for o in operands], ["multi_index", *flags], [["readonly"]] * len(operands), **settings
        )
        self._started = False

    def __iter__(self) -> _Iterator:
        return self

    def __next__(self) -> Any:
        if self.finished or (self._started and not self.iternext()):
            raise StopIteration
        self._started = True
        return self.value

    def _index(self, operand: Any) -> Any:
        shape = np.shape(operand)
        at = self._numbers.multi_index[self._numbers.ndim - len(shape) :]
        return (*(i if n > 1 else 0 for i, n in zip(at, shape, strict=True)), Ellipsis)

    @property
    def value(self) -> Any:
        return self[0] if len(self._operands) == 1 else tuple(self[k] for k in range(len(self._operands)))

    @property
    def operands(self) -> tuple[Any, ...]:
        return tuple(self._operands)

    def reset(self) -> None:
        self._numbers.reset()
        self._started = False

    def __getitem__(self, k: int) -> Any:
        return self._operands[k][self._index(self._operands[k])]

    def __setitem__(self, k: int, value: Any) -> None:
        self._operands[k][self._index(self._operands[k])] = value

    def __len__(self) -> int:
        return len(self._operands)

    def __enter__(self) -> _Iterator:
        return self

    def __exit__(self, *_: object) -> None:
        self._numbers.close()

    def __getattr__(self, name: str) -> Any:  # multi_index, index, finished, iternext, shape ...
        return getattr(self._numbers, name)


_KNOWN = {"multi_index", "c_index", "f_index", "refs_ok", "zerosize_ok", "copy_if_overlap"}


def _iterated(original: Any, name: str) -> Callable[..., Any]:
    @wraps(original, updated=())
    def follower(op: Any, flags: Any = (), op_flags: Any = None, *args: Any, **kwargs: Any) -> Any:
        operands = list(op) if isinstance(op, (list, tuple)) and np.ndim(op[0] if op else 0) else [op]
        if not traces() or not any(isinstance(o, Tracked) or held_in_list(o) for o in operands):
            return (
                original(op, flags, op_flags, *args, **kwargs)
                if op_flags
                else original(op, flags, *args, **kwargs)
            )
        odd = sorted(set(flags) - _KNOWN) + sorted(k for k in kwargs if k != "order")
        if odd or args or any(o is None for o in operands):
            raise ArgumentError(tr(
                "np.nditer of a tracked array takes entries one by one, not {options}: write a loop over "
                "np.ndindex(x.shape), or an expression of whole arrays.",
                options=", ".join(odd) or tr("these arguments"),
            ))  # fmt: skip
        return _Iterator([gathered(o) for o in operands], [f for f in flags if f != "multi_index"], kwargs)

    return follower


follow_method(np.ndenumerate, "__init__", _enumerated)
follow("nditer", _iterated)

# ---- as_strided ------------------------------------------------------------------------------------------------


def _strided(original: Any, name: str) -> Callable[..., Any]:
    @wraps(original)
    def follower(x: Any, shape: Any = None, strides: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not (traces() and isinstance(x, Tracked) and type(x.array) is np.ndarray):
            return original(raws(x), shape, strides, *args, **kwargs)
        plain = original(x.array, shape, strides, *args, **kwargs)
        base = memory.base_of(x.array)
        found = shared_entries(plain, x.array) if base.flags.forc else None
        if found is None or not found[0].all():
            raise ArgumentError(tr(
                "as_strided of {value}, looks at memory that is not its own, or lies with gaps: give it "
                "np.ascontiguousarray(x) and strides within it, or write np.lib.stride_tricks.sliding_window_view.",
                value=blame(x),
            ))  # fmt: skip
        at = plain.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        view = np.ndarray(plain.shape, plain.dtype, base, at, plain.strides)
        view.flags.writeable = plain.flags.writeable
        node = None
        if x.node is not None:
            node = np.take(x, found[1].reshape(view.shape)).node  # type: ignore[call-overload]
        made = type(x).wrap(view, node)
        memory.shares(made, x)
        return made

    return follower


follow("as_strided", _strided, "numpy.lib.stride_tricks")
