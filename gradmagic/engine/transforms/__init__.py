"""Derivatives of functions and of results: `gm.grad` and its kin, and derivatives of the user's own."""
