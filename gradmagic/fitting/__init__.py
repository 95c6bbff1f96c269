"""Minimising: `gm.minimize` moves numbers, arrays and containers of them to where a loss is least.

A reader starts at `minimising` (the call, and what all methods share), then `by_optim` and `by_scipy` (who takes the
steps). `variables` has what is moved, `evaluating` what a loss is asked for, `history` where it has been, `checkpoints`
the file that a fit goes on from, `fit` the result.
"""

from .fit import Fit
from .minimising import minimize

__all__ = ["Fit", "minimize"]
