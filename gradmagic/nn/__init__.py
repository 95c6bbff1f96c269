"""PyTorch's names for neural networks: `functional` has the functions, `layers` the layers and losses as modules.

A reader starts at `modules` (what a Module is), then `layers`, `losses`, `convolution`.
"""

from . import functional, init, layers
from .layers import *  # noqa: F403  (the list is layers.__all__)
from .modules import Module, ModuleList, Parameter, Sequential

__all__ = [*layers.__all__, "Module", "ModuleList", "Parameter", "Sequential", "functional", "init"]
