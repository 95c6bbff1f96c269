"""The one generator that gradmagic draws from, and its seed.

In: a seed. Out: NumPy's Generator. The numbers are not those of PyTorch's generator; the distributions are. What is
random on a device is drawn on the host and copied there: one seed gives the same numbers, and the same training, on
every device (PyTorch's differ between them), for the price of the copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_generator: list[Any] = []


def generator() -> Any:
    """Give the generator, made (from the machine's entropy) at the first draw: `numpy.random` takes 10 ms to load."""
    if not _generator:
        _generator.append(np.random.default_rng())
    return _generator[0]


def started() -> bool:
    """Tell whether anything was drawn or seeded yet."""
    return bool(_generator)


def manual_seed(seed: int) -> Any:
    """Start gradmagic's random numbers anew, the same for the same seed; NumPy's own are not touched.

    Examples
    --------
    >>> import gradmagic as gm
    >>> _ = gm.manual_seed(0)
    >>> a = gm.randn(3)
    >>> _ = gm.manual_seed(0)
    >>> gm.equal(a, gm.randn(3))
    True
    """
    _generator[:] = [np.random.default_rng(seed % 2**64)]
    return _generator[0]
