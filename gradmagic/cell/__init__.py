"""Running one cell: `%%grad` (magic), its run (run, lift, restore), its names (names, source), its trace (collect)."""

from .hosts.block import trace
from .hosts.show import last, make_dot

__all__ = ["last", "make_dot", "trace"]
