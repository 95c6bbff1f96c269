"""The tests mirror the package; `python -m pytest` runs them all, and what a machine lacks is skipped with a message."""
