"""How many cases a test draws: as many as the suite's time allows, or more by hand.

    DRAWS=20 python -m pytest tests/engine/derivatives/test_tables.py

draws twenty times as many everywhere that `draws` stands. Whole cells are drawn by `python -m tests.fuzz`.
"""

import os

FACTOR = float(os.environ.get("DRAWS", 1))


def draws(count: int) -> int:
    """Give the number of cases for a count that suits the suite."""
    return max(1, round(count * FACTOR))
