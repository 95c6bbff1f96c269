"""Whether a report that a notebook shows brings style and script, or finds those of an earlier one.

In: nothing; the running kernel is asked. Out: yes or no. No is said only where all outputs are known to stand in one
document: in JupyterLab and Notebook 7, which name the cell that runs, and in a run of the whole notebook (nbclient,
nbconvert, papermill), which takes no input. VS Code draws outputs when they come into sight, Colab each in a frame of
its own: there, and wherever nothing is known, every report brings both.

A report that finds nothing is as it is where style and scripts are taken out: plain, and whole. That is only where the
cell that brought them was deleted, or it was moved to another notebook. A page that is opened anew talks to the kernel
in a new session, and the next report brings them again, for all.
"""

from __future__ import annotations

import re
import sys
from typing import Any

_CELL = re.compile(r"[\w-]{1,64}")  # as the notebook's format has ids of cells; VS Code sends an address
_brought: list[tuple[str, str]] = []  # session and cell of the last report that did


def brings() -> bool:
    """Tell whether the report that is about to be shown brings style and script."""
    cell = _cell()
    if cell is None:
        return True
    # The same cell brings them again: its earlier output is gone.
    if _brought and _brought[0][0] == cell[0] and _brought[0] != cell:
        return False
    _brought[:] = [cell]
    return True


def in_document() -> bool:
    """Tell whether what is shown stands in a notebook's document, from which it may be exported."""
    return _cell() is not None


def _cell() -> tuple[str, str] | None:
    """Give session and cell that the kernel is running, where all outputs of a session stand in one document."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    if not hasattr(shell, "get_parent") or "google.colab" in sys.modules:
        return None
    if type(shell.display_pub).__name__ == "CapturingDisplayPublisher":  # nobody knows where it will be shown
        return None
    request = shell.get_parent() or {}
    header = request.get("header", {})
    cell = str(request.get("metadata", {}).get("cellId", ""))
    if request.get("content", {}).get("allow_stdin") is False:
        cell = str(header.get("msg_id", ""))
    return (str(header.get("session", "")), cell) if cell and (_CELL.fullmatch(cell)) else None
