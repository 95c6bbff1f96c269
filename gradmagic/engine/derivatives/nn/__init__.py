"""The functions of neural networks that NumPy has not, and their derivatives."""
