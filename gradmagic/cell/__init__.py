"""Running one cell.

Rooms, each reading those before it: options, reading, lifting, membrane, telling, tracing, run, hosts.
"""

from .hosts.block import trace
from .hosts.show import last, make_dot

__all__ = ["last", "make_dot", "trace"]
