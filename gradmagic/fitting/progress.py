"""The progress bar of a fit: tqdm's, where it is installed and somebody looks.

In: how many iterations there are at most. Out: something with `update` and `set_postfix_str`, or None.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from ..language import tr

DELAY = 0.5  # seconds that a fit takes before a bar that nobody asked for is shown


@contextmanager
def bar(wanted: bool | None, name: str, iterations: int | None, begun: int = 0) -> Iterator[Any]:
    """Show a bar while the block runs; None: if stderr is a terminal or this is a notebook, and tqdm is there.

    Raises
    ------
    ModuleNotFoundError
        If one is asked for and tqdm is not installed.
    """
    if wanted and find_spec("tqdm") is None:
        raise ModuleNotFoundError(
            tr(
                "progress=True shows the bar of tqdm, which is not installed: pip install "
                '"gradmagic[fit]", or leave it out.'
            ),
            name="tqdm",
        )
    if wanted is False or (wanted is None and (find_spec("tqdm") is None or not _seen())):
        yield None
        return
    from tqdm import TqdmWarning  # optional

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)  # in a notebook without ipywidgets it is a bar of text
        from tqdm.auto import tqdm
    delay = 0.0 if wanted else DELAY
    with tqdm(total=iterations, initial=max(0, begun), desc=name, leave=False, delay=delay) as made:
        yield made


def _seen() -> bool:
    """Tell whether somebody looks: at a terminal, or at a notebook."""
    ipython: Any = sys.modules.get("IPython")  # it is not loaded for this
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and getattr(shell, "kernel", None) is not None:
        return True
    return bool(getattr(sys.stderr, "isatty", lambda: False)())
