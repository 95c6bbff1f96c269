"""PyTorch's questions about what computes: `gm.backends.mps.is_available()`. It is NumPy, and CuPy on NVIDIA's GPUs."""

from types import SimpleNamespace
from typing import Any

from . import cuda, cudnn, mps


def _none(name: str) -> Any:
    return SimpleNamespace(
        is_available=lambda: False, __doc__=f"{name} is not asked for: NumPy brings its own library."
    )


mkl, mkldnn, openmp = _none("MKL"), _none("oneDNN"), _none("OpenMP")

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
