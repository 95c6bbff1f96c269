"""PyTorch's rims and changes of size, as functions (`F.pad`, `F.interpolate`) and modules (`nn.Upsample`).

In: tensors, images (batch, channels, *sizes). Out: larger or smaller ones. Interpolation is one product with a
matrix of weights along each axis.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.derivatives.nn import functions as nw
from ..engine.faces.torch.arguments import shown
from ..engine.faces.torch.math import OperandError
from ..errors import ShapeError
from ..functions import as_tensor
from ..language import tr
from .modules import Module
from .sizes import sizes_of

# ---- rims -------------------------------------------------------------------------------------------------------

_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}

_NAMES = {"reflect": "Reflection", "replicate": "Replication"}


def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """Give the input with a rim: `pad` names how many entries before and after, the last dim first.

    Parameters
    ----------
    input : Tensor
    pad : sequence of int
        Negative numbers take entries away.
    mode : {"constant", "reflect", "replicate", "circular"}
    value : float, optional
        What "constant" fills with.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.nn import functional as F
    >>> F.pad(gm.tensor([1.0, 2.0, 3.0]), (1, 2))
    tensor([0., 1., 2., 3., 0., 0.])
    """
    input = as_tensor(input)
    if mode not in _MODES:
        raise NotImplementedError(tr(
            "Unrecognised padding mode {mode}: write one of {names}.", mode=mode, names=", ".join(_MODES),
        ))  # fmt: skip
    if len(pad) % 2:
        raise OperandError(tr(
            "Padding length must be divisible by 2: write how many before and after for each dim.",
        ))  # fmt: skip
    if len(pad) // 2 > input.ndim:
        raise OperandError(tr(
            "Padding length should be less than or equal to two times the input dimension but got padding "
            "length {length} and input of dimension {ndim}: leave out the numbers of the dims that are not "
            "there.", length=len(pad), ndim=input.ndim,
        ))  # fmt: skip
    pairs = [(int(pad[i]), int(pad[i + 1])) for i in range(0, len(pad), 2)][::-1]
    lead = [(0, 0)] * (input.ndim - len(pairs))
    most = {"reflect": 1, "circular": 0}.get(mode)
    if most is not None:
        for dim, (before, after) in enumerate(pairs, len(lead)):
            if max(before, after) > input.shape[dim] - most:
                raise OperandError(tr(
                    "Padding size should be less than the corresponding input dimension, but got: padding "
                    "({before}, {after}) at dimension {dim} of input {shape}. Write a smaller pad=.",
                    before=before, after=after, dim=dim, shape=list(input.shape),
                ))  # fmt: skip
    if any(v < 0 for pair in pairs for v in pair):
        cut = tuple(
            slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(lead + pairs, input.shape, strict=True)
        )
        input, pairs = input[cut], [(max(a, 0), max(b, 0)) for a, b in pairs]
    options = {"constant_values": value or 0} if mode == "constant" else {}
    made = np.pad(input, lead + pairs, mode=_MODES[mode], **options)  # type: ignore[call-overload]
    return shown(made, f"{_NAMES[mode]}Pad{len(pairs)}DBackward0") if mode in _NAMES else made


# ---- interpolation ----------------------------------------------------------------------------------------------


def _places(size: int, wanted: int, scale: float | None, align: bool, cubic: bool) -> Any:
    """Give where along the old axis each new entry lies."""
    at = np.arange(wanted)
    if align:
        return at * ((size - 1) / (wanted - 1) if wanted > 1 else 0.0)
    x = (at + 0.5) * (size / wanted if scale is None else 1 / scale) - 0.5
    return x if cubic else np.maximum(x, 0)


def _weights(mode: str, size: int, wanted: int, scale: float | None, align: bool) -> Any:
    """Give the matrix (wanted, size) of what each old entry counts in each new one."""
    matrix, rows = np.zeros((wanted, size)), np.arange(wanted)
    step = size / wanted if scale is None else 1 / scale
    if mode == "nearest":
        matrix[rows, np.minimum(np.floor(rows * np.float32(step)).astype(int), size - 1)] = 1
    elif mode == "nearest-exact":
        matrix[rows, np.minimum(np.floor((rows + 0.5) * step).astype(int), size - 1)] = 1
    elif mode == "area":
        for i in rows:
            start, end = i * size // wanted, -(-(i + 1) * size // wanted)
            matrix[i, start:end] = 1 / (end - start)
    elif mode == "linear":
        x = _places(size, wanted, scale, align, False)
        left = np.minimum(np.floor(x).astype(int), size - 1)
        np.add.at(matrix, (rows, left), 1 - (x - left))
        np.add.at(matrix, (rows, np.minimum(left + 1, size - 1)), x - left)
    else:  # cubic, by the kernel of R. Keys (1981) with a = -0.75
        x = _places(size, wanted, scale, align, True)
        left = np.floor(x).astype(int)
        for k in range(-1, 3):
            d = np.abs(x - left - k)
            near, far = (1.25 * d - 2.25) * d * d + 1, ((-0.75 * d + 3.75) * d - 6) * d + 3
            np.add.at(matrix, (rows, np.clip(left + k, 0, size - 1)), np.where(d <= 1, near, far))
    return matrix


# mode: what it is along one axis, for how many dims, the name of the operation
_INTERPOLATIONS = {
    "nearest": ("nearest", (1, 2, 3), "UpsampleNearest{n}DBackward0"),
    "nearest-exact": ("nearest-exact", (1, 2, 3), "UpsampleNearestExact{n}DBackward0"),
    "area": ("area", (1, 2, 3), "AdaptiveAvgPool{n}DBackward0"),
    "linear": ("linear", (1,), "UpsampleLinear1DBackward0"),
    "bilinear": ("linear", (2,), "UpsampleBilinear2DBackward0"),
    "bicubic": ("cubic", (2,), "UpsampleBicubic2DBackward0"),
    "trilinear": ("linear", (3,), "UpsampleTrilinear3DBackward0"),
}  # fmt: skip


def interpolate(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Any:  # fmt: skip
    """Give images of another size.

    Parameters
    ----------
    input : Tensor
        (batch, channels, *sizes).
    size : int or tuple of int, optional
    scale_factor : float or tuple of float, optional
        By what each size is multiplied; one of the two.
    mode : {"nearest", "nearest-exact", "area", "linear", "bilinear", "bicubic", "trilinear"}
    align_corners : bool, optional
        Whether the first and last entries keep their places.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.nn import functional as F
    >>> F.interpolate(gm.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    input = as_tensor(input)
    n = input.ndim - 2
    if mode not in _INTERPOLATIONS or n not in _INTERPOLATIONS[mode][1]:
        raise NotImplementedError(tr(
            "Input Error: Only 3D, 4D and 5D input Tensors supported (got {ndim}D) for the modes: nearest | "
            "linear | bilinear | bicubic | trilinear | area | nearest-exact (got {mode}): linear wants "
            "(batch, channels, length), bilinear and bicubic (batch, channels, height, width), trilinear "
            "one dim more.", ndim=input.ndim, mode=mode,
        ))  # fmt: skip
    if antialias:
        raise NotImplementedError(tr(
            "antialias=True is not there: blur the image by F.avg_pool2d or F.conv2d first.",
        ))  # fmt: skip
    if (size is None) == (scale_factor is None):
        which = "either" if size is None else "only one of"
        raise ValueError(tr(
            "{which} size or scale_factor should be defined: write size=(...), or scale_factor=2.",
            which=which,
        ))  # fmt: skip
    along, _, name = _INTERPOLATIONS[mode]
    if align_corners is not None and along not in ("linear", "cubic"):
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    scales: list[Any] = [None] * n
    if size is None:
        given = [scale_factor] * n if isinstance(scale_factor, (int, float)) else list(scale_factor)
        if len(given) != n:
            raise ValueError(tr(
                "scale_factor must match input spatial dimensions: write {n} numbers, or one.", n=n,
            ))  # fmt: skip
        wanted = [math.floor(s * f) for s, f in zip(input.shape[2:], given, strict=True)]
        scales = [None] * n if recompute_scale_factor else given
    else:
        wanted = list(sizes_of(size, n))
        if len(wanted) != n:
            raise ValueError(tr(
                "Input and output must have the same number of spatial dimensions: write {n} sizes.", n=n,
            ))  # fmt: skip
    if min(wanted) <= 0:
        raise ShapeError(tr(
            "Input and output sizes should be greater than 0, but got output {wanted}: write larger ones.",
            wanted=wanted,
        ))  # fmt: skip
    y = input
    for axis, (m, scale) in enumerate(zip(wanted, scales, strict=True), 2):
        matrix = _weights(along, input.shape[axis], m, scale, bool(align_corners)).astype(input.array.dtype)
        y = nw.weighted_along(y, arrays.from_host(matrix, input.array), axis)
    return shown(y, name.format(n=n)) if n else y


def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:  # fmt: skip
    """Give images of another size, as `interpolate`."""
    return interpolate(input, size, scale_factor, mode, align_corners)


# ---- modules ----------------------------------------------------------------------------------------------------


class Upsample(Module):
    """`F.interpolate` as a module."""

    def __init__(
        self, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        several = isinstance(scale_factor, tuple)
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.scale_factor = (
            tuple(map(float, scale_factor)) if several else float(scale_factor) if scale_factor else None
        )
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Any) -> Any:
        """Give the image of another size."""
        settings = (self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor)
        return interpolate(input, *settings)

    def extra_repr(self) -> str:
        """Name the settings."""
        first = (
            f"scale_factor={self.scale_factor!r}" if self.scale_factor is not None else f"size={self.size!r}"
        )
        return f"{first}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """`Upsample` with mode="nearest"."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """`Upsample` with mode="bilinear" and corners that keep their places."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class _Padding(Module):
    """`F.pad` with its settings; `_n` is the number of dims."""

    _n: int
    _mode: str

    def __init__(self, padding: Any, *value: float) -> None:
        super().__init__()
        self.padding = (padding,) * (2 * self._n) if isinstance(padding, int) else tuple(padding)
        if value:
            self.value = value[0]

    def forward(self, input: Any) -> Any:
        """Give the input with a rim."""
        return pad(input, self.padding, self._mode, getattr(self, "value", None))

    def extra_repr(self) -> str:
        """Name the rim."""
        value = (
            f", value={self.value}"
            if hasattr(self, "value") and not type(self).__name__.startswith("Zero")
            else ""
        )
        return f"padding={self.padding}{value}" if value else f"{self.padding}"


_KINDS = {"ReflectionPad": "reflect", "ReplicationPad": "replicate", "CircularPad": "circular", "ZeroPad": "constant",
          "ConstantPad": "constant"}  # fmt: skip
_PADS = [f"{kind}{n}d" for kind in _KINDS for n in (1, 2, 3)]
for _kind, _mode in _KINDS.items():
    for _n in (1, 2, 3):
        _doc = f"`F.pad` of the last {_n} dims with mode={_mode!r}."
        _body = {"_n": _n, "_mode": _mode, "__doc__": _doc, "__module__": __name__}
        globals()[f"{_kind}{_n}d"] = type(f"{_kind}{_n}d", (_Padding,), _body)

__all__ = ["interpolate", "pad", "upsample"]
MODULES = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d", *_PADS]
