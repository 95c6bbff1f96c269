"""The derivatives: one line each, in tables grouped as NumPy's manual groups its functions.

`tables` loads all of them. `numpy` has the tables of NumPy (`ufuncs`, `reductions`, `shapes`, `indexing`, `linalg`,
`fft`; `constants` lists what has none) and the formulas that take more than a line (`partials`, `extremes`, with the
list of conventions, `shape_transposes`, `index_transposes`, `products`, `norms`, `decompositions`). `composed` computes
functions from others, so that they need no derivative. `nn` has the functions of networks, `scipy` those of SciPy,
`ordered` what takes an order, and `objects` what follows the methods of SciPy's objects.
"""
