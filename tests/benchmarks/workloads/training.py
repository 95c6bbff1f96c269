"""Steps of training, as gpu.py times them: a network of modules, whose loss an optimiser lowers.

A network is written once, by the names that PyTorch and gradmagic share. By hand are its loss and gradients (in the
layout of the modules' parameters), and the optimisers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from . import networks

RATE, BETAS, EPS = 1e-3, (0.9, 0.999), 1e-8


@dataclass(frozen=True)
class Training:
    """One row of the table: `model(nn, *size)` is the network, `optimizer` names what lowers its cross entropy."""

    title: str
    data: Callable[..., tuple[list[Any], list[Any]]]  # (random, *size) -> [inputs, labels], parameters
    model: Callable[..., Any]
    by_hand: Callable[..., tuple[Any, list[Any]]]
    size: tuple[int, ...]
    small: tuple[int, ...]
    optimizer: str
    seed: int = 0
    kind: str = "training"

    def inputs(self) -> tuple[list[Any], list[Any]]:
        """Give inputs and labels, and the parameters at the start; floats in float32."""
        constants, leaves = self.data(np.random.default_rng(self.seed), *self.size)
        single = lambda a: a.astype(np.float32) if a.dtype.kind == "f" else a
        return list(map(single, constants)), list(map(single, leaves))


# ---- networks -------------------------------------------------------------------------------------------------------


def layers(random: Any, batch: int, *widths: int) -> tuple[list[Any], list[Any]]:
    constants, leaves = networks.layers(random, batch, *widths)
    return constants, [np.ascontiguousarray(a.T) for a in leaves]


def perceptron(nn: Any, batch: int, *widths: int) -> Any:
    made = []
    for fan_in, fan_out in pairwise(widths):
        made += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*made[:-1])


def perceptron_by_hand(x: Any, labels: Any, *parameters: Any) -> tuple[Any, list[Any]]:
    value, gradients = networks.network_by_hand(x, labels, *[p.T for p in parameters])
    return value, [g.T for g in gradients]


def images(
    random: Any, batch: int, side: int, first: int, second: int, classes: int
) -> tuple[list[Any], list[Any]]:
    """Two blocks, each with kernels of 3x3, zeros around the image, and a pooling of 2x2."""
    constants = [random.standard_normal((batch, 1, side, side)), random.integers(0, classes, batch)]
    shapes = (
        (first, 1, 3, 3),
        (first,),
        (second, first, 3, 3),
        (second,),
        (classes, second * (side // 4) ** 2),
    )
    scales = 0.3, 0.1, 0.1, 0.1, 0.02
    leaves = [random.standard_normal(s) * c for s, c in zip(shapes, scales, strict=True)]
    return constants, [*leaves, np.zeros(classes)]


def convolutional(nn: Any, batch: int, side: int, first: int, second: int, classes: int) -> Any:
    block = lambda c, d: (nn.Conv2d(c, d, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    flat = second * (side // 4) ** 2
    return nn.Sequential(*block(1, first), *block(first, second), nn.Flatten(), nn.Linear(flat, classes))


def convolutional_by_hand(
    x: Any, labels: Any, kernel1: Any, bias1: Any, kernel2: Any, bias2: Any, weight: Any, bias: Any
) -> tuple[Any, list[Any]]:
    """A convolution is the product of its kernels as rows by the patches of each image as columns."""
    batch, seen = len(x), []
    for kernel, shift in (kernel1, bias1), (kernel2, bias2):
        wide = np.zeros((*x.shape[:2], x.shape[2] + 2, x.shape[3] + 2), x.dtype)
        wide[..., 1:-1, 1:-1] = x
        columns = networks.patches(wide)
        y = kernel.reshape(len(kernel), -1) @ columns
        y += shift[:, None]
        np.maximum(y, 0, out=y)
        half = x.shape[-1] // 2
        windows = y.reshape(batch, len(kernel), half, 2, half, 2)
        pooled = windows.max(axis=(3, 5))
        seen.append((kernel, wide.shape, columns, windows, pooled))
        x = pooled
    flat = x.reshape(batch, -1)
    z = flat @ weight.T
    z += bias
    value, dz = networks.softmax_cross_entropy(z, labels)

    gradients = [dz.T @ flat, dz.sum(axis=0)]
    dx = (dz @ weight).reshape(x.shape)
    for kernel, shape, columns, windows, pooled in reversed(seen):
        dx = dx * (pooled > 0)
        # The entry of a window that is its maximum gets the gradient; no two of them are equal and positive here.
        dy = (windows == pooled[..., None, :, None]) * dx[..., None, :, None]
        dy = dy.reshape(batch, len(kernel), -1)
        dkernel = (dy @ columns.transpose(0, 2, 1)).sum(axis=0).reshape(kernel.shape)
        gradients = [dkernel, dy.sum(axis=(0, 2)), *gradients]
        if kernel is kernel2:
            rows = kernel.reshape(len(kernel), -1)
            dx = networks.patches_back(rows.T @ dy, shape)[..., 1:-1, 1:-1]
    return value, gradients


# ---- optimisers by hand, in place; `kept` is a list that lasts from step to step -------------------------------------


def sgd_by_hand(parameters: list[Any], gradients: list[Any], kept: list[Any]) -> None:
    for p, g in zip(parameters, gradients, strict=True):
        p -= RATE * g


def adam_by_hand(parameters: list[Any], gradients: list[Any], kept: list[Any]) -> None:
    if not kept:
        kept += [0, [np.zeros_like(p) for p in parameters], [np.zeros_like(p) for p in parameters]]
    kept[0] += 1
    b1, b2 = BETAS
    rate, root = RATE / (1 - b1 ** kept[0]), (1 - b2 ** kept[0]) ** 0.5
    for p, g, mean, square in zip(parameters, gradients, *kept[1:], strict=True):
        mean *= b1
        mean += (1 - b1) * g
        square *= b2
        square += (1 - b2) * g * g
        p -= rate * mean / (np.sqrt(square) / root + EPS)


OPTIMIZERS_BY_HAND = {"SGD": sgd_by_hand, "Adam": adam_by_hand}

MLP, CNN = (layers, perceptron, perceptron_by_hand), (images, convolutional, convolutional_by_hand)
TRAININGS = {
    "mlp_sgd": Training("MLP 8x20-16-5, SGD", *MLP, (8, 20, 16, 5), (8, 20, 16, 5), "SGD"),
    "mlp_adam": Training("MLP 8x20-16-5, Adam", *MLP, (8, 20, 16, 5), (8, 20, 16, 5), "Adam"),
    "cnn_adam": Training("CNN 8x8x8-4-8-5, Adam", *CNN, (8, 8, 4, 8, 5), (8, 8, 4, 8, 5), "Adam"),
    # The seed: as large_network's in __init__.py.
    "large_mlp_adam": Training(
        "MLP 256x1024-1024-1024-10, Adam", *MLP, (256, 1024, 1024, 1024, 10), (8, 7, 6, 5, 4), "Adam", seed=26
    ),
    "large_cnn_adam": Training(
        "CNN 128x28x28-32-64-10, Adam", *CNN, (128, 28, 32, 64, 10), (3, 8, 3, 4, 5), "Adam"
    ),
}
