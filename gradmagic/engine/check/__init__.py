"""`gm.check_grads`: every derivative held against numbers."""
