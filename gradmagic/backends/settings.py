"""PyTorch's settings of how it computes, so that programs that set them run: here the same input gives the same always.

Products of float32 are computed in float32; how many threads compute them, NumPy's library of linear algebra decides
(the environment's OPENBLAS_NUM_THREADS, before NumPy is imported).
"""

import os

from ..language import tr

_set: dict[str, object] = {"deterministic": False, "precision": "highest"}


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for the same result from the same input: it is so anyway."""
    _set["deterministic"] = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """Tell what `use_deterministic_algorithms` was told."""
    return bool(_set["deterministic"])


def set_float32_matmul_precision(precision: str) -> None:
    """Allow products to be less exact: they are not."""
    if precision not in ("highest", "high", "medium"):
        raise RuntimeError(tr(
            "{precision} is not one of 'highest', 'high' or 'medium': write one of them.",
            precision=precision,
        ))  # fmt: skip
    _set["precision"] = precision


def get_float32_matmul_precision() -> str:
    """Tell what `set_float32_matmul_precision` was told."""
    return str(_set["precision"])


def get_num_threads() -> int:
    """Give how many processors there are for NumPy's library."""
    return os.cpu_count() or 1


def set_num_threads(n: int) -> None:
    """Change nothing: NumPy's library decides."""
