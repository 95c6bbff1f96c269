"""PyTorch's convolutions of signals, images and volumes, as functions (`F.conv2d`) and modules (`nn.Conv2d`).

In: images (batch, channels, *sizes), or one without a batch, and PyTorch's arguments. Out: images. One rule serves any
number of dims; the names with 1d, 2d and 3d are rows over it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.derivatives.nn import images as cv
from ..engine.dispatch.calls import call
from ..engine.faces.torch.math import OperandError, titled
from ..engine.rules.declare import RULES
from ..errors import ShapeError
from ..functions import as_tensor, empty
from ..language import tr
from . import init
from .modules import Module
from .parameters import Parameter
from .resizing import pad
from .sizes import WORDS, of_batch, sizes_of

_CONVOLVE, _SPREAD = RULES[cv.convolve], RULES[cv.spread_out]


def _check_channels(x: Any, weight: Any, wanted: int, groups: int) -> None:
    if x.shape[1] != wanted:
        raise ShapeError(tr(
            "Given groups={groups}, weight of size {weight}, expected input{input} to have {wanted} "
            "channels, but got {channels} channels instead. Channels stand in dim 1 of the input: permute "
            "or unsqueeze it.",
            groups=groups, weight=list(weight.shape), input=list(x.shape), wanted=wanted, channels=x.shape[1],
        ))  # fmt: skip


def _convolution(n: int) -> Callable[..., Any]:
    name = f"conv{n}d"

    def f(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Any:  # fmt: skip
        weight = as_tensor(weight)
        kernel, dilation, stride = weight.shape[2:], sizes_of(dilation, n), sizes_of(stride, n)
        if padding == "same":
            if any(s != 1 for s in stride):
                raise OperandError(tr(
                    "padding='same' is not supported for strided convolutions: pad the input yourself.",
                ))  # fmt: skip
            total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
            if any(t % 2 for t in total):
                lead = [(0, 0)] * (as_tensor(input).ndim - n)
                input, total = np.pad(as_tensor(input), [*lead, *((0, t % 2) for t in total)]), total  # type: ignore[call-overload]
            padding = tuple(t // 2 for t in total)
        settings = (stride, sizes_of(0 if padding == "valid" else padding, n), dilation, groups)
        if min(stride) <= 0:
            raise ShapeError(tr("non-positive stride is not supported: a stride is at least 1."))
        if min(settings[1]) < 0:
            raise ShapeError(tr(
                "negative padding is not supported: cut the image by its index, x[:, :, 1:-1, 1:-1].",
            ))  # fmt: skip

        def run(x: Any) -> Any:
            _check_channels(x, weight, weight.shape[1] * groups, groups)
            padded = [size + 2 * p for size, p in zip(x.shape[2:], settings[1], strict=True)]
            reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
            if any(size < most for size, most in zip(padded, reach, strict=True)):
                raise ShapeError(tr(
                    "Calculated padded input size per channel: ({padded}). Kernel size: ({kernel}). Kernel "
                    "size can't be greater than actual input size: write a larger padding=, or a smaller "
                    "kernel.", padded=_by(padded), kernel=_by(reach),
                ))  # fmt: skip
            return call(_CONVOLVE, cv.convolve.__wrapped__, (x, weight, bias, *settings), {})

        return of_batch(run, input, n, name)

    return titled(f, name, _TEXT.format(n=n, sizes=", ".join(WORDS[-n:]), out=_EXAMPLES[n]))


def _by(sizes: list[int]) -> str:
    return " x ".join(map(str, sizes))


_TEXT = """Give the sums of products of every patch of the input with every kernel.

    Parameters
    ----------
    input : Tensor
        (batch, channels, {sizes}), or without the batch.
    weight : Tensor
        (out_channels, channels / groups, *kernel).
    bias : Tensor, optional
        (out_channels,).
    stride, padding, dilation : int or tuple of int
        Padding may be "same" (for stride 1) or "valid" too.
    groups : int
        Into how many independent groups the channels fall.

    Raises
    ------
    ShapeError
        If the numbers of channels differ, or the kernel is larger than the padded input.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.nn import functional as F
    {out}
    """
_EXAMPLES = {
    1: ">>> F.conv1d(gm.ones(1, 1, 4), gm.ones(1, 1, 2))\n    tensor([[[2., 2., 2.]]])",
    2: ">>> F.conv2d(gm.ones(1, 1, 3, 3), gm.ones(1, 1, 2, 2))\n    tensor([[[[4., 4.],\n              [4., 4.]]]])",
    3: ">>> F.conv3d(gm.ones(1, 1, 2, 2, 2), gm.ones(1, 1, 2, 2, 2))\n    tensor([[[[[8.]]]]])",
}


def _transposed(n: int) -> Callable[..., Any]:
    name = f"conv_transpose{n}d"

    def f(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
        groups: int = 1, dilation: Any = 1,
    ) -> Any:  # fmt: skip
        weight = as_tensor(weight)
        walk = sizes_of(stride, n), sizes_of(padding, n), sizes_of(dilation, n)
        more = sizes_of(output_padding, n)
        for o, s, _, d in zip(more, *walk, strict=True):
            if o >= max(s, d):
                raise OperandError(tr(
                    "output padding must be smaller than either stride or dilation, but got output_padding: "
                    "{output_padding}, stride: {stride}, dilation: {dilation}. Write a smaller one, or pad "
                    "the result.", output_padding=more, stride=walk[0], dilation=walk[2],
                ))  # fmt: skip

        def run(x: Any) -> Any:
            _check_channels(x, weight, weight.shape[0], groups)
            size, late = [], []  # what a larger dilation adds at the end, no place of the kernel would meet
            for m, k, s, p, d, o in zip(x.shape[2:], weight.shape[2:], *walk, more, strict=True):
                late.append(o if o >= s else 0)
                size.append((m - 1) * s - 2 * p + d * (k - 1) + 1 + (o if o < s else 0))
            plain = bias is None or any(late)
            arguments = (x, weight, None if plain else bias, tuple(size), *walk, groups)
            y = call(_SPREAD, cv.spread_out.__wrapped__, arguments, {})
            if any(late):
                y = np.pad(y, [(0, 0), (0, 0), *((0, o) for o in late)])  # type: ignore[call-overload]
                y = y if bias is None else y + as_tensor(bias).reshape(-1, *[1] * n)
            return y

        return of_batch(run, input, n, name)

    text = (
        f"Give for each entry the kernels times it, added where they lie: `conv{n}d` backwards.\n\n    As PyTorch's; "
        "`output_padding` says which of the sizes that a convolution brings to this one is meant."
    )
    return titled(f, name, text)


conv1d, conv2d, conv3d = (_convolution(n) for n in (1, 2, 3))
conv_transpose1d, conv_transpose2d, conv_transpose3d = (_transposed(n) for n in (1, 2, 3))


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Give every patch of images as a column: (batch, channels * kernel, places)."""
    walk = (sizes_of(v, 2) for v in (kernel_size, stride, padding, dilation))
    settings = tuple(walk)
    return of_batch(lambda x: cv.unfold(x, *settings), input, 2, "unfold")


