"""What a function reaches, held and changed in many ways: states.txt, each program once plain and once replayed.

In: programs, each run in two namespaces of its own: a function `f`, `change(n)` before call number n, `args(n, r)`,
`state()`. Out: every call gives, raises and leaves the same in both; or there is no program, and the words say why.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradmagic as gm

CALLS = 8
_HEAD, *_PARTS = re.split(
    r"^=== (.*)\n", Path(__file__).with_name("states.txt").read_text(encoding="utf-8"), flags=re.M
)
PROGRAMS = {title: _HEAD + body for title, body in zip(_PARTS[::2], _PARTS[1::2], strict=True)}
_CONTAINERS = (np.ndarray, list, dict)


def _loaded(text: str, path: Path) -> dict[str, Any]:
    """Run a program as a module of the user's."""
    path.write_text(text, encoding="utf-8")
    spec: Any = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return vars(module)


def _called(names: dict[str, Any], f: Any, n: int) -> tuple[Any, ...]:
    """Make call number n: what it gives, raises, leaves in its arguments and elsewhere."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if "change" in names:
            names["change"](n)
        r = np.random.default_rng(n)
        args = names["args"](n, r) if "args" in names else (r.normal(size=3),)
        try:
            given, error = f(*args), ""
        except Exception as raised:
            given, error = None, type(raised).__name__
    return error, given, args, names["state"]() if "state" in names else None


def _parts(value: Any, where: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Go through containers and objects: places and what is there."""
    yield where, value
    if depth > 5 or isinstance(value, (type, types.FunctionType, types.ModuleType)):
        return
    if isinstance(value, (list, tuple)):
        inside: Any = enumerate(value)
    else:
        inside = (value if isinstance(value, dict) else getattr(value, "__dict__", {})).items()
    for key, part in inside:
        yield from _parts(part, f"{where}[{key!r}]", depth + 1)


def _same(a: Any, b: Any) -> bool:
    if type(a).__qualname__ != type(b).__qualname__:
        return False
    a, b = getattr(a, "array", a), getattr(b, "array", b)
    if not isinstance(a, (np.ndarray, np.generic, int, float, complex)):
        return not isinstance(a, (str, bytes)) or a == b
    a, b = np.asarray(a), np.asarray(b)
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and (a.dtype.hasobject or np.allclose(a, b, 1e-9, 1e-12, equal_nan=True))
    )


def _shared(parts: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """List which places hold the same container, or look into the same memory."""
    held = [(where, v) for where, v in parts if isinstance(v, _CONTAINERS)]
    return [
        (one, other) for i, (one, a) in enumerate(held) for other, b in held[:i]
        if a is b or (isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.shares_memory(a, b))
    ]  # fmt: skip


@pytest.mark.parametrize("title", PROGRAMS)
def test_what_is_held_and_changed_is_seen_or_refused(title: str, tmp_path: Path) -> None:
    stem = re.sub(r"\W", "_", title)
    plain, other = (_loaded(PROGRAMS[title], tmp_path / f"{stem}_{k}.py") for k in "ab")
    replayed = gm.replay(other["f"])
    for n in range(CALLS):
        want, got = _called(plain, plain["f"], n), _called(other, replayed, n)
        assert want[0] == got[0], f"call {n}"
        mine, theirs = list(_parts(want)), list(_parts(got))
        assert [where for where, _ in mine] == [where for where, _ in theirs], f"call {n}"
        for (where, a), (_, b) in zip(mine, theirs, strict=True):
            assert _same(a, b), f"call {n}: {b!r}, not {a!r} in {where}"
        assert _shared(mine) == _shared(theirs), f"call {n}"
    words = title.partition(" -> ")[2]
    if words:
        assert words in replayed.refused[0]
    else:
        assert not replayed.refused
        assert replayed.programs
