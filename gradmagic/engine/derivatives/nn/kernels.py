"""The cross entropy of classes on a device, by few kernels: what reduces, which no formula entry by entry can say.

In: logits (rows, classes) and a class for each row, on a device that compiles kernels. Out: loss and what its vjp
(`cross_entropy_there` in cotangents.py) takes. The tests hold it to log_softmax and nll.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from ...core import arrays
from ...core.fused import c_type


def compiles(z: Any, y: Any) -> bool:
    """Tell whether both lie on one device that compiles kernels for them."""
    module = arrays.module_of(z)
    return module is arrays.module_of(y) and hasattr(module, "ReductionKernel") and z.dtype.char in "efd"


# A block for each row: its largest entry, then the logarithm of its sum, each by all threads; the first one picks.
_ROWS = """
#include <cupy/carray.cuh>
#include <cupy/float16.cuh>
extern "C" __global__ void gradmagic_rows(
    const %(label)s* y, long long y_step, const %(dtype)s* z, long long row_step, long long step, long long classes,
    long long ignored, bool* flags, long long slot, %(dtype)s* tops, %(dtype)s* logs, %(wide)s* losses
) {
    __shared__ %(wide)s parts[128];
    const long long row = blockIdx.x, me = threadIdx.x;
    const %(dtype)s* mine = z + row * row_step;
    %(wide)s top = -1.0 / 0.0;
    for (long long k = me; k < classes; k += blockDim.x) {
        const %(wide)s here = mine[k * step];
        if (here > top || isnan(here)) top = here;
    }
    parts[me] = top;
    for (int n = blockDim.x / 2; n; n /= 2) {
        __syncthreads();
        if (me < n && (parts[me + n] > parts[me] || isnan(parts[me + n]))) parts[me] = parts[me + n];
    }
    __syncthreads();
    top = parts[0];
    __syncthreads();
    %(wide)s sum = 0;
    for (long long k = me; k < classes; k += blockDim.x) sum += exp((%(wide)s)mine[k * step] - top);
    parts[me] = sum;
    for (int n = blockDim.x / 2; n; n /= 2) {
        __syncthreads();
        if (me < n) parts[me] += parts[me + n];
    }
    if (me) return;
    const long long k = y[row * y_step];
    const %(wide)s log_sum = log(parts[0]);
    tops[row] = top;
    logs[row] = log_sum;
    if (k == ignored) losses[row] = 0;
    else if (k >= 0 && k < classes) losses[row] = log_sum - ((%(wide)s)mine[k * step] - top);
    else { flags[slot] = true; losses[row] = 0.0 / 0.0; }
}
"""

_SUMS = """
struct gradmagic_sums {
    double loss; long long rows;
    __device__ gradmagic_sums(double loss = 0, long long rows = 0) : loss(loss), rows(rows) {}
    __device__ gradmagic_sums operator+(const gradmagic_sums& b) const {
        return gradmagic_sums(loss + b.loss, rows + b.rows);
    }
};
"""


@cache
def _kernels(module: Any, kind: Any, label: Any) -> tuple[Any, Any, Any]:  # by dtypes: their names take 1 us each
    dtype = kind.name
    wide = "double" if dtype == "float64" else "float"  # in which sums are made
    types = {"wide": wide, "label": c_type(label), "dtype": "float16" if dtype == "float16" else wide}
    rows = module.RawKernel(_ROWS % types, "gradmagic_rows")
    mean = module.ReductionKernel(
        "W loss, T y, int64 ignored", f"{dtype} out, {dtype} total", "gradmagic_sums(loss, (long long)y != ignored)",
        "a + b", f"out = ({wide})(a.loss / a.rows), total = ({wide})a.rows", "gradmagic_sums()", "gradmagic_mean",
        reduce_type="gradmagic_sums", preamble=_SUMS,
    )  # fmt: skip
    share = module.ElementwiseKernel(
        f"G g, {dtype} total, {dtype} z, raw T y, raw {dtype} top, raw {dtype} logs, int64 classes, int64 ignored",
        f"{dtype} out",
        f"""
        const ptrdiff_t row = i / classes; const long long k = y[row];
        const {wide} p = exp(({wide})z - ({wide})top[row] - ({wide})logs[row]);
        out = k == ignored ? 0 * p : ({wide})g / ({wide})total * (p - (i % classes == k));""",
        "gradmagic_cross_entropy_share",
    )
    return rows, mean, share


def cross_entropy_by_kernels(z: Any, y: Any, ignored: int, slot: int, flags: Any) -> tuple[Any, Any, Any, Any]:
    """Give the mean of -log(softmax(z))[k, y[k]] over the rows that are not ignored.

    Besides the largest entry of each row, the logarithm of its sum of exp(z - that), and the number of those rows.
    A label that is no class sets `flags[slot]`.
    """
    module, (number, classes) = arrays.module_of(z), z.shape
    rows, mean, _ = _kernels(module, z.dtype, y.dtype)
    top, logs = module.empty(number, z.dtype), module.empty(number, z.dtype)
    losses = module.empty(number, np.float64 if z.dtype.char == "d" else np.float32)
    row_step, step = (s // z.itemsize for s in z.strides)
    threads = 32 if classes <= 64 else 128
    steps = y, y.strides[0] // y.itemsize, z, row_step, step
    if number:  # CUDA refuses a grid of no blocks
        rows((number,), (threads,), (*steps, classes, ignored, flags, slot, top, logs, losses))
    loss, total = module.empty((), z.dtype), module.empty((), z.dtype)
    mean(losses, y, ignored, loss, total)
    return loss, top, logs, total


def cross_entropy_share(g: Any, z: Any, y: Any, top: Any, logs: Any, total: Any, ignored: int) -> Any:
    """Give the cotangent of z by one kernel."""
    _, _, share = _kernels(arrays.module_of(z), z.dtype, y.dtype)
    return share(g, total, z, y, top, logs, z.shape[1], ignored)
