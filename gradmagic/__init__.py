"""gradmagic: see where every number's gradient comes from.

In a notebook, `%load_ext gradmagic` and `%%grad` on top of a cell. In Python, `gm.tensor(...)`, `loss.backward()`,
`x.grad`, `gm.grad(f)`. The house, in the order of a reader: `engine` (tape and derivatives), `nn` and `optim`
(PyTorch's names for networks), `cell` (running one cell), `report` (showing what happened).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import (
    accelerator,
    autograd,
    backends,
    cuda,
    fft,
    func,
    functions,
    linalg,
    mps,
    nn,
    optim,
    random,
    special,
    xpu,
)
from .backends.settings import (
    are_deterministic_algorithms_enabled,
    get_float32_matmul_precision,
    get_num_threads,
    set_float32_matmul_precision,
    set_num_threads,
    use_deterministic_algorithms,
)
from .engine.check.check_grads import check_grads
from .engine.core.heap import set_buffer_pool
from .engine.faces.numpy.array import Array
from .engine.faces.torch.make import tensor
from .engine.faces.torch.tensor import Tensor
from .engine.following.patches import patched
from .engine.following.switch import set_following
from .engine.replay.loop import loop
from .engine.replay.replay import replay
from .engine.tape.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .engine.transforms.checkpoint import checkpoint
from .engine.transforms.custom import custom, stop_gradient
from .engine.transforms.matrices import hvp
from .engine.transforms.numeric import numeric
from .engine.transforms.of_functions import jvp, vjp
from .engine.transforms.spellings import (
    egrad,
    elementwise_grad,
    grad,
    grad_and_aux,
    hessian,
    hessian_vector_product,
    jacfwd,
    jacobian,
    jacrev,
    make_hvp,
    make_jvp,
    make_vjp,
    value_and_grad,
    vector_jacobian_product,
)  # fmt: skip
from .engine.watch.anomaly import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from .engine.watch.guard_where import guard_where
from .engine.watch.memory_limit import set_tape_limit
from .errors import GradmagicError
from .func import vmap
from .functions import *  # noqa: F403  (PyTorch's function names; the list is functions.__all__)
from .language import get_language, set_language
from .missing import missing

if TYPE_CHECKING:
    from . import distributed, distributions, utils
    from .cell import last, make_dot, trace
    from .fitting import Fit, minimize
    from .report import Report
    from .saving import load, save

__version__ = "0.1.0"

# PyTorch has these in torch too.
_OF_NETWORKS = (
    "adaptive_avg_pool1d avg_pool1d bilinear celu_ channel_shuffle conv1d conv2d conv3d conv_transpose1d "
    "conv_transpose2d conv_transpose3d cosine_similarity hardshrink pairwise_distance pixel_shuffle "
    "pixel_unshuffle prelu relu_ rrelu_ "
    "selu_ threshold_ celu selu rrelu batch_norm layer_norm group_norm instance_norm rms_norm dropout embedding "
    "embedding_bag max_pool1d max_pool2d max_pool3d"
).split()
globals().update({n: getattr(nn.functional, n) for n in _OF_NETWORKS} | linalg.OF_TORCH)

# What needs IPython, jinja2 or rich, and what few programs need, is imported when it is first asked for: `import
# gradmagic` stays light.
_LATER = {
    "Fit": "fitting",
    "Report": "report",
    "last": "cell",
    "make_dot": "cell",
    "minimize": "fitting",
    "trace": "cell",
    "load": "saving",
    "save": "saving",
}
_ROOMS_LATER = ("distributed", "distributions", "utils")


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)
    if name in _ROOMS_LATER:
        return importlib.import_module(f".{name}", __name__)
    raise missing("", name, __dir__())


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER, *_ROOMS_LATER])


def load_ipython_extension(shell: Any) -> None:
    """Add `%%grad` and `%grad` to IPython; called by `%load_ext gradmagic`."""
    from .cell.hosts.magic import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Take them away again; called by `%unload_ext gradmagic`."""
    from .cell.hosts.magic import unload

    unload(shell)


__all__ = [
    "Array",
    "Fit",
    "GradmagicError",
    "Report",
    "Tensor",
    "accelerator",
    "are_deterministic_algorithms_enabled",
    "autograd",
    "backends",
    "check_grads",
    "checkpoint",
    "cuda",
    "distributed",
    "distributions",
    "custom",
    "detect_anomaly",
    "egrad",
    "elementwise_grad",
    "enable_grad",
    "fft",
    "func",
    "get_float32_matmul_precision",
    "get_language",
    "get_num_threads",
    "grad",
    "grad_and_aux",
    "guard_where",
    "hessian",
    "hessian_vector_product",
    "hvp",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "last",
    "linalg",
    "load",
    "loop",
    "make_dot",
    "minimize",
    "mps",
    "make_hvp",
    "make_jvp",
    "make_vjp",
    "nn",
    "no_grad",
    "numeric",
    "optim",
    "patched",
    "random",
    "save",
    "set_buffer_pool",
    "set_detect_anomaly",
    "set_float32_matmul_precision",
    "set_following",
    "set_language",
    "replay",
    "set_grad_enabled",
    "set_num_threads",
    "set_tape_limit",
    "special",
    "stop_gradient",
    "tensor",
    "trace",
    "use_deterministic_algorithms",
    "utils",
    "value_and_grad",
    "vector_jacobian_product",
    "vjp",
    "vmap",
    "xpu",
    *_OF_NETWORKS,
    *linalg.OF_TORCH,
    *functions.__all__,
]
