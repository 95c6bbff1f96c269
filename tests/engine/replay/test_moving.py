"""Numbers that are others at each call, in every expression that takes a number: a count, a float that the function
moves on or somebody else sets, an argument of each kind.

In: expressions of `n` and an array `x`. Out: each gives, and raises, at every call what it gives without a program.
"""

from __future__ import annotations

import functools
import math
import operator
import warnings
from typing import Any

import numpy as np
import pytest

import gradmagic as gm

EXPRESSIONS = """
x * n
x + n / 3
x * (n // 2)
x * (n % 3)
x * (-n % 3)
x * divmod(n, 3)[0] + divmod(n, 3)[1]
x * (n ** 2)
x * (2 ** n)
x * (2 ** -n)
x * (n ** -1)
x * (n ** 0.5)
x * ((-n) ** 2)
x * abs(-n)
x * (n & 1)
x * (n | 4)
x * (n ^ 5)
x * (n << 2)
x * (n >> 1)
x * (~n)
x * (+n)
x * round(n)
x * round(n / 3)
x * round(n / 3, 1)
x * int(n)
x * int(n / 3)
x * float(n)
x * bool(n)
x * (not n)
x * (n and 2)
x * (n or 7)
x * min(n, 3)
x * max(n, 3)
x * min(n, 3.5)
x * sum([n, 1, 2])
x * sum(range(n))
x * len(range(n))
x * len([0] * n)
x * len("a" * n)
x * (n in (2, 3))
x * (n == 3)
x * (n != 3)
x * (1 < n < 4)
x * (n is None)
x * isinstance(n, int)
x * isinstance(n, bool)
x * isinstance(n, float)
x * isinstance(n, (int, np.integer))
x * (type(n).__name__ == "int")
x * {1: 2.0, 3: 5.0}.get(n, 1.0)
x * [1.0, 2.0, 3.0][n % 3]
x[n % 3]
x[: n % 4].sum()
x[n % 3 :].sum()
x[-(n % 3) - 1]
x * math.sqrt(n)
x * math.exp(-n)
x * math.log(n + 1)
x * math.pow(n, 0.5)
x * math.floor(n / 2)
x * math.ceil(n / 2)
x * math.factorial(n)
x * math.gcd(n, 6)
x * math.comb(5, n)
x * math.isqrt(n)
x * math.fmod(n, 3)
x * math.copysign(1, 3 - n)
x * math.hypot(n, 1)
x * math.cos(n)
x * math.isclose(n, 3)
x * math.isnan(n)
x * math.inf if n > 3 else x
x * np.sqrt(n)
x * np.exp(-n)
x * np.float64(n)
x * np.float32(n)
x.astype(np.float32) * n
x.astype(int) * n
(x * 10).astype(np.int8) * (n % 3)
x * np.array(n)
x * np.array([n, 1, 2])
x * np.asarray(n)
x * np.full(3, n)
x * np.full(3, n / 2)
x * np.arange(n).sum()
x * np.linspace(0, n, 3)
x * np.zeros(n + 1).size
x * np.ones((n + 1, 3)).sum()
x * np.eye(3)[n % 3]
x * np.minimum(n, 3)
x * np.clip(n, 1, 3)
x * np.power(n, 2)
x * np.mod(n, 3)
x * np.floor_divide(n, 2)
x * np.sign(n - 3)
x * np.where(n > 3, 2.0, 1.0)
np.where(x > n / 4, x, -x)
x * np.isin(n, [2, 3])
x * np.random.default_rng(n).normal()
np.roll(x, n)
np.repeat(x, n)
np.tile(x, n).sum()
np.sum(x) / n
np.linalg.matrix_power(np.outer(x, x), n)
np.diff(np.tile(x, 4), n % 3)
np.quantile(x, n / 10)
np.partition(x, n % 3)[0]
np.percentile(x, n)
np.full_like(x, n)
np.power(np.abs(x), n)
np.abs(x) ** n
n ** np.abs(x)
n - x, n / (x * x + 1), n // (x * x + 1), n % (x * x + 1)
x / n, x // n, x % n
divmod(x, n)
n < x, n >= x
n.bit_length() * x
n.real * x, n.imag * x
n.numerator * x
n.conjugate() * x
(n / 2).is_integer() * x
(n / 2).hex()[:3] == "0x1" and x
n.__index__() * x
n.__add__(1) * x
operator.index(n) * x
operator.mul(n, x)
hash(n) * x
str(n) + "a", x
f"{n:03d}", x
repr(n), x
x * len(str(n))
complex(n, 1) * x
x * int(str(n))
x * int("1" * n)
x * (n if n % 2 else n + 1)
x * sorted([n, 3, 2])[0]
x * list(reversed(range(n + 1)))[0]
x * next(iter([n]))
x * [k for k in range(n + 1)][-1]
x * sum(k * n for k in (1, 2))
x * dict(a=n)["a"]
x * (lambda k: k * 2)(n)
x * functools.reduce(operator.mul, [n, 2, 3])
x * math.prod([n, 2])
x * sum([n / 2, 0.1])
x * math.fsum([n / 2, 0.1])
x * np.sum([n, 1])
x * np.max([n, 3])
x * np.prod(np.array([n, 2.0]))
x * np.stack([x, np.full(3, float(n))]).sum()
x * np.concatenate([[n], [1.0, 2.0]])
x * np.dot([n, 1, 2], [1, 2, 3])
x * np.polyval([n, 1], 2.0)
x * np.interp(n, [0, 4, 8], [0.0, 1.0, 5.0])
x * np.searchsorted([1, 3, 5], n)
x * np.cumsum([n, 1, 2])
x * np.hypot(n, 2)
x * np.int64(n)
x * np.int32(n) * np.int32(2)
x * np.array([n], dtype=np.int16)[0]
x * np.uint8(n)
(n, x)
n / 2, x
float(n), x
x + n * 2**40 * 2**20
x + float(n * 2**62)
x * (n * 10**18 > 3 * 10**18)
x * (10 - n) / (5 - n)
x * (1 / (5 - n))
x * (7 % (5 - n))
x * math.log(5 - n)
x * math.exp(200 * n)
x * 10.0 ** (100 * n)
x * math.sqrt(5 - n)
x * np.log(5.5 - n)
x * (0.0 if n > 3 else -0.0)
np.copysign(x, 4.5 - n)
np.copysign(x, (4 - n) * 0.0)
x * (n == 3.0)
x * (n == np.int64(3))
x * (3 == n)
x * (n >= 3.5)
x * (n in [1.0, 2.0])
x * (n in {1, 2})
x * (n in range(3))
x * ("abcdefghij"[n] == "c")
x * (n > 3 and n < 6)
x * all([n > 2, True])
x * any([n > 5, False])
x[slice(0, n % 4)].sum()
x.reshape(-1)[n % 3]
x.sum() * n, x.mean() - n
x.repeat(n).sum()
x.clip(-n, n)
x.round(n)
np.round(x, n % 3)
x.astype(complex) ** n
x.cumsum()[n % 3]
x.take(n % 3)
x.tolist()[0] * n if n > 100 else x * n
np.array([x[0], n])
np.array([[n, x[0]], [1.0, 2.0]])
np.array([n / 2] * 3) * x
np.stack([np.float64(n), x[0]])
gm.tensor(x) * n
(gm.tensor(x) * n).sum().item()
gm.tensor(x) ** n
gm.tensor([float(n), 1.0])
gm.full((3,), n) * gm.tensor(x)
gm.tensor(x).clamp(max=n)
gm.grad(lambda v: np.sum(v ** 2 * n))(x)
gm.grad(lambda v: np.sum(v ** n))(np.abs(x))
gm.grad(lambda k: np.sum(x * k ** 2))(float(n))
""".strip().splitlines()
KINDS: dict[str, Any] = {
    "float": lambda k: k * 0.75,
    "float64": lambda k: np.float64(k * 0.75),
    "int64": np.int64,
    "array without axes": np.array,
}
MOVED: dict[str, tuple[Any, str]] = {
    "count": (0, "n += 1"),
    "float": (0.0, "n += 0.75"),
    "set": (0.0, "pass"),
}
CALLS = 7


