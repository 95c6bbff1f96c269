"""PyTorch's `utils`: data sets and loaders in `data`, memory shared with other libraries in `dlpack`, `checkpoint`."""

from . import checkpoint, data, dlpack

__all__ = ["checkpoint", "data", "dlpack"]
