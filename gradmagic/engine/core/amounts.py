"""Amounts of memory as people write them: "4GB" to a number of bytes, and back."""

from __future__ import annotations

import re

from ...language import tr

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}  # fmt: skip


def in_bytes(amount: str | float) -> float:
    """Read an amount of memory.

    Examples
    --------
    >>> in_bytes("4GB"), in_bytes("1.5 MiB"), in_bytes(1e6)
    (4000000000.0, 1572864.0, 1000000.0)
    """
    if isinstance(amount, (int, float)):
        found = float(amount)
    else:
        match = re.fullmatch(r"\s*([\d.]+(?:e\d+)?)\s*([a-z]*)\s*", amount, re.IGNORECASE)
        unit = _UNITS.get(match[2].upper()) if match else None
        if match is None or unit is None:
            raise ValueError(tr(
                '{amount!r} is no amount of memory: write "4GB", "500MB" or a number of bytes.', amount=amount,
            ))  # fmt: skip
        found = float(match[1]) * unit
    if not found >= 0:
        raise ValueError(tr("{amount} is no amount of memory: it cannot be negative.", amount=amount))
    return found


def shown_bytes(number: float) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> shown_bytes(1_050_000), shown_bytes(4e9), shown_bytes(12)
    ('1.05 MB', '4 GB', '12 B')
    """
    unit = next((unit for unit in ("TB", "GB", "MB", "KB") if number >= _UNITS[unit]), "B")
    return f"{number / _UNITS[unit]:.3g} {unit}"