def _made(expression: str, begin: Any = None, move: str = "") -> tuple[Any, dict[str, Any]]:
    """Make a function of `n` and `x`; or of `x`, which moves a global `n` on."""
    head = "def f(n, x):" if not move else f"def f(x):\n    global n\n    {move}"
    names: dict[str, Any] = {"np": np, "gm": gm, "math": math, "operator": operator, "functools": functools}
    names |= {"n": begin, "__name__": "__main__"}
    exec(compile(f"{head}\n    return {expression}\n", "<a cell of moving numbers>", "exec"), names)
    return names["f"], names


def _asked(f: Any, *args: Any) -> tuple[Any, str]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return f(*args), ""
        except Exception as error:
            return None, type(error).__name__


def _same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if a is None or isinstance(a, str):
        return a == b
    a, b = np.asarray(getattr(a, "array", a)), np.asarray(getattr(b, "array", b))
    return a.dtype == b.dtype and a.shape == b.shape and np.allclose(a, b, 1e-9, 1e-12, equal_nan=True)


@pytest.mark.slow
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_number_that_moves_is_no_constant(expression: str) -> None:
    for kind, (begin, move) in MOVED.items():
        (f, plain), (g, other) = (_made(expression, begin, move) for _ in range(2))
        replayed = gm.replay(g)
        for k in range(CALLS):
            x = np.random.default_rng(k).normal(size=3)
            if move == "pass":
                plain["n"] = other["n"] = k * 0.75 - k % 2 / 4
            want, got = _asked(f, x.copy()), _asked(replayed, x.copy())
            assert want[1] == got[1] and _same(want[0], got[0]), f"{kind}, call {k}: {got}, not {want}"
            assert plain["n"] == other["n"] and type(plain["n"]) is type(other["n"])


@pytest.mark.slow
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_number_that_is_an_argument_is_no_constant(expression: str) -> None:
    f, _ = _made(expression)
    for kind, make in KINDS.items():
        replayed = gm.replay(f)
        for k in range(CALLS):
            x = np.random.default_rng(k).normal(size=3)
            want, got = _asked(f, make(k), x.copy()), _asked(replayed, make(k), x.copy())
            assert want[1] == got[1] and _same(want[0], got[0]), f"{kind}, call {k}: {got}, not {want}"
