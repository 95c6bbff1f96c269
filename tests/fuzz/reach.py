"""All that a run left: two namespaces, walked in pairs through everything that can be reached from a name.

In: what the plain run and the run with the magic left. Out: where they differ in type, value, flags or in what is one
object or one memory. Beyond what Python code can walk (caches, iterators, callables of C) `gc.get_referents` goes on.
"""

from __future__ import annotations

import contextvars
import functools
import gc
import inspect
import io
import itertools
import re
import struct
import types
import weakref
from collections import deque
from collections.abc import Iterable
from typing import Any

import numpy as np

from gradmagic.cell.telling.unbegun import without_hook

Pair = tuple[str, Any, Any]
_MOST = 5  # differences that are told
_OURS = ("__builtins__", "__name__", "__warningregistry__")
_ONE = (
    types.ModuleType, types.BuiltinFunctionType, types.GetSetDescriptorType, types.MemberDescriptorType,
    types.WrapperDescriptorType, types.MethodDescriptorType, types.CodeType, np.ufunc, np.dtype,
)  # fmt: skip
_CACHE = type(functools.lru_cache(len))
_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class made by Python code
# Libraries whose objects hold addresses, handles and locks: what a cell can see of them is what it computes with them.
_CLOSED = frozenset(
    "sqlite3 _sqlite3 _io _csv re hashlib _hashlib threading _thread concurrent queue matplotlib logging tqdm".split()
)


def differences(plain: dict[str, Any], other: dict[str, Any], close: bool = False) -> list[str]:
    """Tell where the namespaces differ; empty if the magic left what the plain cell leaves.

    `close` lets numbers differ in their last digits and arrays in how they are laid out, as another device's do.
    """
    walk = _Walk(close)
    mine, theirs = ({k: v for k, v in names.items() if k not in _OURS} for names in (plain, other))
    if set(mine) != set(theirs):
        walk.found.append(f"names {sorted(set(mine) ^ set(theirs))}")
    walk.todo = deque((k, mine[k], theirs[k]) for k in mine if k in theirs)
    return walk.all()


