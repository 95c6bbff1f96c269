"""The text of a kernel compiled by numba, and kept beside numba's own cache: the next session reads it from there.

In: text, and values like those that come. Out: a function for exactly their types: others are a TypeError.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

try:
    from numpy._core.umath import _extobj_contextvar

    settings: Callable[[], Any] = (
        _extobj_contextvar.get
    )  # NumPy's errstate as one object: 11 ns, its dict 1 us
except ImportError:  # it is not part of NumPy's interface
    settings = np.geterr


def raises() -> bool:
    """Tell whether NumPy is to raise an error of floating-point numbers, or call something."""
    return not {"ignore", "warn"}.issuperset(np.geterr().values())


@cache
def installed() -> bool:
    """Tell whether numba is there, or was when that was first asked: looking for it takes 1 ms."""
    return importlib.util.find_spec("numba") is not None


def built(source: str, values: list[Any], name: str = "kernel") -> Any:
    """Compile one function of a module's text for the types of these values."""
    import numba  # 0.3 s of CPU

    types = []
    for value in values:
        kind = numba.typeof(value)
        types.append(kind.copy(readonly=False) if isinstance(value, np.ndarray) else kind)
    path = _kept(source)
    space: dict[str, Any] = {
        "__name__": __name__
    }  # numba's file says in which module it was; that must be one
    exec(compile(source, path or "<kernel>", "exec"), space)
    return numba.njit(tuple(types), error_model="numpy", cache=path is not None)(space[name])


def _kept(source: str) -> str | None:
    """Write the text where numba finds it again; None where nothing can be written."""
    from numba.core import config
    from numba.misc.appdirs import AppDirs

    folder = (
        Path(getattr(config, "CACHE_DIR", "") or AppDirs(appname="numba", appauthor=False).user_cache_dir)
        / "gradmagic"
    )
    path = folder / f"kernel_{sha256(source.encode()).hexdigest()[:24]}.py"
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_text(source)
            draft.replace(path)
    except OSError:
        return None
    return str(path)
