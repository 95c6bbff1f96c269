"""Which functions a program may hold. All others are refused by name: nothing is recorded whose shape hangs on values.

In: a function as it was called. Out: whether it is known; and `normed`, the one spelling of calls that mean the same,
by which simplify.py and emit.py know what they have before them.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ...language import tr


def _named(names: str, home: Any = np) -> dict[Any, str]:
    return {getattr(home, n): n for n in names.split() if hasattr(home, n)}


# Their answer hangs on shapes and dtypes only: computed once.
OF_SHAPES = _named(
    "shape ndim size result_type can_cast iscomplexobj isrealobj may_share_memory shares_memory common_type "
    "min_scalar_type zeros_like_shape broadcast_shapes"
)
# They may give a part of the memory that they get.
VIEWS = _named(
    "reshape transpose swapaxes expand_dims squeeze broadcast_to moveaxis rollaxis ravel real imag diagonal "
    "atleast_1d atleast_2d atleast_3d permute_dims matrix_transpose split array_split hsplit vsplit dsplit "
    "broadcast_arrays flip fliplr flipud rot90 unstack asarray asanyarray ascontiguousarray asfortranarray "
    "meshgrid diag"
)
# Their shape and dtype hang on shapes, dtypes and settings; what they give is memory of its own.
CALLS = _named(
    "sum prod mean max min amax amin any all argmax argmin var std ptp average median quantile "
    "percentile nansum nanprod "
    "nanmean nanmax nanmin nanvar nanstd nanmedian nanquantile nanpercentile nanargmax nanargmin nancumsum nancumprod "
    "cumsum cumprod cumulative_sum cumulative_prod diff ediff1d gradient trapezoid cross kron outer inner dot vdot "
    "matmul tensordot einsum vecdot matvec vecmat trace where select choose clip round around fix nan_to_num sinc i0 "
    "angle unwrap concatenate concat stack vstack hstack dstack column_stack block append tile repeat roll pad insert "
    "delete resize take take_along_axis compress copy zeros_like ones_like full_like empty_like tril "
    "triu diagflat vander "
    "sort argsort partition argpartition lexsort searchsorted digitize bincount interp convolve correlate cov corrcoef "
    "polyval polyadd polysub polymul polyder polyint polyfit poly roots isin isclose nonzero_static count_nonzero "
    "array_equal allclose real_if_close isreal iscomplex isneginf isposinf tri tril_indices_from fill_diagonal_static "
    "apply_along_axis_static astype linspace geomspace logspace conj conjugate array"
)
CALLS |= _named(
    "det slogdet inv pinv solve cholesky qr eig eigh eigvals eigvalsh svd svdvals norm vector_norm matrix_norm "
    "multi_dot matrix_power outer cross trace diagonal tensordot vecdot cond lstsq matrix_rank tensorsolve tensorinv",
    np.linalg,
)
CALLS |= _named(
    "fft ifft fft2 ifft2 fftn ifftn rfft irfft rfft2 irfft2 rfftn irfftn hfft ihfft fftshift ifftshift",
    np.fft,
)
CALLS |= {np.lib.stride_tricks.sliding_window_view: "sliding_window_view"}
# Whether they give a part of what they get, and in which order, hangs on how that is laid out.
LAID = _named("reshape ravel ascontiguousarray asfortranarray array asarray asanyarray require copy")
# They write into their first argument.
WRITES = _named("copyto put place putmask put_along_axis fill_diagonal")
# Their shape or dtype hangs on values too: a program asks for it again at every call (`form`).
SHAPED = (
    _named(
        "compress extract unique unique_all unique_counts unique_inverse unique_values union1d intersect1d "
        "setdiff1d setxor1d "
        "nonzero flatnonzero argwhere bincount real_if_close roots insert delete resize trim_zeros polydiv "
        "polymul histogram "
        "histogram2d histogramdd histogram_bin_edges repeat poly"
    )
    | _named("lstsq eig eigvals", np.linalg)
    | _named("sqrt log log2 log10 logn power arccos arcsin arctanh", np.emath)
)
CALLS |= SHAPED | _named("polyval2d polyval3d polygrid2d polygrid3d polyvalnd", np.polynomial.polynomial)
CALLS |= _named("sort_complex isrealobj nanmin nanmax matrix_transpose require")
CREATIONS = _named("full zeros ones empty eye identity arange tri")  # with like=; their shape stands first
CALLS |= CREATIONS
# Whole numbers among their arguments are numbers; for all others they are settings, on which a shape may hang.
OF_NUMBERS = _named(
    "where select choose clip take take_along_axis full_like dot inner outer vdot matmul tensordot "
    "einsum vecdot matvec "
    "vecmat kron concatenate concat stack vstack hstack dstack column_stack block append searchsorted "
    "digitize bincount "
    "interp convolve correlate isin isclose array_equal allclose average cov corrcoef polyval polyadd polysub polymul "
    "polydiv cross repeat compress extract trapezoid copyto lexsort insert union1d intersect1d setdiff1d setxor1d fmin"
)
METHODS: dict[str, Any] = {
    name: getattr(np, name)
    for name in "sum prod mean max min any all argmax argmin var std cumsum cumprod trace diagonal repeat take squeeze "
    "swapaxes ravel dot round clip searchsorted argsort argpartition nonzero choose".split()
} | {
    "flatten": lambda x, order="C": x.reshape(-1, order=order).copy(),
    "conj": lambda x: np.conjugate(x) if x.dtype.kind == "c" else x,
    "conjugate": lambda x: np.conjugate(x) if x.dtype.kind == "c" else x,
    "compress": lambda x, condition, axis=None: np.compress(condition, x, axis),
    "put": lambda x, *args, **kwargs: np.put(x, *args, **kwargs),
}
METHODS_THAT_WRITE = ("sort", "partition")


def astype(x: Any, dtype: Any) -> Any:
    """The method `astype`."""
    return x.astype(dtype)


def item(x: Any) -> Any:
    """The method `item`."""
    return x.item()


def view(x: Any, dtype: Any) -> Any:
    """The method `view`."""
    return x.view(dtype)


def window(x: Any, shape: Any, dtype: Any, offset: int, strides: Any) -> Any:
    """The part of the memory of `x` that begins `offset` bytes behind it."""
    return np.ndarray(shape, dtype, x, offset, strides)


def sort(x: Any, *args: Any, **kwargs: Any) -> None:
    """The method `sort`."""
    x.sort(*args, **kwargs)


def partition(x: Any, *args: Any, **kwargs: Any) -> None:
    """The method `partition`."""
    x.partition(*args, **kwargs)


def form(value: Any) -> Any:
    """What a program takes for granted of a value: kind, shape and dtype."""
    return type(value), np.shape(value), getattr(value, "dtype", None)


def refused(function: Any) -> str | None:
    """Say why a function is not recorded; None if it is."""
    if function in CALLS or function in VIEWS or isinstance(function, np.ufunc) or function in WRITES:
        return None
    return tr("{name} is not one of the functions that replay knows", name=name_of(function))


def name_of(op: Any) -> str:
    """Name a function as it is called."""
    owner = getattr(op, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{op.__name__}"
    home = getattr(op, "__module__", "") or "numpy"
    home = (
        home.replace("numpy", "np", 1)
        if home.startswith("numpy")
        else ""
        if home.startswith(("_op", "gradm"))
        else home
    )
    return f"{home}.{op.__name__}" if home else op.__name__


# ---- one spelling ----------------------------------------------------------------------------------------

_REDUCED = {
    np.sum: np.add, np.prod: np.multiply, np.max: np.maximum, np.min: np.minimum, np.any: np.logical_or,
    np.all: np.logical_and, np.amax: np.maximum, np.amin: np.minimum,
}  # fmt: skip
_SAME = {np.abs: np.absolute, np.conj: np.conjugate}
_PYTHON = {
    operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply, operator.truediv: np.divide,
    operator.neg: np.negative,
}  # fmt: skip


def reduction(op: Any) -> np.ufunc | None:
    """Give the ufunc whose `reduce` a step calls; None for any other function."""
    owner = getattr(op, "__self__", None)
    return owner if isinstance(owner, np.ufunc) and op.__name__ == "reduce" else None


def normed(
    op: Any, args: tuple[Any, ...], kwargs: dict[str, Any], shapes: Any
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Give a call in its one spelling; as it is where its options are not the common ones.

    `shapes(a)` gives shape and dtype of an argument.
    """
    if op in _REDUCED:
        names = (
            ("axis", "dtype", "out", "keepdims") if op in (np.sum, np.prod) else ("axis", "out", "keepdims")
        )
        given = dict(zip(names, args[1:], strict=False)) | kwargs
        given = {k: v for k, v in given.items() if v is not np._NoValue}
        dtype: Any = shapes(args[0])[1] if args else None
        plain = len(args) - 1 <= len(names) and not set(given) - {"axis", "keepdims"} and dtype is not None
        if plain and ((dtype.kind in "fc" and dtype.char != "e") or op in (np.max, np.min, np.amax, np.amin)):
            return _reduce(_REDUCED[op], args[0], given.get("axis"), given.get("keepdims", False), shapes)
        return op, args, kwargs
    ufunc = reduction(op)
    if ufunc is not None and ufunc.nin == 2:
        given = dict(zip(("axis", "dtype", "out", "keepdims"), args[1:], strict=False)) | kwargs
        given = {k: v for k, v in given.items() if v is not np._NoValue and not (k == "dtype" and v is None)}
        if not set(given) - {"axis", "keepdims"} and len(args) <= 5:
            return _reduce(ufunc, args[0], given.get("axis", 0), given.get("keepdims", False), shapes)
        return op, args, kwargs
    return _SAME.get(op, op), args, kwargs


def _reduce(
    ufunc: Any, x: Any, axis: Any, keepdims: Any, shapes: Any
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    n = len(shapes(x)[0])
    if axis is not None:
        axis = tuple(
            sorted(a % max(n, 1) for a in (axis if isinstance(axis, tuple) else (operator.index(axis),)))
        )
    if axis is not None and len(axis) == n:
        axis = None
    return ufunc.reduce, (x,), {"axis": axis, "keepdims": bool(keepdims)}


def elementwise(op: Any) -> bool:
    """Tell whether a step without options works entry by entry."""
    return (isinstance(op, np.ufunc) and op.signature is None and op.nout == 1) or op is np.where
