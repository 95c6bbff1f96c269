"""Load every table of rules. Import this module, not the tables, where rules are needed."""

from . import fft, indexing, linalg, reductions, shapes, ufuncs

__all__ = ["fft", "indexing", "linalg", "reductions", "shapes", "ufuncs"]
