"""The memory of arrays that are gone, kept for the next ones: `gm.set_buffer_pool("256MB")`.

In: the first array that is followed and no mere few numbers, or the user's setting. Out: the C library's heap keeps up
to so much of what was freed, and gives it back after each `%%grad` cell, or when the setting is called.

By itself glibc gives large arrays back when they die and has the next ones faulted in anew, page by page: of 20
elementwise operations on a million float32, forward and backward, that is two thirds of the time, by hand in NumPy as
well. So the heap itself is the pool, and two of its thresholds are the limit (mallopt(3); nothing else of it is used).
What was measured beside it, in multiples of the derivative by hand in NumPy, which has the heap as it is (1.36 at the
start, 0.46 this way):

* buffers of the engine's own, from a free list guarded by reference counts, through `out=`: 0.49. They reach neither
  what a formula computes within nor the user's NumPy, put a question into every operation, and an array that the list
  still knows cannot be resized. Where there is no glibc they would pay (1.2 for 3.1, simulated); there nothing is done.
* cotangents written over in place where nobody else has them: 1.00 of this way. NumPy does it to temporaries already.

Not tried: NumPy's own hooks (PyDataMem_SetHandler), which are two calls of Python for every array, or C to compile.

It is the setting of a process, because the heap is. No value, no `base` or `flags` of an array and no reference count
depends on it; the peak of the memory stays what it was, and at the end of its heap a process keeps at most the limit.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

from .amounts import in_bytes

# Bytes of an array from which on it counts. Large ones are mapped one by one; of smaller ones the heap grows by what a
# pass makes and shrinks when it dies: ten times tanh of 8,192 float32, forward and backward, 107 us kept and 340 not.
NOTED = 4 << 10
LARGE = 128 << 10  # in malloc.h: what both thresholds are at the start
_USUAL = 256 << 20
_MOST = (2 << 30) - 1  # mallopt takes an int
# An array of more than an eighth of the limit is mapped by itself: of such, few could be kept. Of the usual limit that
# is 32 MiB, where glibc's own threshold, which grows with what is freed, ends too.
_PART = 8
_OWN = (64 << 20, 32 << 20)  # the thresholds up to which glibc's grow by themselves
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # in malloc.h


class _State:
    limit: float | None = None  # what is set; None before anything is


def set_buffer_pool(limit: str | float) -> None:
    """Set how much memory of arrays that are gone is kept ready for the next ones; give back what is ready now.

    Without it every large array is mapped and cleared by the system anew, which takes longer than computing it.

    Parameters
    ----------
    limit : str or number
        `"1GB"`, `"100 MiB"`, a number of bytes, at most 2 GiB; at the start 256 MiB, from the first array of 4 KB on
        that is followed. Arrays of up to an eighth of it are kept. 0: leave it to the C library, which keeps up to
        64 MiB.

    Raises
    ------
    ValueError
        If the limit is no amount of memory.

    Notes
    -----
    It is the heap of the process: NumPy's arrays gain by it too, and none is changed by it. What is free is given back
    after each `%%grad` cell with large arrays. There is something to set on Linux with glibc; elsewhere the call does
    nothing. Whoever sets glibc's heap by the environment (`MALLOC_TRIM_THRESHOLD_`, `GLIBC_TUNABLES`) has that until
    this is called.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.set_buffer_pool("1GB")
    >>> gm.set_buffer_pool("256 MiB")
    """
    number, before = in_bytes(limit), _State.limit
    _State.limit = number
    if number or before:
        _keep(number)
        _trim()


def keep_usual() -> None:
    """Keep the usual amount from now on, unless a limit is set; called when an array of `NOTED` is followed."""
    if _State.limit is None:
        _State.limit = 0 if _set_by_environment() else _USUAL
        if _State.limit:
            _keep(_State.limit)


def give_back() -> None:
    """Give what is kept back to the system, where a limit is set."""
    if _State.limit:
        _trim()


def _trim() -> None:
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def _keep(limit: float) -> None:
    libc = _glibc()
    if libc is None:
        return
    number = int(min(limit, _MOST))
    trim, mmap = (max(number, LARGE), max(number // _PART, LARGE)) if number else _OWN
    libc.mallopt(_TRIM_THRESHOLD, trim)
    if not libc.mallopt(_MMAP_THRESHOLD, mmap):  # before glibc 2.35 no more than its own
        libc.mallopt(_MMAP_THRESHOLD, _OWN[1])


def _set_by_environment() -> bool:
    tuned = any(name.startswith("MALLOC_") and name.endswith("_") for name in os.environ)
    return tuned or "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", "")


@cache
def _glibc() -> Any:
    """Give the C library, if its heap can be set."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return None
    try:
        import ctypes  # not in every build of Python

        libc = ctypes.CDLL(None)
        return libc if hasattr(libc, "gnu_get_libc_version") else None
    except (ImportError, OSError):
        return None
