"""NumPy's derivatives, in tables grouped as its manual groups the functions, and the longer formulas behind them."""
