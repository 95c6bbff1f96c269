"""PyTorch's pooling of signals, images and volumes, as functions (`F.max_pool2d`) and modules (`nn.MaxPool2d`).

In: images (batch, channels, *sizes), or one without a batch, and PyTorch's arguments. Out: images. One rule serves any
number of dims; adaptive pools are the same with patches that follow from the sizes, or sums with their weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.derivatives.nn import functions as nw
from ..engine.derivatives.nn import images as cv
from ..engine.dispatch.calls import call
from ..engine.faces.torch.arguments import shown
from ..engine.faces.torch.math import OperandError, titled
from ..engine.faces.torch.tensor import Tensor
from ..engine.rules.declare import RULES
from ..errors import ShapeError
from ..functions import as_tensor
from ..language import tr
from .modules import Module
from .sizes import of_batch, sizes_of

_MAX, _AVG = RULES[cv.max_pool], RULES[cv.avg_pool]


def _called(made: Any, n: int, torch: str) -> Any:
    """Show the pool under PyTorch's name; of signals PyTorch shows that it squeezes an image."""
    shown(
        made[0] if isinstance(made, tuple) else made,
        "SqueezeBackward1" if n == 1 else f"{torch.format(n=n)}Backward0",
    )
    return made


def _walk(name: str, n: int, kernel_size: Any, stride: Any, padding: Any) -> tuple[Any, Any, Any]:
    kernel = sizes_of(kernel_size, n)
    padding = sizes_of(padding, n)
    step = kernel if stride is None or stride == [] else sizes_of(stride, n)
    if min(*kernel, *step) <= 0:
        raise ShapeError(tr("stride should not be zero: kernel_size and stride are at least 1."))
    if min(padding) < 0:
        raise ShapeError(tr(
            "pad must be non-negative, but got pad: {pad}. Cut the image by its index instead.",
            pad=min(padding),
        ))  # fmt: skip
    for k, p in zip(kernel, padding, strict=True):
        if 2 * p > k:
            raise OperandError(tr(
                "pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and "
                "dilation=1: write a smaller padding= for {name}, or pad the input.", p=p, k=k, name=name,
            ))  # fmt: skip
    return kernel, step, padding


def _fits(name: str, x: Any, out: list[int]) -> None:
    if any(m <= 0 for m in out):
        raise ShapeError(tr(
            "Given input size: ({input}). Calculated output size: ({output}). Output size is too small: "
            "{name} wants a smaller kernel_size= or a larger image.",
            input="x".join(map(str, x.shape[1:])), output="x".join(map(str, (x.shape[1], *out))), name=name,
        ))  # fmt: skip


