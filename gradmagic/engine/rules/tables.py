"""Load every table of rules. Import this module, not the tables, where rules are needed."""

from . import composed, fft, indexing, linalg, networks, reductions, shapes, ufuncs

__all__ = ["composed", "fft", "indexing", "linalg", "networks", "reductions", "shapes", "ufuncs"]
