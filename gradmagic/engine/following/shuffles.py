"""`rng.shuffle(x)` of a tracked array: followed entry by entry; of rows refused by name, which it would mix up.

In: what NumPy's shuffle is about to exchange the entries of. Out: whether that is a Sequence, which is all that it asks
of what is no array of NumPy's own. Then it does `x[i], x[j] = x[j], x[i]`: of numbers that is right, for the tape too;
but rows look into the memory of x, and the first of the two writes changes both. (Python's random.shuffle does that to
NumPy's own arrays as well: of a tracked one it makes the same.)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.random._generator
import numpy.random.mtrand

from ...errors import ArgumentError
from ...language import tr
from ..core.places import name_of
from ..tape.messages import beyond_libraries, blame
from ..tape.tracked import Tracked, is_a
from .followers import STANDING


class _Kind(type):
    def __instancecheck__(cls, value: Any) -> bool:
        if not is_a(value, Tracked.inner):
            return isinstance(value, Sequence)
        if np.ndim(value.array) > 1:
            raise ArgumentError(_refused(value))
        return True  # NumPy warns of anything else


class _Asked(metaclass=_Kind):
    """Stands for Sequence in numpy.random's compiled modules, where nothing but shuffle asks for it."""


def _refused(x: Tracked) -> str:
    name = name_of(x, beyond_libraries(sys._getframe(2))) or "x"
    return tr(
        "{value}, is shuffled in place, where no gradient can follow its rows: write "
        "{name} = {name}[rng.permutation(len({name}))] instead, of columns "
        "{name}[:, rng.permutation({name}.shape[1])].",
        value=blame(x), name=name,
    )  # fmt: skip


for _module in (numpy.random._generator, numpy.random.mtrand):
    STANDING[1].add(_module, "Sequence", _Asked)
