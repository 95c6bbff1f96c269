"""PyTorch's stream of random numbers on the CPU: the same seed gives the same numbers.

In: a seed and how many numbers of what kind. Out: NumPy arrays, in the order of memory. Words of 32 bits come from
the Mersenne twister (M. Matsumoto, T. Nishimura, 1998), seeded as its authors do; what is made of them follows the
`DistributionTemplates.h` of PyTorch 2.13 on a machine with AVX2, bit for bit but for float64, where the last digit may
differ. (Before, PyTorch drew dropout by a library of Intel's on Intel's machines: other numbers.) What is random on a
device is drawn on the host and copied there: one seed gives the same training on every device, for the price of the
copy (PyTorch's own numbers differ between devices).
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from ...language import tr
from .normals import normal_blocks

SEED = 67280421310721  # of a generator that nobody has seeded: PyTorch's
_STATE = np.dtype(
    [("seed", "u8"), ("left", "i4"), ("seeded", "i4"), ("next", "u8"), ("words", "u8", 624), ("x", "f8"),
     ("normal", "f8"), ("rho", "f8"), ("has_normal", "i4"), ("_", "V4"), ("single", "f4"), ("has_single", "i4")]
)  # fmt: skip
_DIGITS = {"f": 24, "d": 53, "e": 11}


def scaled(x: Any, by: Any, to: Any) -> Any:
    """Give x * by + to, in float32 rounded once, as PyTorch's fused instruction does."""
    if x.dtype == np.float64:
        return x * by + to
    return (np.multiply(x, by, dtype=np.float64) + to).astype(np.float32)


# Numbers drawn at a time: what is between stays in the cache, in memory that is there (1e6: half the time).
_PART = 1 << 13
_LOW = np.uint64(2**24 - 1)


def in_parts(n: int, dtype: Any, part: Any) -> Any:
    """Fill an array with what `part(k)` gives for as many numbers at a time."""
    if n <= _PART:
        return part(n)
    out = np.empty(n, dtype)
    for k in range(0, n, _PART):
        out[k : k + _PART] = part(min(_PART, n - k))
    return out


def narrowed(x: Any, dtype: Any) -> Any:
    """Give float64 numbers in another dtype; float16 by way of float32, as PyTorch."""
    kind = np.dtype(dtype)
    return (x.astype(np.float32) if kind.char == "e" else x).astype(kind, copy=False)


