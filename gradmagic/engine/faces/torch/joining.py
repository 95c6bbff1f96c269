"""PyTorch's functions of several tensors: stacks, blocks, grids, combinations.

In: tensors, or arrays, which are taken for tensors. Out: Tensors. They are functions only.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from ...core import arrays
from ...tape.tracked import Tracked
from .arguments import shown
from .math import titled
from .matrices import matmul
from .tensor import Tensor

# ---- several into one --------------------------------------------------------------------------------------------


def several(args: tuple[Any, ...]) -> list[Any]:
    """Give `f(a, b)` and `f([a, b])` one form: a list of Tensors."""
    given = args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args
    return [
        t if isinstance(t, Tracked) else Tensor.wrap(np.asarray(t) if not arrays.is_typed(t) else t, None)
        for t in given
    ]


def _stacked(name: str, function: Any) -> Callable[..., Any]:
    def f(tensors: Any) -> Any:
        return function(several((tensors,)))

    return titled(f, name, f"As `torch.{name}`: several tensors beside each other.")


def _raised(name: str, function: Any) -> Callable[..., Any]:
    def f(*tensors: Any) -> Any:
        made = [function(t) for t in several(tensors)]
        return made[0] if len(tensors) == 1 and not isinstance(tensors[0], (list, tuple)) else tuple(made)

    return titled(f, name, f"As `torch.{name}`: with dims of length 1 up to that many.")


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """As `torch.broadcast_tensors`: all expanded to one shape."""
    given = several(tensors)
    shape = np.broadcast_shapes(*(np.shape(t.array) for t in given))
    return tuple(np.broadcast_to(t, shape) for t in given)


def block_diag(*tensors: Any) -> Any:
    """As `torch.block_diag`: the matrices along the diagonal, 0 elsewhere."""
    blocks = [np.atleast_2d(t) for t in several(tensors)]
    widths = [np.shape(b)[1] for b in blocks]
    rows = [np.pad(b, ((0, 0), (sum(widths[:i]), sum(widths[i + 1 :])))) for i, b in enumerate(blocks)]
    return shown(np.concatenate(rows), "BlockDiagBackward0")


def cartesian_prod(*tensors: Any) -> Any:
    """As `torch.cartesian_prod`: every combination of one entry of each, one in each row."""
    axes = several(tensors)
    if len(axes) == 1:
        return axes[0]
    sizes = tuple(np.shape(a)[0] for a in axes)
    grids = [
        np.broadcast_to(np.reshape(a, tuple(-1 if k == i else 1 for k in range(len(axes)))), sizes)
        for i, a in enumerate(axes)
    ]
    return np.stack([np.reshape(g, -1) for g in grids], 1)


def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """As `torch.combinations`: every choice of `r` entries, one in each row."""
    x = several((input,))[0] if not isinstance(input, Tracked) else input
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(np.shape(x)[0]), r)), np.int64).reshape(-1, r)  # type: ignore[arg-type]
    return shown(x[rows], "StackBackward0")  # type: ignore[index]


def chain_matmul(*matrices: Any) -> Any:
    """As `torch.chain_matmul`: the product of all, one after the other."""
    return reduce(matmul, several(matrices))


JOINING: dict[str, Callable[..., Any]] = {
    "column_stack": _stacked("column_stack", np.column_stack), "dstack": _stacked("dstack", np.dstack),
    **{f"atleast_{n}d": _raised(f"atleast_{n}d", getattr(np, f"atleast_{n}d")) for n in (1, 2, 3)},
    "broadcast_tensors": broadcast_tensors, "block_diag": block_diag, "cartesian_prod": cartesian_prod,
    "combinations": combinations, "chain_matmul": chain_matmul,
}  # fmt: skip
