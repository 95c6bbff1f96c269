"""Whether there is what NVIDIA's GPUs need. Settings change nothing: products are computed in the tensors' dtype."""

from importlib.util import find_spec
from types import SimpleNamespace

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=False)


def is_built() -> bool:
    """Tell whether CuPy is installed; whether it finds a GPU, `gm.cuda.is_available()` tells."""
    return find_spec("cupy") is not None