class Stream:
    """One stream of random numbers, and where it is.

    Examples
    --------
    >>> stream = Stream(0)
    >>> stream.words(2).tolist()
    [2357136044, 2546248239]
    """

    __slots__ = ("_begun", "_bits", "_seed", "waiting")

    def __init__(self, seed: int = SEED) -> None:
        self._bits: Any = np.random.MT19937(0)
        self.start(seed)

    def start(self, seed: int) -> None:
        """Begin anew. Of the 64 bits of a seed the twister takes 32, as PyTorch's."""
        self.waiting: float | None = None  # the second of a pair of normal numbers
        self._seed, self._begun = seed % 2**64, False
        self._bits._legacy_seeding(seed % 2**32)

    @property
    def seed(self) -> int:
        """The seed that it began with."""
        return self._seed

    def state(self) -> Any:
        """Give where it is, as 5,056 bytes in PyTorch's layout."""
        inner = self._bits.state["state"]
        s = np.zeros(1, _STATE)
        s["seed"], s["seeded"], s["left"], s["words"] = self._seed, 1, 625 - inner["pos"], inner["key"]
        s["next"] = inner["pos"] if self._begun else 0
        if self.waiting is not None:
            s["normal"], s["has_normal"] = self.waiting, 1
        return s.view(np.uint8)

    def go_to(self, state: Any) -> None:
        """Go on from where `state` was taken, by this class or by PyTorch.

        Raises
        ------
        RuntimeError
            If the bytes are no state.
        """
        s = np.ascontiguousarray(state, np.uint8).view(_STATE)[0]
        left, at = int(s["left"]), int(s["next"])
        if not (s["seeded"] and 0 < left <= 624 and at <= 624):
            raise RuntimeError(tr("Invalid mt19937 state: give what get_state() gave."))
        inner = {"key": s["words"].astype(np.uint32), "pos": 624 if left == 1 else at}
        self._bits.state = {"bit_generator": "MT19937", "state": inner}
        self._seed, self._begun = int(s["seed"]), at > 0
        self.waiting = float(s["normal"]) if s["has_normal"] else None

    # -- words and even numbers ---------------------------------------------------------------------
    def words(self, n: int) -> Any:
        """Give `n` whole numbers of 32 bits (as uint64)."""
        self._begun |= n > 0
        return self._bits.random_raw(n)

    def long_words(self, n: int) -> Any:
        """Give `n` whole numbers of 64 bits: two words each, the higher first."""
        words = self.words(2 * n)
        return words[0::2] << np.uint64(32) | words[1::2]

    def even(self, n: int, dtype: Any = np.float64) -> Any:
        """Give `n` numbers from 0 up to but not including 1: float64 for "d", else float32."""
        if np.dtype(dtype).char == "d":
            return in_parts(n, dtype, lambda k: (self.long_words(k) & np.uint64(2**53 - 1)) * 2.0**-53)
        return in_parts(
            n, np.float32, lambda k: (self.words(k) & _LOW).astype(np.float32) * np.float32(2.0**-24)
        )

    def uniform(self, n: int, dtype: Any, low: float = 0.0, high: float = 1.0) -> Any:
        """Give `n` numbers of this dtype from `low` up to but not including `high`."""
        kind = np.dtype(dtype)
        wide = np.float64 if kind.char == "d" else np.float32
        by, start, end = wide(high) - wide(low), wide(low), kind.type(high)

        def part(k: int) -> Any:
            x = self.even(k, kind)
            made = (x if (low, high) == (0, 1) else scaled(x, by, start)).astype(kind, copy=False)
            if low < high:
                made[made == end] = low  # what the dtype has rounded up
            return made

        return in_parts(n, kind, part)

    # -- normal numbers -------------------------------------------------------------------------------
    def normal(self, n: int, dtype: Any, mean: float = 0.0, std: float = 1.0, together: bool = True) -> Any:
        """Give `n` normal numbers of this dtype; from 16 on PyTorch makes them in blocks if memory has no gaps."""
        kind = np.dtype(dtype)
        if n < 16 or not together:
            return narrowed(self._one_by_one(n) * std + mean, kind)
        made = self._in_blocks(n, kind)
        if (mean, std) != (0, 1):
            made = scaled(made, made.dtype.type(std), made.dtype.type(mean))
        return made.astype(kind, copy=False)

    def _one_by_one(self, n: int) -> Any:
        """Give float64, made in pairs; the second of a pair waits for the next draw."""
        waiting: list[float] = [] if self.waiting is None or not n else [self.waiting]
        pairs = (n - len(waiting) + 1) // 2
        u = self.even(2 * pairs)
        radius, angle = np.sqrt(-2 * np.log1p(-u[1::2])), 2 * math.pi * u[0::2]
        made = np.concatenate(
            [waiting, np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)]
        )
        if n:
            self.waiting = float(made[n]) if made.size > n else None
        return made[:n]

    def _in_blocks(self, n: int, kind: np.dtype[Any]) -> Any:
        """Give float32 (float64 for "d"), eight pairs a block; the last block is drawn again, over the last 16."""
        if rest := n % 16:
            whole = self._in_blocks(n - rest, kind)
            if kind.char != "e":
                self.even(rest, kind)  # drawn, and not used
            return np.concatenate([whole[: n - 16], self._in_blocks(16, kind)])
        return in_parts(n, np.float64 if kind.char == "d" else np.float32, lambda k: self._blocks(k, kind))

    def _blocks(self, n: int, kind: np.dtype[Any]) -> Any:
        u = self.even(n, kind).reshape(-1, 2, 8)
        if kind.char != "d":
            return normal_blocks(u).reshape(-1)
        radius, angle = np.sqrt(-2 * np.log(1 - u[:, 0])), 2 * math.pi * u[:, 1]
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)

    # -- whole numbers ----------------------------------------------------------------------------------
    def whole(self, n: int, dtype: Any, low: int, high: int) -> Any:
        """Give `n` whole numbers of this dtype from `low` up to but not including `high` (at most 2**64 values)."""
        span = high - low
        words = self.long_words if span >= 1 << 28 else self.words

        def part(k: int) -> Any:
            drawn = words(k)
            if span < 2**64:
                drawn = drawn % np.uint64(span) + np.uint64(low % 2**64)
            return drawn.astype(np.int64).astype(dtype)

        return in_parts(n, dtype, part)

    def whole_of(self, n: int, dtype: Any) -> Any:
        """Give `n` whole numbers over all that are not negative and that this dtype holds exactly."""
        kind = np.dtype(dtype)
        top = (
            2 ** _DIGITS[kind.char] + 1
            if kind.kind == "f"
            else 2
            if kind.kind == "b"
            else np.iinfo(kind).max + 1
        )
        drawn = self.long_words(n) if kind.char in "dlq" else self.words(n)
        return (drawn % np.uint64(top)).astype(kind) if top < 2**64 else drawn.astype(kind)

    def permutation(self, n: int, dtype: Any = np.int64) -> Any:
        """Give 0 ... n-1 in random order, by exchanges from the front (R. Fisher, F. Yates)."""
        order = np.arange(n, dtype=dtype)
        to = (
            (self.words(n - 1) % np.arange(n, 1, -1, dtype=np.uint64)).astype(np.int64) + np.arange(n - 1)
            if n
            else order
        )
        start = 0
        while n - start > _SHORT:
            size = (n - start) // 64
            _exchange(order, start, to[start : start + size])
            start += size
        rest = order[start:].tolist()
        for i, z in enumerate((to[start:] - start).tolist()):
            rest[i], rest[z] = rest[z], rest[i]
        order[start:] = rest
        return order

    # -- other distributions -----------------------------------------------------------------------------
    def bernoulli(self, n: int, p: Any) -> Any:
        """Tell `n` times whether something of probability `p` (a number, or an array of `n`) happens."""
        if np.ndim(p):
            return self.even(n, p.dtype) < p
        return in_parts(n, bool, lambda k: self.even(k) < p)

    def exponential(self, n: int, rate: float = 1.0) -> Any:
        """Give `n` waiting times, float64."""
        return np.log1p(-self.even(n)) * (-1 / rate)

    def geometric(self, n: int, p: float) -> Any:
        """Give how many trials it takes, `n` times, float64."""
        with np.errstate(divide="ignore"):
            return np.ceil(np.log(self.even(n)) / math.log1p(-p))

    def cauchy(self, n: int, median: float, sigma: float) -> Any:
        """Give `n` draws of the Cauchy distribution, float64."""
        return median + sigma * np.tan(math.pi * (self.even(n) - 0.5))


_SHORT = 1 << 12  # of so many entries and fewer a loop is as fast


def _exchange(order: Any, start: int, to: Any) -> None:
    """Exchange `order[start + i]` and `order[to[i]]` for each i in turn: at once those that no other touches.

    1e6 entries: 110 ms for the 860 of a loop, which jumps through memory.
    """
    end = start + to.size
    ordered = np.sort(to)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    alone = (to >= end) & ~np.isin(to, twice)
    alone[to[to < end] - start] = False
    there = to[alone]
    here = np.flatnonzero(alone) + start
    order[here], order[there] = order[there], order[here]
    for i in np.flatnonzero(~alone).tolist():
        z = to[i]
        order[start + i], order[z] = order[z], order[start + i]


_default: list[Stream] = []


def stream() -> Stream:
    """Give the stream that is drawn from if none is named; made at the first draw (`numpy.random` loads in 10 ms)."""
    if not _default:
        _default.append(Stream(chance()))
    return _default[0]


def started() -> bool:
    """Tell whether anything was drawn or seeded yet."""
    return bool(_default)


def chance() -> int:
    """Give a seed from the machine's entropy."""
    return int.from_bytes(os.urandom(8), "little") >> 11  # 53 bits, as PyTorch's
