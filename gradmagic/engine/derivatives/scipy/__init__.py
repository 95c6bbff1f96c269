"""Derivatives of SciPy, by its modules; each table is loaded where its module is, and SciPy's values stay its own.

`special` (with `special_partials`, `elliptic`) and `linalg` (`primitives`, `linalg_cotangents`) have rules. So has
`stats`: a line for each distribution, of which all its methods follow. `signal` is a convolution and a recursive
filter, of which `ndimage` makes its filters; `interpolate` and `integrate` are composed of NumPy's functions (quad is
followed by following/quadrature.py). What is solved or searched for (solve_ivp, `optimize`) has none: one sentence
says so, and names gm.numeric.
"""