class _Walk:
    def __init__(self, close: bool) -> None:
        self.alike = _close if close else _same
        self.laid_out = not close
        self.arrays_met: list[tuple[str, np.ndarray, np.ndarray]] = []
        self.found: list[str] = []
        self.todo: deque[Pair] = deque()
        self.pairs: dict[int, tuple[Any, Any]] = {}  # kept alive: an id is given away again
        self.back: dict[int, Any] = {}

    def all(self) -> list[str]:
        while self.todo and len(self.found) < _MOST:
            where, a, b = self.todo.popleft()
            self.pair(where, a, b)
        for i, (where, a, b) in enumerate([] if self.laid_out else self.arrays_met):
            for of, c, d in self.arrays_met[:i]:
                if np.may_share_memory(a, c) != np.may_share_memory(b, d):
                    self.found.append(f"{where}: its memory was {of}'s in one run only")
        return self.found

    def differ(self, where: str, a: Any, b: Any) -> None:
        short = [re.sub(r"\s+", " ", repr(v))[:80] for v in (a, b)]
        self.found.append(f"{where}: {short[0]} became {short[1]}")

    def each(self, pairs: Iterable[Pair]) -> None:
        self.todo.extend(pairs)

    def known(self, where: str, a: Any, b: Any) -> bool:
        """Tell whether the pair was met; two objects for one, or one for two, are a difference."""
        met, back = self.pairs.get(id(a)), self.back.get(id(b))
        if met is None and back is None:
            self.pairs[id(a)], self.back[id(b)] = (a, b), (a, b)
            return False
        if met is None or met[1] is not b:
            how = "one object became two" if met is not None else "two objects became one"
            self.found.append(f"{where}: {how}")
        return True

    def pair(self, where: str, a: Any, b: Any) -> None:
        kind = type(a)
        if kind is not type(b) and not _alike(kind, type(b)):
            self.found.append(f"{where}: {kind.__name__} became {type(b).__module__}.{type(b).__name__}")
        elif type(a) in weakref.ProxyTypes:
            pass  # asked anything, a dead one raises
        elif issubclass(type(a), _ONE):
            if a is not b and not (isinstance(a, np.dtype) and a == b) and repr(a) != repr(b):
                self.differ(where, a, b)
        elif kind is float or kind is complex:
            if not self.alike(a, b):
                self.differ(where, a, b)
        elif kind in (int, bool, str, bytes, type(None), type(...), type(NotImplemented), range, slice):
            if a != b:
                self.differ(where, a, b)
        elif isinstance(a, np.generic):
            if a.dtype != b.dtype or (a.dtype != object and not self.alike(a, b)):
                self.differ(where, a, b)
        elif not self.known(where, a, b):
            self.inside(where, a, b)

    def inside(self, where: str, a: Any, b: Any) -> None:
        if isinstance(a, np.ndarray):
            self.arrays(where, a, b)
        elif isinstance(a, dict):
            self.dicts(where, a, b)
        elif isinstance(a, (list, tuple, deque)):
            if len(a) != len(b):
                self.found.append(f"{where}: {len(a)} entries became {len(b)}")
            self.each((f"{where}[{i}]", x, y) for i, (x, y) in enumerate(zip(a, b, strict=False)))
            self.attributes(where, a, b)
        elif isinstance(a, (set, frozenset)):
            if a != b and repr(a) != repr(b):  # NaN; entries that are equal may still be of another type
                self.differ(where, a, b)
            kinds = [sorted(type(v).__name__ for v in s) for s in (a, b)]
            if kinds[0] != kinds[1]:
                self.found.append(f"{where}: entries {kinds[0]} became {kinds[1]}")
        elif isinstance(a, types.FunctionType):
            self.functions(where, a, b)
        elif isinstance(a, types.MethodType):
            self.each([(f"{where}.__self__", a.__self__, b.__self__)])
        elif isinstance(a, functools.partial):
            self.each([(f"{where}.args", a.args, b.args), (f"{where}.keywords", a.keywords, b.keywords)])
        elif isinstance(a, types.GeneratorType):
            frames = [{} if g.gi_frame is None else dict(g.gi_frame.f_locals) for g in (a, b)]
            # One that has begun has what it goes over on its stack, where nobody can put it back: the hook of turns
            # stays around it, under a name that no code can read.
            over = without_hook(frames[1].get(".0"))
            if over is not None and inspect.getgeneratorstate(b) == inspect.GEN_SUSPENDED:
                frames[1][".0"] = over
            self.each([(f"{where} frame", frames[0], frames[1])])
        elif isinstance(a, type):
            self.classes(where, a, b)
        elif isinstance(a, BaseException):
            self.each([(f"{where}.args", a.args, b.args), (f"{where}.__cause__", a.__cause__, b.__cause__)])
            self.attributes(where, a, b)
        elif isinstance(a, contextvars.ContextVar):
            self.each([(f"{where}.get()", a.get(None), b.get(None))])
        elif isinstance(a, (weakref.ReferenceType,)):
            self.each([(f"{where}()", a(), b())])
        elif isinstance(a, (weakref.WeakValueDictionary, weakref.WeakKeyDictionary)):
            self.each([(where, list(a.items()), list(b.items()))])
        elif type(a).__module__ in ("queue", "_queue") and hasattr(a, "queue"):
            self.each([(f"{where}.queue", list(a.queue), list(b.queue))])
        elif isinstance(a, (np.random.Generator, np.random.RandomState)):
            states = [
                g.bit_generator.state if isinstance(g, np.random.Generator) else g.get_state() for g in (a, b)
            ]
            self.each([(f"{where} state", states[0], states[1])])
        elif isinstance(a, (io.StringIO, io.BytesIO)):
            self.each([] if a.closed and b.closed else [(f"{where} text", a.getvalue(), b.getvalue())])
        elif isinstance(a, memoryview):
            self.each([(where, (a.tobytes(), a.format, a.shape), (b.tobytes(), b.format, b.shape))])
        elif isinstance(a, bytearray) or type(a).__module__ in ("decimal", "fractions", "datetime", "array"):
            if a != b:
                self.differ(where, a, b)
        elif hasattr(type(a), "to_dict") and hasattr(type(a), "dtypes"):  # a table of pandas
            facts = [(repr(t.dtypes), t.index.tolist(), t.to_dict()) for t in (a, b)]
            self.each([(where, facts[0], facts[1])])
        elif type(a).__module__.partition(".")[0] not in _CLOSED:
            made_by_python = type(a).__flags__ & _HEAP and hasattr(a, "__dict__") and type(a) is not _CACHE
            if made_by_python or type(a).__module__ == "__main__":
                self.attributes(where, a, b)
            elif self.laid_out:
                # A kept iterator goes through a stand-in for the array, which nobody can ask it for.
                # A function makes its own empty __dict__ when it is first asked for.
                held = [
                    [getattr(r, "_array", r) for r in gc.get_referents(v) if type(r) is not dict or r]
                    for v in (a, b)
                ]
                self.each((f"{where} holds[{i}]", *p) for i, p in enumerate(itertools.zip_longest(*held)))

    def arrays(self, where: str, a: np.ndarray, b: np.ndarray) -> None:
        if (a.dtype, a.shape) != (b.dtype, b.shape) or (self.laid_out and a.strides != b.strides):
            facts = [f"{v.dtype}{v.shape} strides {v.strides}" for v in (a, b)]
            self.found.append(f"{where}: {facts[0]} became {facts[1]}")
            return
        if a.dtype.hasobject:
            self.each((f"{where}[{i}]", x, y) for i, (x, y) in enumerate(zip(a.flat, b.flat, strict=True)))
        elif not self.alike(a, b):
            self.differ(where, a, b)
        self.arrays_met.append((where, a, b))
        for flag in ("writeable", "owndata", "aligned") if self.laid_out else ("writeable",):
            if getattr(a.flags, flag) != getattr(b.flags, flag):
                self.found.append(
                    f"{where}: flag {flag} {getattr(a.flags, flag)} became {getattr(b.flags, flag)}"
                )
        mine, theirs = (_owner(v) for v in (a, b))
        if self.laid_out and (mine is not a or theirs is not b):
            offsets = [_at(v) - _at(o) for v, o in ((a, mine), (b, theirs))]
            if offsets[0] != offsets[1]:
                self.found.append(
                    f"{where}: another part of its memory: {offsets[0]} became {offsets[1]} bytes in"
                )
            self.each([(f"{where}.base", mine, theirs)])
        if type(a) is not np.ndarray:
            self.attributes(where, a, b)

    def dicts(self, where: str, a: dict[Any, Any], b: dict[Any, Any]) -> None:
        keys = [[(type(k).__name__, _key(k)) for k in d] for d in (a, b)]
        if keys[0] != keys[1]:
            self.differ(f"{where} keys", keys[0], keys[1])
        self.each((f"{where}[{_key(k)!r}]", x, y) for (k, x), y in zip(a.items(), b.values(), strict=False))
        self.attributes(where, a, b)

    def functions(self, where: str, a: types.FunctionType, b: types.FunctionType) -> None:
        cells = [[_cell(c) for c in f.__closure__ or ()] for f in (a, b)]
        self.each(
            [
                (f"{where} closure", cells[0], cells[1]),
                (f"{where}.__defaults__", a.__defaults__, b.__defaults__),
                (f"{where}.__kwdefaults__", a.__kwdefaults__, b.__kwdefaults__),
                (f"{where}.__dict__", vars(a), vars(b)),
            ]
        )

    def classes(self, where: str, a: type, b: type) -> None:
        if a.__module__ == "__main__":
            mine = [
                {k: v for k, v in vars(t).items() if k not in ("__dict__", "__weakref__", "__doc__")}
                for t in (a, b)
            ]
            self.each([(where, mine[0], mine[1])])
        elif a is not b:
            self.differ(where, a, b)

    def attributes(self, where: str, a: Any, b: Any) -> None:
        """What an object has in its dict and its slots."""
        held: list[dict[str, Any]] = [dict(getattr(v, "__dict__", {})) for v in (a, b)]
        for kind in type(a).__mro__:
            for name in kind.__dict__.get("__slots__", ()):
                for v, into in zip((a, b), held, strict=True):
                    if hasattr(v, name):
                        into[name] = getattr(v, name)
        for name in [*held[0], *(n for n in held[1] if n not in held[0])]:
            if (name in held[0]) != (name in held[1]):
                self.found.append(
                    f"{where}.{name}: there only {'without' if name in held[0] else 'with'} the magic"
                )
            else:
                self.todo.append((f"{where}.{name}", held[0][name], held[1][name]))


