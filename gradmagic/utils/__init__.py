"""PyTorch's `utils`: data sets and loaders in `data`, memory shared with other libraries in `dlpack`."""

from . import data, dlpack

__all__ = ["data", "dlpack"]
