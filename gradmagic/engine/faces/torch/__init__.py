"""`Tensor`: what `gm.tensor(...)` makes; PyTorch's methods, promotion and prints."""