def _alike(a: type, b: type) -> bool:
    """Two classes that the program made, once in each run."""
    return a.__module__ == b.__module__ == "__main__" and a.__qualname__ == b.__qualname__


def _same(a: Any, b: Any) -> bool:
    return _bytes(a) == _bytes(b)


def _close(a: Any, b: Any) -> bool:
    if _same(a, b) or np.asarray(a).dtype.kind not in "fc":
        return _same(a, b)
    digits = 1e-3 if np.asarray(a).dtype == np.float16 else 1e-5 if np.asarray(a).itemsize < 8 else 1e-9
    return bool(np.allclose(a, b, 10 * digits, digits, equal_nan=True))


def _bytes(a: Any) -> bytes:
    """Give the bytes of the values; of a long double without those between them, which are as they happen to be."""
    if isinstance(a, (float, complex)) and not isinstance(a, np.generic):
        return struct.pack("dd", a.real, a.imag)
    if a is np.ma.masked:
        return b"masked"
    return str(a.tolist()).encode() if a.dtype.char in "gG" else a.tobytes()


def _key(key: Any) -> Any:
    if isinstance(key, float) and key != key:
        return "nan"
    return key if isinstance(key, (str, int, float, bytes, tuple, type(None))) else type(key).__name__


def _cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # empty
        return None


def _owner(a: np.ndarray) -> Any:
    """Give the array that owns, or first took over, the memory of `a`."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


def _at(a: np.ndarray) -> int:
    return a.__array_interface__["data"][0]
