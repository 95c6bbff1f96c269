"""PyTorch's `torch.fft`: `gm.fft.rfft(x)`, `gm.fft.fft2(x)`. Thin names over np.fft's functions.

In: Tensors (lifted Arrays and plain arrays are taken for Tensors). Out: Tensors; those of float32 are complex64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .engine.faces.torch.arguments import at
from .engine.faces.torch.defaults import float_dtype
from .engine.faces.torch.math import OperandError, floating, titled
from .engine.faces.torch.tensor import Tensor
from .errors import DimensionError
from .functions import of_tensor
from .language import tr


def _one(name: str) -> Callable[..., Any]:
    function = getattr(np.fft, name)

    def f(input: Any, n: int | None = None, dim: int = -1, norm: str | None = None) -> Any:
        if not input.ndim:
            raise DimensionError(tr(
                "Dimension specified as {dim} but tensor has no dimensions: write t.reshape(1).", dim=dim,
            ))  # fmt: skip
        at(dim, input.ndim)
        return function(floating(input), n, dim, norm)

    return titled(f, name, f"As `torch.fft.{name}`, along one dim.")


_OTHER = {"forward": "backward", "ortho": "ortho"}  # the norm of the way back
_HERMITIAN: dict[str, Any] = {
    "hfft": lambda x, s, axes, norm: np.fft.irfftn(np.conjugate(x), s, axes, _OTHER.get(norm, "forward")),  # type: ignore[arg-type]
    "ihfft": lambda x, s, axes, norm: np.conjugate(np.fft.rfftn(x, s, axes, _OTHER.get(norm, "forward"))),  # type: ignore[arg-type]
}
_HERMITIAN = {f"{name}{many}": f for name, f in _HERMITIAN.items() for many in "2n"}


def _many(name: str, last: Any) -> Callable[..., Any]:
    function = _HERMITIAN.get(name) or getattr(np.fft, name)

    def f(input: Any, s: Any = None, dim: Any = last, norm: str | None = None) -> Any:
        s = (s,) if isinstance(s, int) else s
        dim = (dim,) if isinstance(dim, int) else dim
        if dim is not None and s is not None and len(s) != len(dim):
            if dim is not last:
                raise OperandError(tr(
                    "When given, dim and shape arguments must have the same length. Name as many.",
                ))  # fmt: skip
            dim = None
        axes = dim if dim is not None or s is None else tuple(range(-len(s), 0))
        return function(floating(input), s, axes, norm)

    return titled(f, name, f"As `torch.fft.{name}`, along several dims.")


def _shifted(name: str) -> Callable[..., Any]:
    function = getattr(np.fft, name)

    def f(input: Any, dim: Any = None) -> Any:
        return function(input, dim)

    return titled(f, name, f"As `torch.fft.{name}`: zero frequency in the middle, or back.")


def _frequencies(name: str) -> Callable[..., Any]:
    function = getattr(np.fft, name)

    def f(n: int, d: float = 1.0, *, dtype: Any = None) -> Any:
        kind = float_dtype() if dtype is None else np.dtype(dtype)
        return Tensor.wrap(function(n, d).astype(kind), None)

    return titled(f, name, f"As `torch.fft.{name}`: the frequencies that a transform of n entries has.")


_TABLE: dict[str, Any] = {
    **{n: of_tensor(_one(n)) for n in "fft ifft rfft irfft hfft ihfft".split()},
    **{n: of_tensor(_many(n, (-2, -1))) for n in "fft2 ifft2 rfft2 irfft2 hfft2 ihfft2".split()},
    **{n: of_tensor(_many(n, None)) for n in "fftn ifftn rfftn irfftn hfftn ihfftn".split()},
    **{n: of_tensor(_shifted(n)) for n in "fftshift ifftshift".split()},
    **{n: _frequencies(n) for n in "fftfreq rfftfreq".split()},
}  # fmt: skip
globals().update(_TABLE)
__all__ = list(_TABLE)


def __getattr__(name: str) -> Any:
    from .missing import missing

    raise missing("fft", name, __all__)
