"""`gm.autograd`, by PyTorch's name: gradients of results that were computed, and derivatives of one's own."""

from ..engine.function import Function
from ..engine.results import grad_of as grad
from ..engine.tape import enable_grad, no_grad, set_grad_enabled
from . import functional

__all__ = ["Function", "enable_grad", "functional", "grad", "no_grad", "set_grad_enabled"]
