"""PyTorch's `torch.special`: `gm.special.erf(x)`, `gm.special.i0e(x)`. The names are rows of faces/torch/special.py.

In: Tensors (lifted Arrays and plain arrays are taken for Tensors). Out: Tensors.
"""

from __future__ import annotations

from typing import Any

from .engine.faces.torch.special import SPECIAL
from .functions import of_order, of_tensor

_TABLE: dict[str, Any] = {name: of_tensor(f) for name, f in SPECIAL.items()} | {"polygamma": of_order}
globals().update(_TABLE)
__all__ = list(_TABLE)


def __getattr__(name: str) -> Any:
    from .missing import missing

    raise missing("special", name, __all__)
