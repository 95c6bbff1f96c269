"""Load every table of rules. Import this module, not the tables, where rules are needed."""

from . import (
    calculus,
    composed,
    fft,
    indexing,
    linalg,
    networks,
    reductions,
    shapes,
    statistics,
    ufuncs,
    writes,
)

__all__ = [
    "calculus",
    "composed",
    "fft",
    "indexing",
    "linalg",
    "networks",
    "reductions",
    "shapes",
    "statistics",
    "ufuncs",
    "writes",
]
