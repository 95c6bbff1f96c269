"""What makes new tensors of a size or a range: `gm.zeros(2, 3)`, `gm.arange(5)`, `gm.ones_like(t)`.

In: sizes and numbers. Out: Tensors, on the default device where none is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....language import tr
from ...core import arrays
from ...tape.ends import leaf, tell_of_device
from ...tape.tracked import raw
from .defaults import device as default_device
from .defaults import float_dtype
from .math import OperandError, titled
from .tensor import Tensor


def _sizes(size: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else size


def _made(array: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    if dtype is not None:
        array = array.astype(np.dtype(dtype), copy=False)
    place = default_device() if device is None else device
    if place is not None:
        array = arrays.to_device(array, place)
        tell_of_device(array)
    return Tensor.wrap(array, leaf(array) if requires_grad else None)


def _filled(name: str, value: float) -> Callable[..., Tensor]:
    def f(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **_: Any) -> Tensor:
        return _made(
            np.full(_sizes(size), value, np.dtype(dtype or float_dtype())), None, device, requires_grad
        )

    return titled(f, name, f"As `torch.{name}`: a tensor of the given size.")


def _like(name: str) -> Callable[..., Tensor]:
    def f(input: Any, *args: Any, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
        array = raw(input)
        shape, kind = np.shape(array), array.dtype if dtype is None else dtype
        made = CREATION[name]
        if name == "full":
            args, shape = (shape, *args), ()
        return made(*args, *shape, dtype=kind, device=device or arrays.device_of(array), **options)

    f.__name__ = f.__qualname__ = f"{name}_like"
    f.__doc__ = f"As `torch.{name}_like`: as `{name}`, of the size, dtype and device of `input`."
    return f


def full(
    size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:  # fmt: skip
    """As `torch.full`: a tensor of one value.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.full((2,), 3.5)
    tensor([3.5000, 3.5000])
    """
    value = raw(fill_value)
    kind = float_dtype() if isinstance(value, float) else None
    return _made(
        np.full(size, value, kind if dtype is None else np.dtype(dtype)), None, device, requires_grad
    )


def eye(
    n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """As `torch.eye`: ones on the diagonal."""
    return _made(np.eye(n, m, dtype=np.dtype(dtype or float_dtype())), None, device, requires_grad)


def arange(
    *args: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **words: Any
) -> Tensor:
    """As `torch.arange`: from `start` (0) up to but not including `end` by `step` (1); whole if all three are.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.arange(0, 1, 0.25)
    tensor([0.0000, 0.2500, 0.5000, 0.7500])
    """
    values: list[Any] = [a.item() if isinstance(a, Tensor) else a for a in args]
    values = [0, *values, 1] if len(values) == 1 else [*values, 1][:3]
    start, end, step = (
        words.get(k, v) for k, v in zip(("start", "end", "step"), values or [0, 0, 1], strict=True)
    )
    whole = all(isinstance(v, int) for v in (start, end, step))
    if dtype is not None and np.dtype(dtype).kind in "iu" and all(math.isfinite(v) for v in (start, end)):
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise OperandError(tr("step must be nonzero: it is the distance between two entries."))
    if not all(math.isfinite(v) for v in (start, end)):
        raise OperandError(tr(
            "unsupported range: {start} -> {end}. Write two numbers.", start=start, end=end,
        ))  # fmt: skip
    if (end - start) * step < 0:
        raise OperandError(tr(
            "upper bound and lower bound inconsistent with step sign: exchange them, or turn the sign.",
        ))  # fmt: skip
    count = math.ceil((end - start) / step)
    kind = np.dtype(dtype) if dtype is not None else np.dtype(np.int64) if whole else float_dtype()
    array = start + np.arange(count) * step  # as PyTorch: every entry from its number, not by adding up
    return _made(array.astype(kind), None, device, requires_grad)


def _spaced(name: str, function: Any, *more: Any) -> Callable[..., Tensor]:
    def f(
        start: Any, end: Any, steps: int, *settings: Any, dtype: Any = None, device: Any = None,
        requires_grad: bool = False, **words: Any,
    ) -> Tensor:  # fmt: skip
        ends = [raw(v) for v in (start, end)]
        if any(np.ndim(v) for v in ends):
            raise OperandError(tr(
                "{name} only supports 0-dimensional start and end tensors, but got start with {start} "
                "dimension(s) and end with {end} dimension(s). Write numbers.", name=name,
                start=np.ndim(ends[0]), end=np.ndim(ends[1]),
            ))  # fmt: skip
        if steps < 0:
            raise OperandError(tr("number of steps must be non-negative: it counts the entries."))
        base = dict(zip(more, settings, strict=False)) | words
        if dtype is not None and np.dtype(dtype).kind in "iu":
            ends = [int(v) for v in ends]
        array = function(*(arrays.to_host(v) for v in ends), steps, **base)
        kind = np.result_type(*ends) if any(np.iscomplexobj(v) for v in ends) else float_dtype()
        return _made(array, dtype or kind, device, requires_grad)

    return titled(f, name, f"As `torch.{name}`: `steps` numbers from `start` to `end`, both included.")


linspace = _spaced("linspace", np.linspace)
logspace = _spaced("logspace", np.logspace, "base")


def _whole_range(start: float = 0, end: float | None = None, step: float = 1, **options: Any) -> Tensor:
    """As `torch.range`: from `start` to `end`, both included, by `step`."""
    start, end = (0, start) if end is None else (start, end)
    return arange(start, end + step / 2, step, **({"dtype": float_dtype()} | options))


CREATION: dict[str, Callable[..., Tensor]] = {
    "zeros": _filled("zeros", 0), "ones": _filled("ones", 1), "empty": _filled("empty", 0), "full": full,
    "eye": eye, "arange": arange, "range": _whole_range, "linspace": linspace, "logspace": logspace,
}  # fmt: skip
CREATION |= {f"{name}_like": _like(name) for name in "zeros ones empty full".split()}
