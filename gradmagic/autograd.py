"""`gm.autograd`, by PyTorch's name: gradients of results that were computed."""

from .engine.tape import enable_grad, no_grad, set_grad_enabled
from .engine.results import grad_of as grad

__all__ = ["enable_grad", "grad", "no_grad", "set_grad_enabled"]
