"""The tests mirror the package; `python -m pytest` runs all; what a machine lacks is skipped with a message."""
