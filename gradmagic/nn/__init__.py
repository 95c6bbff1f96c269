"""PyTorch's names for neural networks: `functional` has the functions, the other files the modules by subject.

A reader starts at `modules` (what a Module is), then `containers`, `layers`, `function_modules`, `convolution`.
"""

from typing import Any

from ..missing import missing
from . import (
    attention,
    convolution,
    embedding_rows,
    function_modules,
    functional,
    init,
    layers,
    lazy,
    normalization,
    pooling,
    recurrent,
    resizing,
    transformers,
    utils,
)  # fmt: skip
from .containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from .modules import Module
from .parameters import Parameter

_FILES = (
    attention, convolution, embedding_rows, function_modules, layers, lazy, normalization, pooling, recurrent, resizing,
    transformers,
)  # fmt: skip
_MODULES = {name: getattr(file, name) for file in _FILES for name in file.MODULES}
globals().update(_MODULES)

__all__ = [
    *_MODULES, "Module", "ModuleDict", "ModuleList", "Parameter", "ParameterDict", "ParameterList", "Sequential",
    "functional", "init", "utils",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    raise missing("nn", name, __all__)
