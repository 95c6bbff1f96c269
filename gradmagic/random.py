"""PyTorch's module of the state of random numbers: `gm.random.fork_rng()`, `gm.random.manual_seed(0)`."""

from __future__ import annotations

from .engine.faces.torch.generators import (
    default_generator,
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

__all__ = [
    "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state",
]  # fmt: skip
