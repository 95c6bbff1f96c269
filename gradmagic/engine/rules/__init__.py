"""The derivatives: one line each, in tables grouped as NumPy's manual groups its functions.

`declare` has the four ways to declare one, `kinds` what they make; `tables` loads all of them. The tables are `ufuncs`,
`reductions`, `shapes`, `indexing`, `linalg`, `fft` and `networks`; the formulas that take more than a line stand in
`helpers`, `extremes` (with the list of conventions), `moves`,
`placing`, `products`, `norms`, `decompositions` and `layers`. `composed`, `composed_linalg`,
`statistics`, `nans`, `sets`, `calculus`, `polynomials` and `padding` compute functions from others and need no
derivative; `methods` and `options` serve the methods of ufuncs and odd options; `constants` lists what has none.
"""

from .declare import MINUS, RULES, SAME, ZERO, constant, elementwise, linear, rule

__all__ = ["MINUS", "RULES", "SAME", "ZERO", "constant", "elementwise", "linear", "rule"]
