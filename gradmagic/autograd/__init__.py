"""`gm.autograd`, by PyTorch's name: gradients of results that were computed, and derivatives of one's own."""

from ..engine.faces.torch.types import Variable
from ..engine.tape.modes import enable_grad, no_grad, set_grad_enabled
from ..engine.transforms.autograd_function import Function
from ..engine.transforms.of_results import grad_of as grad
from ..engine.watch.anomaly import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from . import functional

__all__ = [
    "Function", "Variable", "detect_anomaly", "enable_grad", "functional", "grad", "is_anomaly_enabled", "no_grad",
    "set_detect_anomaly", "set_grad_enabled",
]  # fmt: skip
