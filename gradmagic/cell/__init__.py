"""Running one cell: `%%grad` (magic), its run (run, lift, restore), its names (names, source), its trace (collect)."""

from .show import last, make_dot
from .trace import trace

__all__ = ["last", "make_dot", "trace"]