def fold(
    input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Any:  # fmt: skip
    """Give images of `output_size` with every column added where its patch lay: `unfold` backwards."""
    settings = tuple(sizes_of(v, 2) for v in (output_size, kernel_size, stride, padding, dilation))
    return of_batch(lambda x: cv.fold(x, *settings), input, 1, "fold")


# ---- modules ----------------------------------------------------------------------------------------------------


def drawn(module: Any, shape: tuple[int, ...], bias: bool, outputs: int) -> None:
    """Give a layer its weight, and a bias of `outputs` entries, drawn as PyTorch draws."""
    module.weight = Parameter(empty(shape))
    module.register_parameter("bias", Parameter(empty(outputs)) if bias else None)
    redrawn(module)


def redrawn(module: Any) -> None:
    """Draw weight and bias anew: what `reset_parameters` does."""
    init.kaiming_uniform_(module.weight, a=math.sqrt(5))
    inputs = math.prod(module.weight.shape[1:])
    if module.bias is not None and inputs:
        init.uniform_(module.bias, -1 / math.sqrt(inputs), 1 / math.sqrt(inputs))


class _Convolving(Module):
    """What all convolutions share; `_n` is the number of dims, `_backwards` whether it spreads out."""

    _n: int
    _backwards = False

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, *rest: Any,
        **words: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        names = ["dilation", "groups", "bias", "padding_mode", "device", "dtype"]
        if self._backwards:
            names = ["output_padding", "groups", "bias", "dilation", "padding_mode", "device", "dtype"]
        given = dict(zip(names, rest, strict=False)) | words
        if unknown := [k for k in given if k not in names]:
            raise TypeError(tr(
                "{kind}.__init__() got an unexpected keyword argument {unknown!r}: its settings are "
                "in_channels, out_channels, kernel_size, stride, padding, {names}.",
                kind=type(self).__name__, unknown=unknown[0], names=", ".join(names),
            ))  # fmt: skip
        n, groups = self._n, given.get("groups", 1)
        for word, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if groups <= 0 or channels % groups:
                raise ValueError(tr(
                    "{which} must be divisible by groups: {channels} by {groups}.",
                    which=word, channels=channels, groups=groups,
                ))  # fmt: skip
        self.padding_mode = given.get("padding_mode", "zeros")
        if self.padding_mode not in ("zeros", "reflect", "replicate", "circular"):
            raise ValueError(
                "padding_mode must be one of ('zeros', 'reflect', 'replicate', 'circular'), but got "
                f"padding_mode='{self.padding_mode}'"
            )
        if padding == "same" and any(s != 1 for s in sizes_of(stride, n)):
            raise ValueError(tr(
                "padding='same' is not supported for strided convolutions: write padding=1, or another "
                "number.",
            ))  # fmt: skip
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = sizes_of(kernel_size, n), sizes_of(stride, n)
        self.padding: Any = padding if isinstance(padding, str) else sizes_of(padding, n)
        self.dilation = sizes_of(given.get("dilation", 1), n)
        self.output_padding = sizes_of(given.get("output_padding", 0), n)
        a, b = (in_channels, out_channels) if self._backwards else (out_channels, in_channels)
        drawn(self, (a, b // groups, *self.kernel_size), given.get("bias", True), out_channels)
        if given.get("dtype") is not None or given.get("device") is not None:
            self.to(dtype=given.get("dtype"), device=given.get("device"))

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        redrawn(self)

    def _rim(self) -> list[int]:
        """Give the rim before and after, the last dim first, as `F.pad` takes it."""
        if self.padding == "same":
            total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return [v for t in reversed(total) for v in (t // 2, t - t // 2)]
        sizes = (0,) * self._n if self.padding == "valid" else self.padding
        return [p for p in reversed(sizes) for _ in range(2)]

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """Give the convolution of the input."""
        walk: tuple[Any, ...] = (self.stride, self.padding)
        if self._backwards:
            more = self.output_padding if output_size is None else self._more(input, output_size)
            return _FUNCTIONS[self._n, True](
                input, self.weight, self.bias, *walk, more, self.groups, self.dilation
            )
        if self.padding_mode != "zeros":
            input, walk = pad(as_tensor(input), self._rim(), mode=self.padding_mode), (self.stride, 0)
        return _FUNCTIONS[self._n, False](input, self.weight, self.bias, *walk, self.dilation, self.groups)

    def _more(self, input: Any, output_size: Any) -> tuple[int, ...]:
        """Give the output_padding that comes to `output_size`."""
        n, wanted = self._n, tuple(output_size)[-self._n :]
        walk = zip(input.shape[-n:], self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        least = [(m - 1) * s - 2 * p + d * (k - 1) + 1 for m, k, s, p, d in walk]
        most = [a + s - 1 for a, s in zip(least, self.stride, strict=True)]
        if any(not a <= w <= b for a, w, b in zip(least, wanted, most, strict=True)):
            raise ValueError(
                f"requested an output size of {list(wanted)}, but valid sizes range from {least} to {most} (for an "
                f"input of {list(input.shape[-n:])})"
            )
        return tuple(w - a for a, w in zip(least, wanted, strict=True))

    def extra_repr(self) -> str:
        """Name the sizes."""
        none, one = (0,) * self._n, (1,) * self._n
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        )
        silent = {"padding": none, "dilation": one, "output_padding": none, "groups": 1}
        text += "".join(f", {k}={getattr(self, k)}" for k, v in silent.items() if getattr(self, k) != v)
        text += ", bias=False" if self.bias is None else ""
        return text + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


_FUNCTIONS = {
    **{(n, False): f for n, f in ((1, conv1d), (2, conv2d), (3, conv3d))},
    **{(n, True): f for n, f in ((1, conv_transpose1d), (2, conv_transpose2d), (3, conv_transpose3d))},
}


def _module(n: int, backwards: bool) -> Any:
    name = f"Conv{'Transpose' if backwards else ''}{n}d"
    doc = f"`F.{_FUNCTIONS[n, backwards].__name__}` with a weight and a bias of its own, drawn as PyTorch draws."
    body = {"_n": n, "_backwards": backwards, "__doc__": doc, "__module__": __name__}
    return type(name, (_Convolving,), body)


Conv1d, Conv2d, Conv3d = (_module(n, False) for n in (1, 2, 3))
ConvTranspose1d, ConvTranspose2d, ConvTranspose3d = (_module(n, True) for n in (1, 2, 3))


class Unfold(Module):
    """`F.unfold` as a module."""

    _function: Any = staticmethod(unfold)
    _names: tuple[str, ...] = ("kernel_size", "dilation", "padding", "stride")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.__dict__.update(
            {"dilation": 1, "padding": 0, "stride": 1} | dict(zip(self._names, args, strict=False)) | kwargs
        )

    def forward(self, input: Any) -> Any:
        """Give the columns, or the images."""
        return type(self)._function(input, *(getattr(self, k) for k in self._names))

    def extra_repr(self) -> str:
        """Name the settings."""
        return ", ".join(f"{k}={getattr(self, k)}" for k in self._names)


class Fold(Unfold):
    """`F.fold` as a module."""

    _function = staticmethod(fold)
    _names = ("output_size", "kernel_size", "dilation", "padding", "stride")


__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "fold", "unfold",
]  # fmt: skip
MODULES = [
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Fold", "Unfold",
]  # fmt: skip
