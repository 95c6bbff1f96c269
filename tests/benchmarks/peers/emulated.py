"""An emulated device whose kernels are skipped, so that what a step takes is the host's work alone: Python and CuPy.

The emulation (`cupy_on_cpu`, where there is one) runs real CuPy over a library in plain C++. `skipping()` writes four
instructions over the start of each of its functions that compute something: count a launch, give back 0 (success).
Nothing that is read afterwards has been computed. Copies, memory and all of CuPy's own work stay.
"""

import ctypes
import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_PRODUCTS = [
    f"cublas{t}{name}" for t in "SDCZ" for name in ("gemm_v2", "gemmStridedBatched", "gemmBatched", "gemv_v2")
]
_DOTS = [f"cublas{t}_v2" for t in ("Sdot", "Ddot", "Cdotu", "Zdotu", "Cdotc", "Zdotc")]
_OTHERS = ["cublasGemmEx", "cublasSgemmEx", "cublasGemmStridedBatchedEx"]


def _functions(emulation: Any) -> list[int]:
    """Give the addresses of what computes: the one way to a kernel, and the products of matrices."""
    root = emulation.ROOT / "toolkit/lib64"
    cuda, cublas = ctypes.CDLL(str(root / "libcuda.so.1")), ctypes.CDLL(str(root / "libcublas.so.13"))
    found = [cuda.cuLaunchKernel, *(getattr(cublas, name) for name in _PRODUCTS + _DOTS + _OTHERS)]
    return [ctypes.cast(f, ctypes.c_void_p).value or 0 for f in found]


@contextmanager
def skipping(emulation: Any) -> Iterator[None]:
    """Start no kernel while this lasts, but count them."""
    counts = ctypes.cast(emulation._counts, ctypes.c_void_p).value
    # mov rax, counts; inc qword [rax]; xor eax, eax; ret
    code = b"\x48\xb8" + struct.pack("<Q", counts) + b"\x48\xff\x00\x31\xc0\xc3"
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    kept = []
    for at in _functions(emulation):
        first, last = at // mmap.PAGESIZE, (at + len(code)) // mmap.PAGESIZE
        size = (last - first + 1) * mmap.PAGESIZE
        if protect(ctypes.c_void_p(first * mmap.PAGESIZE), ctypes.c_size_t(size), 7):
            raise OSError(ctypes.get_errno(), "cannot write to the emulation: a hardened kernel?")
        kept.append((at, ctypes.string_at(at, len(code))))
        ctypes.memmove(at, code, len(code))
    try:
        yield
    finally:
        for at, before in kept:
            ctypes.memmove(at, before, len(before))
