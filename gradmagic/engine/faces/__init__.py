"""The two faces of a tracked value over one base: `Array` as NumPy users know it, `Tensor` as PyTorch users do."""
