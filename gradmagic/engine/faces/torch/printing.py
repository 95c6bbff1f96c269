"""Tensors printed as PyTorch prints them, character for character: `tensor([[1., 2.]], requires_grad=True)`.

In: an array on the host and what is known of the tensor beside its entries (`grad_fn=`, from methods.py). Out: text.
The rules (4 digits, when exponents are used, alignment, `...` above 1,000 entries, lines of 80) are PyTorch's; dtypes
are printed with PyTorch's word `torch.`, so that `import gradmagic as torch` can read its own prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .defaults import OF_KIND
from .dtypes import dtype_of


@dataclass(frozen=True)
class PrintOptions:
    """What `gm.set_printoptions` sets; see there."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=float("inf")),
}
_options = [PrintOptions()]
# Dtypes that are not printed: what literals make.


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed, as PyTorch's function of this name does.

    Parameters
    ----------
    precision : int
        Digits after the point (4).
    threshold : int
        Above this many entries (1000) the middle is left out.
    edgeitems : int
        How many stay at each end of each axis then (3).
    linewidth : int
        Characters a line (80).
    profile : {"default", "short", "full"}
        Where to start from.
    sci_mode : bool
        Exponents always or never; by itself where the sizes ask for it.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.set_printoptions(precision=2)
    >>> gm.tensor([0.125, 1.0])
    tensor([0.12, 1.00])
    >>> gm.set_printoptions(profile="default")
    """
    start = _options[0] if profile is None else _PROFILES[profile]
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
    _options[0] = replace(start, **changes, sci_mode=sci_mode)


class _Number:
    """How the numbers of one array are written: all in the same way, at the same width."""

    def __init__(self, array: Any) -> None:
        self.floating = array.dtype.kind == "f"
        self.whole, self.exponents = True, False
        values = array.ravel()
        if self.floating:
            values = values[np.isfinite(values) & (values != 0)].astype(np.float64)
            if values.size:
                self.whole = bool(np.all(values == np.ceil(values)))
                self.exponents = self._wants_exponents(np.abs(values))
        extra = 1 if self.floating and self.whole and not self.exponents else 0
        self.width = max((len(self._text(v)) + extra for v in values.tolist()), default=1)

    @staticmethod
    def _wants_exponents(sizes: Any) -> bool:
        if _options[0].sci_mode is not None:
            return _options[0].sci_mode
        low, high = sizes.min(), sizes.max()
        return bool(high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4)

    def _text(self, value: Any) -> str:
        if not self.floating:
            return f"{value}"
        if self.exponents:
            return f"{value:.{_options[0].precision}e}"
        return f"{value:.0f}" if self.whole else f"{value:.{_options[0].precision}f}"

    def __call__(self, value: Any) -> str:
        text = self._text(value)
        if self.floating and self.whole and not self.exponents and np.isfinite(value):
            text += "."
        return text.rjust(self.width)


class _Complex:
    """How complex numbers are written: two numbers and a j."""

    def __init__(self, array: Any) -> None:
        self._real, self._imag = _Number(array.real), _Number(array.imag)
        self.width = self._real.width + self._imag.width + 1

    def __call__(self, value: Any) -> str:
        imag = (self._imag(value.imag) + "j").lstrip()
        return self._real(value.real) + ("" if imag[0] in "+-" else "+") + imag


def _edges(array: Any) -> Any:
    """Cut out the middle of every axis longer than twice `edgeitems`: what is printed sets the width."""
    n = _options[0].edgeitems
    for axis, length in enumerate(array.shape):
        if length > 2 * n:
            array = np.take(array, [*range(n), *range(length - n, length)], axis)
    return array


def _rows(array: Any, indent: int, shorten: bool, write: Any) -> str:
    if array.ndim == 0:
        return str(write(array.item()))
    n = _options[0].edgeitems
    short = shorten and len(array) > 2 * n
    parts = [*array[:n], ..., *array[-n:]] if short else array
    if array.ndim == 1:
        per_line = max(1, (_options[0].linewidth - indent) // (write.width + 2))
        texts = [" ..." if p is ... else write(p.item()) for p in parts]
        lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    texts = ["..." if p is ... else _rows(p, indent + 1, shorten, write) for p in parts]
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(texts) + "]"


def tensor_text(
    array: Any, suffixes: Sequence[str] = (), device: str = "cpu", prefix: str = "tensor("
) -> str:
    """Write an array as PyTorch prints a tensor.

    Parameters
    ----------
    array : ndarray or NumPy scalar
        The entries, on the host.
    suffixes : sequence of str
        What follows them, such as `requires_grad=True`.
    device : str
        Where the tensor lives; printed unless it is the CPU.
    prefix : str
        The opening word.

    Returns
    -------
    str

    Examples
    --------
    >>> print(tensor_text(np.array([[1.0, 2.5]], np.float32), ["requires_grad=True"]))
    tensor([[1.0000, 2.5000]], requires_grad=True)
    >>> print(tensor_text(np.arange(3.0)))
    tensor([0., 1., 2.], dtype=torch.float64)
    """
    array = np.asarray(array)
    known = [] if device == "cpu" else [f"device='{device}'"]
    indent = len(prefix)
    if array.size:
        shorten = array.size > _options[0].threshold
        shown = _edges(array) if shorten else array
        write = _Complex(shown) if array.dtype.kind == "c" else _Number(shown)
        text = _rows(array, indent, shorten, write)
        if array.dtype not in OF_KIND.values():
            known.append(f"dtype={dtype_of(array.dtype)!r}")
    else:
        text = "[]"
        if array.ndim != 1:
            known.append(f"size={array.shape}")
        if array.dtype != OF_KIND[2]:
            known.append(f"dtype={dtype_of(array.dtype)!r}")
    text = prefix + text
    length = len(text) - text.rfind("\n") + 1
    for suffix in (*known, *suffixes):
        if length + len(suffix) + 2 > _options[0].linewidth:
            text += ",\n" + " " * indent + suffix
            length = indent + len(suffix)
        else:
            text += ", " + suffix
            length += len(suffix) + 2
    return text + ")"
