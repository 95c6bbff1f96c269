"""From NumPy's protocols and our own functions to the tape: find the rule, compute, record."""
