"""PyTorch's schedules of step lengths: make one with an optimiser, and call its `step()` after the optimiser's.

In: an optimiser. Out: other `lr` (and momentum) in its groups. `schedule` has what all share.
"""

from .combined import ChainedScheduler, ReduceLROnPlateau, SequentialLR
from .cycles import CyclicLR, OneCycleLR
from .multiplying import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from .schedule import LRScheduler
from .swinging import CosineAnnealingLR, CosineAnnealingWarmRestarts

_LRScheduler = LRScheduler  # what older programs make theirs from

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "SequentialLR", "StepLR",
]  # fmt: skip
