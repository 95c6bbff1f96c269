"""The libraries that speed.py times: for each, its functions by one set of names, and how it takes a derivative.

A peer is made in the process that measures it, which is where its library is imported. From a workload it makes a call
without arguments that does the work and returns the value and the gradients in the library's own arrays.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tests.benchmarks.workloads import Workload

from .functions import Autograd, Compiled, Jax, Replayed
from .tapes import Gradmagic, MyGrad, Torch

Result = tuple[Any, list[Any]]  # value, gradients
Run = Callable[[], Result]


class ByHand:
    """The derivatives by hand in NumPy, of which the others' times are multiples."""

    title, module, array = "by hand", "numpy", staticmethod(np.asarray)


PEERS = {
    "by_hand": ByHand,
    "gradmagic": Gradmagic,
    "replay": Replayed,
    "replay_numba": Compiled,
    "torch": Torch,
    "jax": Jax,
    "autograd": Autograd,
    "mygrad": MyGrad,
}


def prepare(peer: Any, workload: Workload, constants: list[Any], leaves: list[Any]) -> Run:
    """Give the call that is timed."""
    if isinstance(peer, ByHand):
        return partial(workload.by_hand, *constants, *leaves)
    loss = peer.own.get(workload.loss, workload.loss)
    return getattr(peer, workload.kind)(partial(loss, peer.ops), constants, leaves)
