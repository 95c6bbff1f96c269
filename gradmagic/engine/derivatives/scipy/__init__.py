"""Derivatives of scipy.special and scipy.linalg; loaded where SciPy is."""
