"""Functions computed, on tracked values, from functions that have a derivative."""
