"""The awkward formulas behind the tables: one function each, of NumPy functions and operators only.

In: cotangents, outputs and arguments as a rule gets them (raw arrays, or tracked ones when the sweep is recorded).
Out: partials and cotangents. An underscore before a parameter means, as in the tables, that its value is not kept.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from ....errors import NotDifferentiableWarning
from ....language import mark, tr
from ...core import arrays
from ...dispatch.calls import by_one_kernel, primitive
from ...tape.nodes import Aval, aval_of
from ...tape.tracked import raw


def reads(text: str, of_complex: str = "") -> Callable[[Any], Any]:
    """Give a partial the formula that readers see, where its code says more than a textbook does."""

    def mark(function: Any) -> Any:
        function.text, function.of_complex = text, of_complex
        return function

    return mark


# ---- entry by entry -------------------------------------------------------------------------------------------


def nonzero(x: Any) -> Any:
    """Give x, with 1 in place of 0: a divisor for what is 0 there by convention."""
    return x + (x == 0)


@primitive
def away(x: Any) -> Any:
    """Give x, with 1 in place of 0, as `nonzero`; but it has no slope at 0: second derivatives there are NaN."""
    return x + (x == 0)


@reads("1")
def away_slope(_y: Any, x: Any) -> Any:
    there = x == 0
    told(there, mark("the length of a vector of zeros, or the deviation of equal numbers, has no second derivative"))
    return np.where(there, np.nan, 1.0)


def told(there: Any, why: str) -> None:
    """Warn, where an entry of a mask holds, that there is no derivative, and why; a GPU would have to wait."""
    plain = raw(there)
    if not arrays.on_device(plain) and np.any(plain):
        text = tr("NaN in a derivative: {why}.", why=tr(why))
        warnings.warn(text, NotDifferentiableWarning, stacklevel=2)


@reads("1 / y")
def divide_x(_z: Any, _x: Any, y: Any) -> Any:
    try:
        return 1 / y
    except ZeroDivisionError:  # a Python 0, by which NumPy has divided
        return np.divide(1.0, y)


def over(a: Any, b: Any) -> Any:
    """Give a / b; of two of Python's numbers, at 0, as NumPy divides."""
    try:
        return a / b
    except ZeroDivisionError:
        return np.divide(a, b)


@reads("y * x**(y - 1)")
def power_x(_z: Any, x: Any, y: Any) -> Any:
    try:
        return y * x ** (y - (y != 0))  # x**0 is 1 everywhere: its derivative is 0 at x = 0 too, not 0 * inf
    except (ZeroDivisionError, OverflowError):  # a number of Python's, of which NumPy took the power
        return y * np.float_power(x, y - 1)


@reads("z * log(x)")
def power_y(z: Any, x: Any, _y: Any) -> Any:
    if type(x) in (int, float):  # which stays a weak number: 2**y in y's dtype
        return np.where(le(z, 1), 0, -z) if x == 0 else z * (math.log(x) if x > 0 else math.nan)
    zero = x == 0  # there 0, but -inf where the power is infinite, as in PyTorch
    return np.where(zero & np.isinf(z), -z, np.log(x + zero) * z)


@reads("sign(x)", of_complex="np.conj(sign(x))")
def sgn(_y: Any, x: Any) -> Any:
    """conj(x)/|x|: the sign of a real number; 0 at 0, and as in PyTorch where that is NaN."""
    if np.iscomplexobj(x):
        return np.conj(x) / away(np.absolute(x))
    return np.sign(np.fmax(x, 0) + np.fmin(x, 0))


@reads("1 / sqrt(1 - x * x)")
def arcsin_x(_y: Any, x: Any) -> Any:
    if np.iscomplexobj(x):  # beyond -1 and 1 NumPy's value belongs to the upper side of the cut
        return 1 / (np.sqrt(-(x - 1)) * np.sqrt(x + 1))
    return 1 / np.sqrt((1 - x) * (1 + x))  # exact beside 1, where 1 - x * x is not


