"""PyTorch's optimisers: give them parameters; after each `backward()`, `step()` moves these.

A reader starts at `optimizer` (groups and state), then `moving` (how a formula moves all parameters), then the formulas
in `descent` and `adaptive`; `lbfgs` goes its own way, and `lr_scheduler` changes step lengths.
"""

from typing import Any

from ..missing import missing
from . import lr_scheduler
from .adaptive import Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop
from .descent import ASGD, SGD, Rprop
from .lbfgs import LBFGS
from .optimizer import Optimizer

__all__ = [
    "ASGD", "LBFGS", "SGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "Optimizer", "RAdam", "RMSprop",
    "Rprop", "lr_scheduler",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    raise missing("optim", name, __all__)
