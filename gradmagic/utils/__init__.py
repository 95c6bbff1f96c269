"""PyTorch's `utils`: data sets and loaders in `data`."""

from . import data

__all__ = ["data"]
