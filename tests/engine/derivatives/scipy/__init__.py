"""Derivatives of SciPy: one module of tests for each table."""
