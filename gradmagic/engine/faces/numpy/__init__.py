"""`Array`: what `%%grad names` and `gm.grad(f)` put in place of the user's array or number."""
