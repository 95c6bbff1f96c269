"""The cross entropy of classes on a device, by few kernels: what reduces, which no formula entry by entry can say.

In: logits (rows, classes) and a class for each row, on a device that compiles kernels. Out: loss and what its vjp
(`cross_entropy_there` in cotangents.py) takes. The tests hold it to log_softmax and nll.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ...core import arrays


def compiles(z: Any, y: Any) -> bool:
    """Tell whether both lie on one device that compiles kernels for them."""
    module = arrays.module_of(z)
    return module is arrays.module_of(y) and hasattr(module, "ReductionKernel") and z.dtype.char in "efd"


@cache
def _kernels(module: Any, dtype: str) -> tuple[Any, Any, Any, Any]:
    wide = "double" if dtype == "float64" else "float"  # in which sums are made
    sums = module.ReductionKernel(
        f"{dtype} z, {dtype} top", f"{dtype} out", f"exp(({wide})z - ({wide})top)", "a + b", "out = log(a)", "0",
        "gradmagic_log_sum", reduce_type=wide,
    )  # fmt: skip
    number = module.ReductionKernel(
        "T y, int64 ignored", f"{dtype} out", "(long long)y != ignored", "a + b", f"out = ({wide})a", "0",
        "gradmagic_rows", reduce_type="long long",
    )  # fmt: skip
    picked = module.ElementwiseKernel(
        f"T y, {dtype} top, {dtype} logs, raw {dtype} z, int64 classes, int64 ignored", f"{dtype} out",
        f"long long k = y; out = k == ignored ? ({wide})0 : k < 0 || k >= classes ? ({wide})(0.0 / 0.0)"
        f" : ({wide})logs - (({wide})z[i * classes + k] - ({wide})top)",
        "gradmagic_picked",
    )  # fmt: skip
    mean = module.ReductionKernel(
        f"{dtype} x, {dtype} total", f"{dtype} out", f"({wide})x / ({wide})total", "a + b", "out = a", "0",
        "gradmagic_mean", reduce_type=wide,
    )  # fmt: skip
    return sums, number, picked, mean


def cross_entropy_by_kernels(z: Any, y: Any, ignored: int) -> tuple[Any, Any, Any, Any]:
    """Give the mean of -log(softmax(z))[k, y[k]] over the rows that are not ignored.

    Besides the largest entry of each row, the logarithm of its sum of exp(z - that), and the number of those rows.
    """
    sums, number, picked, mean = _kernels(arrays.module_of(z), z.dtype.name)
    top = np.max(z, axis=1)
    logs = sums(z, top[:, None], axis=1)
    total = number(y, ignored)
    return mean(picked(y, top, logs, z, z.shape[1], ignored), total), top, logs, total
