"""Random numbers drawn until one is accepted: Poisson, binomial and gamma ones, as PyTorch draws them on a CPU.

In: a stream and parameters as flat arrays. Out: float64, one for each. How many numbers of the stream each takes is
known only when it is done, so they are taken one at a time: about 2 us a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .generator import Stream


class Single:
    """The numbers of a stream one at a time; at the `end` the stream goes on after the last one taken."""

    def __init__(self, stream: Stream, kind: Any) -> None:
        self._stream, self._start, self._used = stream, stream.state(), 0
        self._ahead: list[float] = []
        self._waiting = stream.waiting
        self.rounded: Callable[[float], float] = (
            float if kind == np.float64 else lambda x: float(np.float32(x))
        )

    def even(self) -> float:
        """Give a number from 0 up to but not including 1."""
        if not self._ahead:
            self._ahead = self._stream.even(128)[::-1].tolist()
        self._used += 1
        return self._ahead.pop()

    def normal(self) -> float:
        """Give a normal number: one of a pair, the other waits."""
        if self._waiting is not None:
            made, self._waiting = self._waiting, None
            return made
        angle = 2 * math.pi * self.even()
        radius = math.sqrt(-2 * math.log1p(-self.even()))
        self._waiting = radius * math.sin(angle)
        return radius * math.cos(angle)

    def end(self) -> None:
        """Let the stream go on."""
        self._stream.go_to(self._start)
        self._stream.even(self._used)
        self._stream.waiting = self._waiting


def _each(draw: Callable[..., float]) -> Callable[..., Any]:
    def function(stream: Stream, *parameters: Any) -> Any:
        one = Single(stream, parameters[0].dtype)
        made = [draw(one, *row) for row in zip(*(p.tolist() for p in parameters), strict=True)]
        one.end()
        return np.array(made, np.float64)

    function.__doc__ = draw.__doc__
    return function


def _poisson(one: Single, rate: float) -> float:
    """Give a count of events; from a rate of 10 on by transformed rejection (W. Hoermann, 1993)."""
    if rate < 10:
        if rate == 0:
            return 0
        least, product, count = math.exp(-rate), one.even(), 0
        while product > least:
            product *= one.even()
            count += 1
        return count
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse, most = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)
    while True:
        u = one.even() - 0.5
        v = one.even()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= most:
            return k
        if k < 0 or (us < 0.013 and v > us):
            continue
        if math.log(v) + math.log(inverse) - math.log(a / (us * us) + b) <= -rate + k * math.log(
            rate
        ) - math.lgamma(k + 1):
            return k


def _binomial(one: Single, count: float, p: float) -> float:
    """Give how many of `count` trials succeed; from 10 expected ones on by rejection (W. Hoermann, 1993)."""
    if count <= 0 or p <= 0:
        return 0
    if p >= 1:
        return count
    if p > 0.5:
        return count - _binomial(one, count, one.rounded(1 - p))
    if one.rounded(count * p) >= 10:
        return _many(one, count, p)
    total, successes, scale = 0.0, -1, one.rounded(math.log1p(-p))
    while total <= count:
        total += math.ceil(math.log(one.even() or 5e-324) / scale)
        successes += 1
    return successes


_TAILS = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211,
    0.0138761288230707, 0.0118967099458917, 0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _tail(k: float) -> float:
    """Give what Stirling's formula leaves out of log(k!)."""
    if k < len(_TAILS):
        return _TAILS[int(k)]
    square = (k + 1) ** 2
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


def _many(one: Single, n: float, p: float) -> float:
    mean, q = one.rounded(n * p), one.rounded(1 - p)
    width = math.sqrt(one.rounded(mean * q))
    b = 1.15 + 2.53 * width
    a = -0.0873 + 0.0248 * b + 0.01 * p
    most, r, alpha, m = (
        0.92 - 4.2 / b,
        one.rounded(p / q),
        (2.83 + 5.1 / b) * width,
        math.floor(one.rounded((n + 1) * p)),
    )
    while True:
        u = one.even() - 0.5
        v = one.even()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + mean + 0.5)
        if k < 0 or k > n:
            continue
        if us >= 0.07 and v <= most:
            return k
        bound = (m + 0.5) * math.log((m + 1) / (r * (n - m + 1))) + (n + 1) * math.log(
            (n - m + 1) / (n - k + 1)
        )
        bound += (
            (k + 0.5) * math.log(r * (n - k + 1) / (k + 1))
            + _tail(m)
            + _tail(n - m)
            - _tail(k)
            - _tail(n - k)
        )
        if math.log(v * alpha / (a / (us * us) + b)) <= bound:
            return k


_THIRD, _MOST = (
    float(np.float32(1) / np.float32(3)),
    float(np.float32(0.0331)),
)  # PyTorch's constants are float32


def _gamma(one: Single, shape: float) -> float:
    """Give a gamma number of rate 1 (G. Marsaglia, W. Tsang, 2000)."""
    scale = 1.0
    if shape < 1:
        if shape == 0:
            return 0.0
        scale = (1 - one.even()) ** one.rounded(1 / shape)
        shape = one.rounded(shape + 1)
    d = one.rounded(shape - _THIRD)
    c = 1 / math.sqrt(9 * d)
    while True:
        x = one.normal()
        while 1 + c * x <= 0:
            x = one.normal()
        v = (1 + c * x) ** 3
        u = 1 - one.even()
        if u < 1 - _MOST * x**4 or math.log(u) < 0.5 * x * x + d * (1 - v + math.log(v)):
            return scale * d * v


poisson, binomial, gamma = _each(_poisson), _each(_binomial), _each(_gamma)
