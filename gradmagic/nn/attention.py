"""PyTorch's attention: `F.scaled_dot_product_attention` and `nn.MultiheadAttention`."""

__all__: list[str] = []
MODULES: list[str] = []
