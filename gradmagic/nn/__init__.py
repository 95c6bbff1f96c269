"""PyTorch's names for neural networks: `functional` has the functions, the other files the modules by subject.

A reader starts at `modules` (what a Module is), then `containers`, `layers`, `losses`, `convolution`.
"""

from . import functional, init, layers
from .containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .layers import *  # noqa: F403  (the list is layers.__all__)
from .modules import Module
from .parameters import Parameter

__all__ = [
    *layers.__all__, "Module", "ModuleDict", "ModuleList", "Parameter", "ParameterDict", "ParameterList", "Sequential",
    "functional", "init",
]  # fmt: skip
