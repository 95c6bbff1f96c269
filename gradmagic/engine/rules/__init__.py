"""The derivatives: one line each, in tables grouped as NumPy's manual groups its functions.

`declare` has the four ways to declare one; `tables` loads all of them.
"""

from .declare import MINUS, RULES, SAME, ZERO, constant, elementwise, linear, rule

__all__ = ["MINUS", "RULES", "SAME", "ZERO", "constant", "elementwise", "linear", "rule"]
