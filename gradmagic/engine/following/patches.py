"""All that gradmagic replaces outside itself, in one table: what, why, when, and how it is put back.

In: an owner (a module, class, function, dict ...), a name of its, and what stands there meanwhile. Out: `patched()`,
which says what is replaced now. Nothing is when gradmagic is imported, or after `%load_ext`.

What is replaced is seen by the whole process, so every replacement asks the context that meets it (switch.py) whether
a traced call runs there, and otherwise is what it stands for. Replacements are counted: blocks nest, threads overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import RLock
from types import CellType, FunctionType, ModuleType
from typing import Any

from ...language import mark, tr


@dataclass(frozen=True)
class Patch:
    """One kind of replacement.

    Attributes
    ----------
    what, why, when, back : str
        What is replaced, what for, from when on, and how and when it is put back.
    places : tuple of str
        What is replaced now; empty in the table.
    """

    what: str
    why: str
    when: str
    back: str
    places: tuple[str, ...] = ()


_TRACED = mark("while a %%grad cell, gm.trace, gm.grad or another transform runs the user's code")
MODULES = Patch(
    mark(
        "the class of numpy, numpy.linalg, numpy.lib.stride_tricks, math, cmath, and of scipy.linalg, special, stats, "
        "integrate, interpolate, signal, ndimage and optimize"
    ),
    mark(
        "what is called there is followed where NumPy's protocols do not reach: np.zeros(n), np.asarray(t), "
        "np.mean([t, u]), math.sin(t), scipy.special.logsumexp(t)"
    ),
    _TRACED,
    mark("types.ModuleType again when the last of these ends"),
)
CUPY = Patch(
    mark("the class of cupy, cupy.linalg and cupy.fft"),
    mark("CuPy's functions ask no protocol: cp.sum(t) is np.sum(t)"),
    mark(
        "while a %%grad cell, gm.trace, gm.grad or another transform runs the user's code; and from the first tensor "
        "on a device on"
    ),
    mark(
        "types.ModuleType again when the last of these ends; for tensors it stays: whoever calls a function with no "
        "tensor gets CuPy's own"
    ),
)
METHODS = Patch(
    mark(
        "np.vectorize.__call__, np.ndenumerate.__init__, __getitem__ of the class of np.r_ and np.c_; methods of the "
        "classes of scipy.stats' distributions and scipy.interpolate's splines; Sequence in the compiled modules of "
        "numpy.random"
    ),
    mark(
        "they take arrays apart entry by entry; stats.norm.logpdf(t) and spline(t) have derivatives; rng.shuffle(t) "
        "asks for a Sequence before it mixes up the rows of t"
    ),
    _TRACED,
    mark("NumPy's own again when the last of these ends"),
)
HELD = Patch(
    mark(
        "names, closures, default arguments, entries of dicts, lists and tuples, and attributes that hold a function "
        "of NumPy, SciPy or math and are only ever called, in the user's code that is reached"
    ),
    mark("`from numpy import zeros`: what stands under the name is called without asking a module"),
    _TRACED,
    mark("what they held before, when the last of these that reaches them ends"),
)
CODE = Patch(
    mark("__code__ of the user's functions that call `.dot(...)` of anything but a module"),
    mark("ndarray.dot(t) asks no protocol: `w.dot(t)` is np.dot(w, t) while it is traced"),
    _TRACED,
    mark("their own code when the last of these that reaches them ends"),
)
HOOKS = Patch(
    mark("names in builtins that begin with __gradmagic_"),
    mark(
        "an instrumented cell calls them: it tells what its values are called, and of what each operation made"
    ),
    mark("from the first %%grad cell on"),
    mark("they stay: functions that such a cell defined call them, and get back what they gave"),
)
WARNINGS = Patch(
    "warnings._showwarnmsg",
    mark(
        "NumPy's warnings name the line that called NumPy, which is gradmagic's: they are shown for the user's line"
    ),
    mark("from the first tensor or traced call on"),
    mark("it stays, for tensors do: a warning that is not gradmagic's is passed on as it is"),
)
PATCHES = (MODULES, CUPY, METHODS, HELD, CODE, HOOKS, WARNINGS)

_MISSING: Any = object()
_lock = RLock()
_on: dict[int, Replacement] = {}  # by their ids, in the order in which they were put on
_held: dict[tuple[int, Any], Replacement] = {}  # those of one place, by owner and name


class Replacement:
    """What is put on and taken off together, counted."""

    __slots__ = ("_count", "_places", "key", "patch")

    def __init__(self, patch: Patch) -> None:
        self.patch = patch
        self.key: tuple[int, Any] | None = None
        self._count = 0
        # How to look there and how to put there, owner, name, what was there, what stands there meanwhile.
        self._places: list[tuple[Any, Any, Any, Any, Any, Any]] = []

    def add(self, owner: Any, name: Any, ours: Any) -> Replacement:
        """Let `ours` stand for `owner.name`, of a dict or list `owner[name]`; at once if the others are on."""
        with _lock:
            get, put = _ways(owner, name)
            place = get, put, owner, name, get(owner, name, _MISSING), ours
            self._places.append(place)
            if self._count:
                _put_on([place])
        return self

    def put_on(self) -> Replacement:
        """Put them there, once more."""
        with _lock:
            self._count += 1
            if self._count == 1:
                _on[id(self)] = self
                _put_on(self._places)
        return self

    def take_off(self) -> None:
        """Put back what was there, if this was the last; what somebody else has put there in the meantime stays."""
        with _lock:
            self._count -= 1
            if not self._count:
                del _on[id(self)]
                for get, put, owner, name, original, ours in self._places:
                    if get(owner, name, _MISSING) is ours:
                        put(owner, name, original)
                if self.key is not None:
                    del _held[self.key]

    def once(self) -> None:
        """Put them there for good."""
        if not self._count:
            self.put_on()

    @property
    def names(self) -> tuple[str, ...]:
        """What is replaced, in words."""
        return tuple(_word(owner, name) for _, _, owner, name, *_ in self._places)


def _put_on(places: list[tuple[Any, ...]]) -> None:
    for get, put, owner, name, original, ours in places:
        if get(owner, name, _MISSING) is original:
            put(owner, name, ours)


def _ways(owner: Any, name: Any) -> tuple[Any, Any]:
    """Give the functions that look up and assign a name of `owner`; nothing that it defines itself runs."""
    if isinstance(owner, dict):
        return dict.get, dict.__setitem__
    if isinstance(owner, list):
        return lambda held, at, default: held[at] if at < len(held) else default, list.__setitem__
    if isinstance(owner, type):
        function = type(vars(owner)[name]) is FunctionType  # not a static method: getattr is 0.4 us faster
        return getattr if function else _of_class, type.__setattr__
    return getattr, setattr


def hold(patch: Patch, owner: Any, name: Any, ours: Any) -> Replacement:
    """Put `ours` in one place, unless another block has; the block that asked takes it off."""
    key = id(owner), name
    with _lock:
        found = _held.get(key)
        if found is None:
            found = _held[key] = Replacement(patch).add(owner, name, ours)
            found.key = key
        return found.put_on()


def _of_class(kind: type, name: str, default: Any) -> Any:
    return vars(kind).get(name, default)


def patched() -> tuple[Patch, ...]:
    """Give what gradmagic replaces outside itself now, in this process.

    Returns
    -------
    tuple of Patch
        One for each kind that is on, with `what`, `why`, `when`, `back` (how it is put back), and `places`, which
        names everything that is replaced at this moment.

    Examples
    --------
    >>> import gradmagic as gm
    >>> def f(x):
    ...     print([patch.places[0] for patch in gm.patched() if "numpy" in patch.places[0]])
    ...     return x
    >>> gm.grad(f)(1.0)
    ['numpy.__class__', 'numpy.lib._index_tricks_impl.AxisConcatenator.__getitem__']
    1.0
    >>> [patch.what for patch in gm.patched() if "numpy" in patch.what]
    []
    """
    with _lock:
        found = [(r.patch, r.names) for r in _on.values() if r.names]
    return tuple(
        Patch(
            tr(patch.what),
            tr(patch.why),
            tr(patch.when),
            tr(patch.back),
            tuple(name for p, names in found if p is patch for name in names),
        )
        for patch in PATCHES
        if any(p is patch for p, _ in found)
    )


def _word(owner: Any, name: Any) -> str:
    if isinstance(owner, dict):
        return f"{owner['__name__']}.{name}" if "__name__" in owner else tr("[{name!r}] of a dict", name=name)
    if isinstance(owner, ModuleType):
        return f"{owner.__name__}.{name}"
    if isinstance(owner, (list, CellType)):
        return tr("[{name}] of a list", name=name) if isinstance(owner, list) else tr("a closure")
    return f"{owner.__module__}.{owner.__qualname__}.{name}"
