"""What PyTorch makes of whole numbers alone: windows of signals, the places of triangles, products of indices.

In: sizes. Out: Tensors without a gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import arrays
from ...dispatch.primitives import cast
from ...tape.ends import leaf
from ...tape.tracked import raw
from .defaults import float_dtype
from .math import titled
from .tensor import Tensor


def _made(array: Any, dtype: Any, device: Any, requires_grad: bool = False) -> Tensor:
    array = np.asarray(array).astype(float_dtype() if dtype is None else np.dtype(dtype), copy=False)
    array = array if device is None else arrays.to_device(array, device)
    return Tensor.wrap(array, leaf(array) if requires_grad else None)  # type: ignore[no-any-return]


def _window(name: str, formula: Callable[..., Any]) -> Callable[..., Tensor]:
    def f(
        window_length: int, periodic: bool = True, *settings: Any, dtype: Any = None, device: Any = None,
        requires_grad: bool = False, **options: Any,
    ) -> Tensor:  # fmt: skip
        n = window_length + bool(periodic)
        if window_length < 2:
            return _made(np.ones(window_length), dtype, device, requires_grad)
        turns = np.arange(n) / (n - 1)
        return _made(formula(turns, *settings, **options)[:window_length], dtype, device, requires_grad)

    return titled(
        f, name, f"As `torch.{name}`: the weights of a window; `periodic` as for a Fourier transform."
    )


def _kaiser(t: Any, beta: float = 12.0) -> Any:
    return np.i0(beta * np.sqrt(1 - (2 * t - 1) ** 2)) / np.i0(beta)


def _triangle(name: str, places: Any) -> Callable[..., Tensor]:
    def f(row: int, col: int, offset: int = 0, *, dtype: Any = np.int64, device: Any = None) -> Tensor:
        return _made(np.stack(places(row, offset, col)), dtype, device)

    return titled(f, name, f"As `torch.{name}`: the rows and columns of a triangle's places.")


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """As `torch.vander`: the powers of the entries, one in each column."""
    powers = np.arange(np.shape(x)[0] if N is None else N)
    made = np.expand_dims(x, -1) ** arrays.from_host(powers if increasing else powers[::-1], raw(x))
    return made if raw(made).dtype == raw(x).dtype else cast(made, raw(x).dtype)


def unravel_index(indices: Any, shape: Any) -> tuple[Any, ...]:
    """As `torch.unravel_index`: the places in a shape of numbers that count through all dims."""
    return tuple(Tensor.wrap(i, None) for i in np.unravel_index(raw(indices), tuple(shape)))


def broadcast_shapes(*shapes: Any) -> Any:
    """As `torch.broadcast_shapes`: the shape that these shapes come to together."""
    from .dtypes import Size

    return Size(np.broadcast_shapes(*(s if isinstance(s, int) else tuple(s) for s in shapes)))


def result_type(*tensors: Any) -> Any:
    """As `torch.result_type`: the dtype that these have together."""
    from .arguments import together
    from .dtypes import dtype_of

    cast = together("result_type", *tensors)
    typed = [raw(c).dtype for c in cast if arrays.is_typed(raw(c))]
    return dtype_of(typed[0] if typed else np.result_type(*(raw(c) for c in cast)))


def promote_types(type1: Any, type2: Any) -> Any:
    """As `torch.promote_types`: the smallest dtype that holds both."""
    from .dtypes import dtype_of

    a, b = np.dtype(type1), np.dtype(type2)
    whole = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
    if whole[a.kind] != whole[b.kind] and "c" not in a.kind + b.kind:
        return dtype_of(a if whole[a.kind] > whole[b.kind] else b)
    if a.kind != b.kind:  # complex with another
        c, other = (a, b) if a.kind == "c" else (b, a)
        return dtype_of(np.result_type(c, other) if other.kind == "f" else c)
    return dtype_of(np.result_type(a, b))


def can_cast(from_: Any, to: Any) -> bool:
    """As `torch.can_cast`: whether numbers of one dtype may be written as the other."""
    kinds = {"b": 0, "u": 1, "i": 1, "f": 2, "c": 3}
    return kinds[np.dtype(from_).kind] <= kinds[np.dtype(to).kind]


_PI = np.pi
WINDOWS: dict[str, Callable[..., Any]] = {
    "hann_window": _window("hann_window", lambda t: 0.5 - 0.5 * np.cos(2 * _PI * t)),
    "hamming_window": _window(
        "hamming_window", lambda t, alpha=0.54, beta=0.46: alpha - beta * np.cos(2 * _PI * t)
    ),
    "blackman_window": _window(
        "blackman_window", lambda t: 0.42 - 0.5 * np.cos(2 * _PI * t) + 0.08 * np.cos(4 * _PI * t)
    ),
    "bartlett_window": _window("bartlett_window", lambda t: 1 - np.absolute(2 * t - 1)),
    "kaiser_window": _window("kaiser_window", _kaiser),
    "tril_indices": _triangle("tril_indices", np.tril_indices),
    "triu_indices": _triangle("triu_indices", np.triu_indices),
    "vander": vander, "unravel_index": unravel_index, "broadcast_shapes": broadcast_shapes,
    "result_type": result_type, "promote_types": promote_types, "can_cast": can_cast,
}  # fmt: skip
