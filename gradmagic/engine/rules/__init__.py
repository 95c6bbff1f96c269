"""The derivatives: one line each, in tables grouped as NumPy's manual groups its functions.

`declare` has the four ways to declare one, `kinds` what they make; `tables` loads all of them. The tables are `ufuncs`,
`reductions`, `shapes`, `indexing`, `linalg`, `fft` and `networks`; the formulas that take more than a line stand in
`helpers`, `extremes`, `moves`, `placing`, `products`, `norms`, `decompositions` and `layers`. `composed`, `statistics`
and `calculus` compute functions from others and need no derivative.
"""

from .declare import MINUS, RULES, SAME, ZERO, constant, elementwise, linear, rule

__all__ = ["MINUS", "RULES", "SAME", "ZERO", "constant", "elementwise", "linear", "rule"]
