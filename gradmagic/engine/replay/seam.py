"""What `arrays.KINDS` has for recording arrays: creation and scatter, written into the program like any other call."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import arrays
from ..tape.tracked import raw
from . import known
from .recorded import NOW, Recorded, is_recorded, steady, value_of
from .recorder import Recording


class _Seam:
    """The module of recording arrays, as CuPy is that of a GPU's."""

    __name__ = "gradmagic.engine.replay"
    value_of = staticmethod(value_of)
    add, maximum, minimum = np.add, np.maximum, np.minimum

    @staticmethod
    def _now() -> Recording:
        now = NOW.get()
        assert now is not None
        return now

    def zeros(self, shape: Any, dtype: Any = float) -> Any:
        return self._now().call(np.zeros, (shape, np.dtype(dtype)))

    def ones(self, shape: Any, dtype: Any = float) -> Any:
        return self._now().call(np.ones, (shape, np.dtype(dtype)))

    def empty(self, shape: Any, dtype: Any = float) -> Any:
        return self.zeros(shape, dtype)  # what is never filled is the same each time

    def full(self, shape: Any, value: Any, dtype: Any = None) -> Any:
        return self._now().call(np.full, (shape, value, None if dtype is None else np.dtype(dtype)))

    def arange(self, *args: Any, **kwargs: Any) -> Any:
        return self._now().call(np.arange, args, kwargs)

    def asarray(self, value: Any, dtype: Any = None) -> Any:
        value = raw(value)
        if is_recorded(value):
            return value if dtype is None else value.astype(dtype, copy=False)
        array = np.asarray(value, dtype)
        return Recording.wrap(array, self._now().constant(array))

    def array(self, value: Any, dtype: Any = None, copy: bool = True) -> Any:
        made = self.asarray(value, dtype)
        return made.copy() if copy and made is value else made

    def asnumpy(self, value: Any) -> Any:
        return value  # it is on the host; what asks for its numbers there is refused or guarded

    def add_at(self, target: Any, index: Any, values: Any) -> None:
        now = self._now()
        now.write(arrays.add_at, (target, steady(now, index), values), {}, target)

    @staticmethod
    def window(array: Any, like: Any, offset: int) -> Any:
        """As `arrays.window`."""
        now = NOW.get()
        assert now is not None
        return now.call(known.window, (array, like.value.shape, like.value.dtype, offset, like.value.strides))


SEAM = _Seam()
KIND = Recorded
