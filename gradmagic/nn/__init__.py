"""PyTorch's names for neural networks: `functional` has the functions, `modules` the layers and losses with state."""

from . import functional
