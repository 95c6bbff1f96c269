"""Settings of convolutions and pools in one form for any number of dims, and batches of one.

In: PyTorch's arguments. Out: a number for each dim; what a function of batches gives for one image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ShapeError
from ..functions import as_tensor
from ..language import mark, tr

WORDS = ("depth", "height", "width")
_SHAPES = {
    1: mark("(batch, channels, width)"),
    2: mark("(batch, channels, height, width)"),
    3: mark("(batch, channels, depth, height, width)"),
}


def sizes_of(value: Any, n: int) -> tuple[int, ...]:
    """Give 3, (3,) and (3, 3) one form: a number for each of n dims."""
    if isinstance(value, int):
        return (value,) * n
    given = tuple(map(int, value))
    return given * n if len(given) == 1 else given


def of_batch(f: Callable[[Any], Any], input: Any, n: int, name: str) -> Any:
    """Call `f` with a batch of images of n dims; one image alone is a batch of one."""
    input = as_tensor(input)
    if input.ndim == n + 1:
        found = f(input.unsqueeze(0))
        return tuple(y.squeeze(0) for y in found) if isinstance(found, tuple) else found.squeeze(0)
    if input.ndim != n + 2:
        raise ShapeError(tr(
            "Expected {unbatched}D (unbatched) or {batched}D (batched) input to {name}, but got input of "
            "size: {shape}. Reshape it to {wanted}.",
            unbatched=n + 1, batched=n + 2, name=name, shape=list(input.shape), wanted=tr(_SHAPES[n]),
        ))  # fmt: skip
    return f(input)