@reads("1 / sqrt(x * x + 1)")
def arcsinh_x(_y: Any, x: Any) -> Any:
    if np.iscomplexobj(x):
        return 1 / np.sqrt(x * x + 1)
    return 1 / np.hypot(x, 1)  # x * x overflows at 1e154


# Below these (square roots of the rounding errors) less than half of the digits of 1 - y are right.
_LEFT = {"e": 3e-2, "f": 3e-4, "d": 1.5e-8}


def cancelled(d: Any, x: Any) -> Any:
    """Tell where so little is left of d = 1 - y that its digits are gone; None if nowhere: `asks` has seen it."""
    if x is None:
        return None
    plain: Any = raw(d)
    least = _LEFT.get(plain.dtype.char)
    if least is None:
        return None
    if type(plain) is np.ndarray:  # a GPU would have to wait for the answer
        return None if not plain.size or np.minimum.reduce(plain, None) > least else plain < least
    return None if isinstance(plain, np.generic) and float(plain) > least else plain < least


def asks(left: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let x be kept only where `cancelled` needs it: `left`, of the extremes of y, tells that of large arrays.

    Of tanh and sigmoid y is kept, and seldom more: an array less for each on the tape.
    """

    def needed(y: Any, x: Any) -> bool:
        if type(y) is not np.ndarray or (least := _LEFT.get(y.dtype.char)) is None:
            return True
        return not all(left(end(y, None)) > least for end in (np.minimum.reduce, np.maximum.reduce))

    def mark(function: Any) -> Any:
        function.asks = needed
        return function

    return mark


@asks(lambda y: 1 - y * y)
@reads("1 - y * y")
def tanh_x(y: Any, x: Any) -> Any:
    d = arrays.constant(1, y) - y * y
    gone = cancelled(d, x)
    if gone is None:
        return d
    e = np.exp(-2 * np.absolute(x))
    return np.where(gone, 4 * e / ((1 + e) * (1 + e)), d)


@primitive
@by_one_kernel
def sigmoid(x: Any) -> Any:
    """Give 1 / (1 + exp(-x)), without overflow on either side."""
    return sigmoid_by(x, np.exp(-np.absolute(x)))


def sigmoid_by(x: Any, e: Any) -> Any:
    """Give the sigmoid of x, where e = exp(-|x|) is there already."""
    one = arrays.constant(1, e)
    return np.where(x >= arrays.constant(0, x), one, e) / (one + e)


@reads("exp(x - z)")
def logaddexp_x(_z: Any, x: Any, y: Any) -> Any:
    return _share(x, y, 1.0)


@reads("exp(y - z)")
def logaddexp_y(_z: Any, x: Any, y: Any) -> Any:
    return _share(y, x, 1.0)


@reads("2**(x - z)")
def logaddexp2_x(_z: Any, x: Any, y: Any) -> Any:
    return _share(x, y, math.log(2))


@reads("2**(y - z)")
def logaddexp2_y(_z: Any, x: Any, y: Any) -> Any:
    return _share(y, x, math.log(2))


def _share(x: Any, y: Any, base: float) -> Any:
    """exp(x) / (exp(x) + exp(y)), by x - y; of two infinities half, of two zeros nothing."""
    both = np.logical_and(x == y, np.isinf(x))
    d = (np.where(both, 0, x) - np.where(both, 0, y)) * base
    return np.where(np.logical_and(both, x < 0), 0, sigmoid(d))


@reads("x / (x * x + y * y)")
def arctan2_y(_z: Any, y: Any, x: Any) -> Any:
    size = away(np.hypot(x, y))
    return x / size / size  # squares overflow at 1e154, and vanish at 1e-162


@reads("-y / (x * x + y * y)")
def arctan2_x(_z: Any, y: Any, x: Any) -> Any:
    size = away(np.hypot(x, y))
    return -(y / size / size)


@reads("-1 / sqrt(1 - x * x)")
def arccos_x(_y: Any, x: Any) -> Any:
    return -arcsin_x(_y, x)


@reads("(cos(pi*x) - y) / x")
def sinc_slope(y: Any, x: Any) -> Any:
    # Near 0 the quotient cancels: three terms of the series, good to 1e-14 there, and right for higher orders at 0.
    q = (math.pi * x) ** 2
    series = -(math.pi**2) * x / 3 * (1 - q / 10 * (1 - q / 28))
    near = np.absolute(x) < 0.01
    return np.where(near, series, (np.cos(math.pi * x) - y) / (x + near))


@primitive
def i1(x: Any) -> Any:
    """Give the modified Bessel function of order 1, which NumPy lacks: the mean of exp(x cos t) cos t over a circle.

    128 points give all digits up to where the result overflows: the error is I_256(x), 1e-20 of it at x = 700.
    """
    y = x * 0.0
    for c in np.cos((np.arange(64) + 0.5) * math.pi / 128).tolist():
        y = y + np.sinh(x * c) * (c / 64)
    return y


def beats(x: Any, y: Any) -> Any:
    """Give 1 where x > y, 0.5 where they are equal, 0 where x < y, 1 beside NaN; a mask where none are equal."""
    loses = lt(x, y)
    if type(loses) is np.ndarray and not np.logical_or.reduce(x == y, None):
        return ~loses  # 10 us for 64 x 128, where weights take 24; a GPU would have to wait for the answer
    dtype = getattr(x, "dtype", None) or getattr(y, "dtype", None) or float
    return 1 - 0.5 * np.add(loses, le(x, y), dtype=dtype)


def lt(x: Any, y: Any) -> Any:
    """Give x < y; of two of Python's numbers, which have no order if they are complex, as NumPy orders them."""
    return x < y if hasattr(x, "dtype") or hasattr(y, "dtype") else np.less(x, y)


def le(x: Any, y: Any) -> Any:
    """Give x <= y, as `lt` does."""
    return x <= y if hasattr(x, "dtype") or hasattr(y, "dtype") else np.less_equal(x, y)


def holds(c: Any) -> Any:
    """Give the condition `c` as a mask: `np.where` also takes numbers, which hold where they are not 0."""
    return c if getattr(c, "dtype", None) == np.bool_ else c != 0


def inside(x: Any, low: Any, high: Any) -> Any:
    """Tell where low <= x <= high; None is no bound."""
    if low is None or high is None:
        return x == x if low is high else le(x, high) if low is None else le(low, x)
    return le(low, x) & le(x, high)


def divmod_x(g: Any, _out: Any, _x: Any, _y: Any) -> Any:
    return g[1]


def divmod_y(g: Any, out: Any, _x: Any, _y: Any) -> Any:
    return -g[1] * out[0]


def angle_vjp(g: Any, _y: Any, z: Any, deg: bool = False) -> Any:
    # g * 1j, not 1j * g, which makes a Python number of NumPy's.
    return g * (180j / math.pi if deg else 1j) * z / away(np.absolute(z) ** 2)


# ---- shapes ---------------------------------------------------------------------------------------------------


def aval(shape: Sequence[int], dtype: Any) -> Aval:
    """Give the aval of this shape and dtype."""
    return aval_of(SimpleNamespace(shape=tuple(shape), dtype=np.dtype(dtype)))


def device_range(n: int, proto: Any) -> Any:
    """Give 0 ... n-1 on the device of `proto`, tracked or not."""
    return arrays.arange(n, raw(proto))


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Give `axis` (None, a number, numbers) as a tuple of numbers from 0 to ndim-1."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(int(a) % max(ndim, 1) for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))


def with_dims(y: Any, ndim: int, axis: Any, keepdims: bool) -> Any:
    """Give a reduction's result the shape that keepdims=True gives it, from an input of `ndim` dimensions."""
    if keepdims or ndim == 0:
        return y
    return np.reshape(y, (1,) * ndim) if axis is None else np.expand_dims(y, axes_of(axis, ndim))


def spread(g: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Give a reduction's cotangent at every entry that was reduced; `x` has the input's shape.

    A number of NumPy's stays one, which costs no array: a sweep makes one of it where an array is asked for.
    """
    if axis is None:
        return g if type(g) in arrays.SCALARS else np.broadcast_to(g, x.shape)
    return np.broadcast_to(with_dims(g, len(x.shape), axis, keepdims), x.shape)


def count(shape: Sequence[int], axis: Any) -> int:
    """Give the number of entries that a reduction over `axis` takes together."""
    if axis is None:
        return math.prod(shape)
    return math.prod(shape[a] for a in axes_of(axis, len(shape)))


def within(where: Any, g: Any) -> Any:
    """Give g where `where` holds and 0 elsewhere, also where g is infinite."""
    return g if where is True else np.where(where, g, 0)


def counted(like: Aval, axis: Any, keepdims: bool = False, where: Any = True) -> Any:
    """Give the number of entries that a mean over `axis` takes together: one number, or one for each mean."""
    if where is True:
        return held((like.size if axis is None else count(like.shape, axis)) or 1, like)
    dtype = np.float32 if like.dtype == np.float16 else like.tangent
    return np.sum(np.broadcast_to(where, like.shape), axis=axis, keepdims=keepdims, dtype=dtype)


def held(n: int, like: Any) -> Any:
    """Give a count as a number by which a cotangent for `like` can be divided: float16 ends at 65504."""
    return np.float32(n) if n > 65504 and like.dtype == np.float16 else n


def summed_in(x: Any) -> Any:
    """Give the dtype in which entries like x's are added up: one by one float16 sticks at 2048."""
    return np.dtype(np.float32) if x.dtype == np.float16 else x.dtype


def swap(a: Any) -> Any:
    """Give the conjugate transpose of the matrices in the last two dimensions."""
    a = np.swapaxes(a, -1, -2)
    return np.conj(a) if a.dtype.kind == "c" else a


def conj(a: Any) -> Any:
    """Give the complex conjugate; a real array itself (np.conj would copy it)."""
    return np.conj(a) if a.dtype.kind == "c" else a


# g[..., None] where np.expand_dims would take 2 us: a layer on one row is all overhead.
def matmul_a(g: Any, _z: Any, _a: Any, b: Any) -> Any:
    if len(b.shape) == 1:
        return g[..., None] * conj(b)
    if len(_a.shape) == 1:
        if len(b.shape) == 2:
            return np.matmul(conj(b), g)
        c = np.matmul(g[..., None, :], swap(b))
        return np.reshape(c, c.shape[:-2] + c.shape[-1:])
    if by_rows(g, _a, b):
        return np.reshape(np.matmul(as_rows(g), swap(b)), _a.shape)
    return np.matmul(g, swap(b))


def matmul_b(g: Any, _z: Any, a: Any, _b: Any) -> Any:
    if len(a.shape) == 1:
        if len(_b.shape) == 1:
            return conj(a) * g
        return conj(a)[..., None] * (g if len(_b.shape) == 2 else g[..., None, :])
    if len(_b.shape) == 1:
        return np.sum(conj(a) * g[..., None], axis=tuple(range(len(a.shape) - 1)))
    if by_rows(g, a, _b):  # and no sum over the batch
        a, g = as_rows(a), as_rows(g)
    return np.matmul(swap(a), g)


def by_rows(g: Any, a: Any, b: Any) -> bool:
    """Tell whether one product of matrices does for a batch: on a device, where each takes several kernels.

    On the host it would be as fast for large ones, and 2 us slower for small ones.
    """
    return len(b.shape) == 2 < len(a.shape) == len(g.shape) and arrays.on_device(g)


def as_rows(x: Any) -> Any:
    """Give x as a matrix: all dims but the last as one."""
    shape = np.shape(x)
    return x if len(shape) == 2 else np.reshape(x, (math.prod(shape[:-1]), shape[-1]))
