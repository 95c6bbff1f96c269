"""The work that speed.py times: for each, the data, the loss, and its derivative written by hand in NumPy.

A loss is written once, over `ops`, the functions of the library that computes it: `loss(ops, *constants, *leaves)`.
By hand, `by_hand(*constants, *leaves)` gives the same value and the gradients of the leaves, in NumPy and nothing else:
what a patient person, who measures, would write instead of using any of these libraries.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import large, networks, small


@dataclass(frozen=True)
class Workload:
    """One row of the table; `kind` says what is asked of a loss, and names the method of a peer that does it.

    gradient : the value and the gradient of every leaf.
    descent : the one leaf after gradient descent; the constants are the number of steps and the rate.
    hessian_vector : the value and the product of the Hessian by a vector, the one constant.
    """

    title: str
    data: Callable[..., tuple[list[Any], list[Any]]]  # (random, *size) -> constants, leaves, in float64
    loss: Callable[..., Any]
    by_hand: Callable[..., tuple[Any, list[Any]]]
    size: tuple[int, ...]
    small: tuple[int, ...]  # the size at which the tests hold it against differences
    kind: str = "gradient"
    dtype: type[np.floating] = np.float32
    seed: int = 0

    def inputs(self) -> tuple[list[Any], list[Any]]:
        """Give constants and leaves as they are timed."""
        constants, leaves = self.data(np.random.default_rng(self.seed), *self.size)
        return [cast(c, self.dtype) for c in constants], [cast(a, self.dtype) for a in leaves]

    def small_inputs(self) -> tuple[list[Any], list[Any]]:
        """Give constants and leaves as they are tested: few, and in float64."""
        return self.data(np.random.default_rng(self.seed), *self.small)


def cast(a: Any, dtype: type[np.floating]) -> Any:
    """Give floats of NumPy in `dtype`; whole numbers and Python's own stay as they are."""
    return a.astype(dtype) if isinstance(a, np.ndarray | np.floating) and a.dtype.kind == "f" else a


WORKLOADS = {
    "parabola": Workload(
        "parabola, 17 points",
        small.points, small.parabola, small.parabola_by_hand,
        size=(17,), small=(5,),
    ),
    "scalars": Workload(
        "1,000 scalar operations",
        small.three_numbers, small.recurrence, small.recurrence_by_hand,
        size=(455,), small=(25,), dtype=np.float64,
    ),
    "descent": Workload(
        "gradient descent to the root of 2, 100 steps",
        small.start, small.distance_from_root, small.descent_by_hand,
        size=(100,), small=(20,), kind="descent",
    ),
    "cross_entropy": Workload(
        "binary cross-entropy, 5x3",
        small.one_layer, small.cross_entropy, small.cross_entropy_by_hand,
        size=(5, 3), small=(5, 3),
    ),
    "network": Workload(
        "network 64x784-128-10",
        networks.layers, networks.network, networks.network_by_hand,
        size=(64, 784, 128, 10), small=(3, 4, 5, 3),
    ),
    "large_network": Workload(
        "network 256x1024-1024-1024-10",
        networks.layers, networks.network, networks.network_by_hand,
        # With this seed none of half a million sums is within 1e-5 of where relu bends. At 1e-7, where the nearest is
        # with others, rounding in another order turns a unit off, and a right gradient differs by 7 % of its largest.
        size=(256, 1024, 1024, 1024, 10), small=(4, 3, 4, 3, 2), seed=26,
    ),
    "chain_1k": Workload(
        "chain of 1,000 operations",
        small.four_numbers, small.chain, small.chain_by_hand,
        size=(1_000,), small=(20,),
    ),
    "chain_10k": Workload(
        "chain of 10,000 operations",
        small.four_numbers, small.chain, small.chain_by_hand,
        size=(10_000,), small=(50,),
    ),
    "elementwise": Workload(
        "20 functions of a million numbers",
        large.normal, large.waves, large.waves_by_hand,
        size=(10**6,), small=(7,),
    ),
    "attention": Workload(
        "attention, 8x128x64",
        networks.sequences, networks.attention, networks.attention_by_hand,
        size=(8, 128, 64), small=(2, 3, 4),
    ),
    "convolution": Workload(
        "convolutional network, 32 images of 28x28",
        networks.images, networks.convolution, networks.convolution_by_hand,
        size=(32, 28, 8, 16, 10), small=(2, 8, 2, 3, 3),
    ),
    "gather": Workload(
        "4,096 rows of 10,000x64",
        large.table, large.gather, large.gather_by_hand,
        size=(10_000, 64, 4_096), small=(5, 3, 8),
    ),
    "hessian_vector": Workload(
        "Hessian times vector, 1,000 numbers",
        large.point_and_vector, large.rosenbrock, large.hessian_vector_by_hand,
        size=(1_000,), small=(6,), kind="hessian_vector",
    ),
}  # fmt: skip