def _max_pool(n: int) -> Callable[..., Any]:
    name = f"max_pool{n}d"

    def f(
        input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:  # fmt: skip
        walk = (*_walk(name, n, kernel_size, stride, padding), sizes_of(dilation, n))

        def run(x: Any) -> Any:
            _fits(name, x, [cv.out_size(*s, ceil_mode) for s in zip(x.shape[2:], *walk, strict=True)])
            y = call(_MAX, cv.max_pool.__wrapped__, (x, *walk, bool(ceil_mode)), {})
            if not return_indices:
                return y
            return y, Tensor.wrap(cv.winners(x.array, y.array, *walk), None)

        return _called(of_batch(run, input, n, name), n, "MaxPool{n}DWithIndices")

    return titled(
        f, name, "Give the largest entry of every patch; the gradient goes to the first that holds it."
    )


def _avg_pool(n: int) -> Callable[..., Any]:
    name = f"avg_pool{n}d"

    def f(
        input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> Any:  # fmt: skip
        walk = _walk(name, n, kernel_size, stride, padding)
        if divisor_override == 0:
            raise OperandError(tr(
                "divisor must be not zero: leave out divisor_override=, or write another number.",
            ))  # fmt: skip

        def run(x: Any) -> Any:
            _fits(name, x, [cv.out_size(*s, 1, ceil_mode) for s in zip(x.shape[2:], *walk, strict=True)])
            settings = (*walk, bool(ceil_mode), bool(count_include_pad), divisor_override)
            return call(_AVG, cv.avg_pool.__wrapped__, (x, *settings), {})

        return _called(of_batch(run, input, n, name), n, "AvgPool{n}D")

    return titled(
        f, name, "Give the average of every patch; `count_include_pad` says whether the rim's zeros count."
    )


def _lp_pool(n: int) -> Callable[..., Any]:
    average = _avg_pool(n)

    def f(
        input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> Any:  # fmt: skip
        number = int(np.prod(sizes_of(kernel_size, n)))
        sums = average(as_tensor(input) ** norm_type, kernel_size, stride, 0, ceil_mode) * number
        return (sums.sign() * sums.abs().relu()) ** (1 / norm_type)

    return titled(f, f"lp_pool{n}d", "Give the norm of order `norm_type` of every patch.")


# ---- adaptive: as many places as wanted ---------------------------------------------------------------------------


def _wanted(output_size: Any, x: Any, n: int) -> tuple[int, ...]:
    given = (output_size,) * n if output_size is None or isinstance(output_size, int) else tuple(output_size)
    return tuple(size if m is None else m for m, size in zip(given, x.shape[2:], strict=True))


def _windows(size: int, places: int) -> list[tuple[int, int]]:
    """Give where each patch begins and ends along an axis."""
    return [(i * size // places, -(-(i + 1) * size // places)) for i in range(places)]


def _adaptive(n: int, kind: str, regular: Callable[..., Any]) -> Callable[..., Any]:
    name = f"adaptive_{kind}_pool{n}d"

    def f(input: Any, output_size: Any, return_indices: bool = False) -> Any:
        def run(x: Any) -> Any:
            out = _wanted(output_size, x, n)
            if all(m > 0 and s % m == 0 for s, m in zip(x.shape[2:], out, strict=True)):
                kernel = tuple(s // m for s, m in zip(x.shape[2:], out, strict=True))
                return regular(x, kernel, return_indices=True) if return_indices else regular(x, kernel)
            return _weighted(x, out) if kind == "avg" else _largest(x, out, return_indices)

        return _called(of_batch(run, input, n, name), n, f"Adaptive{kind.title()}Pool{{n}}D")

    word = "average" if kind == "avg" else "largest entry"
    return titled(f, name, f"Give the {word} of patches that come to `output_size`, as even as they can be.")


def _weighted(x: Any, out: tuple[int, ...]) -> Any:
    """Average along one axis after the other, by the matrix that has each patch's weights in a row."""
    for axis, m in enumerate(out, 2):
        size = x.shape[axis]
        matrix = np.zeros((m, size), x.array.dtype)
        for i, (start, end) in enumerate(_windows(size, m)):
            matrix[i, start:end] = 1 / (end - start)
        x = nw.weighted_along(x, arrays.from_host(matrix, x.array), axis)
    return x


def _largest(x: Any, out: tuple[int, ...], return_indices: bool) -> Any:
    """Pick each patch's entries by their numbers, the last one again where a patch is shorter than others."""
    at = np.zeros((1, 1), int)
    for size, m in zip(x.shape[2:], out, strict=True):
        windows = _windows(size, m)
        longest = max(end - start for start, end in windows)
        along = np.array([[min(start + k, end - 1) for k in range(longest)] for start, end in windows])
        at = (at[:, None, :, None] * size + along[None, :, None, :]).reshape(len(at) * m, -1)
    flat = x.flatten(2)
    entries = flat[:, :, arrays.from_host(at, x.array)]
    place = np.argmax(entries.array, -1)
    y = entries.gather(-1, Tensor.wrap(place[..., None], None)).squeeze(-1).unflatten(-1, out)
    if not return_indices:
        return y
    numbers = np.take_along_axis(
        np.broadcast_to(arrays.from_host(at, x.array), entries.shape), place[..., None], -1
    )
    return y, Tensor.wrap(np.reshape(numbers[..., 0], y.shape), None)


# ---- back to where the largest lay --------------------------------------------------------------------------------


def _unpool(n: int) -> Callable[..., Any]:
    name = f"max_unpool{n}d"

    def f(
        input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
    ) -> Any:  # fmt: skip
        kernel, step, rim = _walk(name, n, kernel_size, stride, padding)

        def run(x: Any) -> Any:
            sizes = [
                (m - 1) * s - 2 * p + k for m, k, s, p in zip(x.shape[2:], kernel, step, rim, strict=True)
            ]
            size = sizes if output_size is None else list(output_size)[-n:]
            at = as_tensor(indices).reshape(*x.shape[:2], -1)
            zeros = x.new_zeros((*x.shape[:2], int(np.prod(size))))
            return zeros.scatter(-1, at, x.flatten(2)).unflatten(-1, size)

        return _called(of_batch(run, input, n, name), n, "MaxUnpool{n}D")

    return titled(f, name, "Give zeros with the entries where `indices` of a max pool say they lay.")


max_pool1d, max_pool2d, max_pool3d = (_max_pool(n) for n in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = (_avg_pool(n) for n in (1, 2, 3))
lp_pool1d, lp_pool2d, lp_pool3d = (_lp_pool(n) for n in (1, 2, 3))
max_unpool1d, max_unpool2d, max_unpool3d = (_unpool(n) for n in (1, 2, 3))
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (
    _adaptive(n, "avg", f) for n, f in enumerate((avg_pool1d, avg_pool2d, avg_pool3d), 1)
)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (
    _adaptive(n, "max", f) for n, f in enumerate((max_pool1d, max_pool2d, max_pool3d), 1)
)


# ---- modules ----------------------------------------------------------------------------------------------------


class _Pooling(Module):
    """A pool with its settings; `_settings` names them, with PyTorch's defaults, `_shown` those that are printed."""

    _function: Callable[..., Any]
    _settings: dict[str, Any]
    _shown: tuple[str, ...]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        given = dict(zip(self._settings, args, strict=False)) | kwargs
        if unknown := set(given) - set(self._settings):
            raise TypeError(tr(
                "{kind}.__init__() got an unexpected keyword argument {unknown!r}: its settings are "
                "{settings}.",
                kind=type(self).__name__, unknown=min(unknown), settings=", ".join(self._settings),
            ))  # fmt: skip
        made = self._settings | given
        if (missing := next(iter(self._settings))) not in given:
            raise TypeError(
                f"{type(self).__name__}.__init__() missing 1 required positional argument: {missing!r}"
            )
        if "stride" in made and made["stride"] is None and "norm_type" not in made:
            made["stride"] = made["kernel_size"]
        if "Unpool" in type(self).__name__:
            made = {k: sizes_of(v, int(type(self).__name__[-2])) for k, v in made.items()}
        self.__dict__.update(made)

    def forward(self, *inputs: Any, **words: Any) -> Any:
        """Give the pooled input."""
        return type(self)._function(*inputs, **{k: getattr(self, k) for k in self._settings}, **words)

    def extra_repr(self) -> str:
        """Name the settings."""
        return ", ".join(f"{k}={getattr(self, k)}" for k in self._shown)


_K: dict[str, Any] = {"kernel_size": None, "stride": None, "padding": 0}
_KINDS: dict[str, tuple[str, dict[str, Any], str]] = {
    "MaxPool": ("max_pool", _K | {"dilation": 1, "return_indices": False, "ceil_mode": False},
                "kernel_size stride padding dilation ceil_mode"),
    "AvgPool": ("avg_pool", _K | {"ceil_mode": False, "count_include_pad": True, "divisor_override": None},
                "kernel_size stride padding"),
    "LPPool": ("lp_pool", {"norm_type": None, "kernel_size": None, "stride": None, "ceil_mode": False},
               "norm_type kernel_size stride ceil_mode"),
    "MaxUnpool": ("max_unpool", _K, "kernel_size stride padding"),
    "AdaptiveAvgPool": ("adaptive_avg_pool", {"output_size": None}, "output_size"),
    "AdaptiveMaxPool": ("adaptive_max_pool", {"output_size": None, "return_indices": False}, "output_size"),
}  # fmt: skip
__all__ = [f"{f}{n}d" for f, _, _ in _KINDS.values() for n in (1, 2, 3)]
MODULES = [f"{name}{n}d" for name in _KINDS for n in (1, 2, 3)]
for _name, (_f, _given, _print) in _KINDS.items():
    for _n in (1, 2, 3):
        _body = {
            "_function": staticmethod(globals()[f"{_f}{_n}d"]), "_settings": _given, "_shown": tuple(_print.split()),
            "__doc__": f"`F.{_f}{_n}d` as a module.", "__module__": __name__,
        }  # fmt: skip
        globals()[f"{_name}{_n}d"] = type(f"{_name}{_n}d", (_Pooling,), _body)
