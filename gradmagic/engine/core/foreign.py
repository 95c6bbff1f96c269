"""Values that no gradient passes through: what they are, and what to write instead.

In: any value that meets a tracked one. Out: None for the arrays and numbers that gradmagic computes with; for a masked
array, a Series, a sparse matrix, text, None ... the words for a message. One table serves `gm.tensor`, `gm.grad`,
operators, NumPy's functions and the notes of a cell.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...language import capital, mark, tr
from . import arrays

_NUMERIC = "biufc"
_PLAIN = frozenset({float, int, bool, complex})


class Foreign(str):
    """What a value is ("a masked array"), and what to write instead; `{name}` stands for the value's name.

    As a text it is English, to be compared and kept; where a message takes it up it is said in the reader's language.
    """

    _what: str
    _instead: str
    _fields: dict[str, str]

    def __new__(cls, what: str, instead: str, **fields: str) -> Foreign:
        """Make one of two sentences that are marked, and of what fills them in."""
        made = super().__new__(cls, what.format(**fields) if fields else what)
        made._what, made._instead, made._fields = what, instead, fields
        return made

    def __str__(self) -> str:
        return tr(self._what, **self._fields)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    @property
    def instead(self) -> str:
        """What to write, as a part of a sentence."""
        return tr(self._instead, **{"name": "{name}"} | self._fields)

    @property
    def rewritten(self) -> bool:
        """Whether what to write is another expression of the value."""
        return self._instead.startswith("write")

    def advice(self, name: str = "") -> str:
        """Say what to write, as a sentence, with the value's own name where it is known."""
        return capital(tr(self._instead)).format(**{"name": name or "v"} | self._fields)

    def of(self, name: str) -> Foreign:
        """Give the same with the value's own name."""
        return Foreign(self._what, self._instead, **self._fields | {"name": name})


def foreign(value: Any) -> Foreign | None:
    """Tell what `value` is if no gradient passes through it.

    Parameters
    ----------
    value : object
        An operand, an argument, an input; not a tracked one.

    Returns
    -------
    Foreign or None
        None for arrays and scalars of numbers, on any device, for Python's numbers and for lists of such.

    Examples
    --------
    >>> foreign(np.arange(3.0)) is None
    True
    >>> foreign(np.ma.array([1.0, 2.0])), foreign(np.array(["a"])), foreign(None)
    ('a masked array', 'an array of text', 'None')
    >>> foreign(np.array(["a"])).advice("names")
    'Write names.astype(float) if they are numbers'
    """
    kind = type(value)
    if kind in _PLAIN:
        return None
    if kind is np.ndarray or isinstance(value, np.generic):
        return None if value.dtype.kind in _NUMERIC else _of_dtype(value.dtype)
    if arrays.known(kind):
        return None
    if isinstance(value, np.ndarray):
        return _of_subclass(value)
    if isinstance(value, (int, float, complex)):
        return None  # bool and the subclasses of Python's numbers
    if isinstance(value, (list, tuple, range)):
        return _of_sequence(value)
    if (words := of_library(value)) is not None:
        return words
    if hasattr(kind, "__array_function__") and hasattr(kind, "__array_ufunc__"):
        return None  # arrays of another library that speaks NumPy's protocols
    return _of_object(value)


def of_library(value: Any) -> Foreign | None:
    """Tell which other library's array or table `value` is, if of one whose work the tape cannot follow."""
    kind = type(value)
    what, instead = LIBRARIES.get(kind.__module__.partition(".")[0], ("", ""))
    return Foreign(what, instead, kind=kind.__name__) if what else None


# Libraries whose arrays are lazy, or keep or convert what they meet: none of them knows of the tape.
LIBRARIES = {
    "dask": (
        mark("a dask {kind}"),
        mark(
            "write gm.distributed.loss(f, {name}) for a sum of f over its chunks, or {name}.compute() for its numbers"
        ),
    ),
    "xarray": (mark("an xarray {kind}"), mark("write {name}.to_numpy()")),
    "sparse": (mark("a sparse {kind} array"), mark("write {name}.todense()")),
    "pandas": (mark("a pandas {kind}"), mark("write {name}.to_numpy()")),
    "torch": (mark("a torch {kind}"), mark("write {name}.detach().numpy()")),
    "jax": (mark("a jax array"), mark("write np.asarray({name})")),
    "jaxlib": (mark("a jax array"), mark("write np.asarray({name})")),
    "tensorflow": (mark("a tensorflow {kind}"), mark("write {name}.numpy()")),
    "autograd": (mark("an autograd {kind}"), mark("write {name}._value")),
    "mygrad": (mark("a mygrad {kind}"), mark("write {name}.data")),
}
# Of these, the ones that take derivatives themselves: they see nothing of our tape, nor we of theirs.
ENGINES = frozenset({"torch", "jax", "jaxlib", "tensorflow", "autograd", "mygrad"})


def is_lazy(value: Any) -> bool:
    """Tell whether its numbers have still to be computed, by Dask: a dask array, or an xarray of one."""
    graph = getattr(type(value), "__dask_graph__", None)
    return graph is not None and graph(value) is not None


def engine_of(module: str) -> str:
    """Name the library of derivatives that a module is of; an empty text for any other module.

    Examples
    --------
    >>> engine_of("jaxlib._jax"), engine_of("scipy.linalg")
    ('jax', '')
    """
    root = module.lstrip(".").partition(".")[0]
    return root.removesuffix("lib") if root in ENGINES else ""


def _of_dtype(dtype: np.dtype[Any]) -> Foreign:
    if dtype.kind == "O":
        return Foreign(
            mark("an array of objects"), mark("write np.array({name}.tolist(), dtype=float) for numbers")
        )
    if dtype.names is not None:
        return Foreign(
            mark("a structured array"), mark("take one field: {name}[{field!r}]"), field=dtype.names[0]
        )
    if dtype.kind in "mM":
        return Foreign(
            mark("an array of dates or times"),
            mark("turn them into numbers: ({name} - start) / np.timedelta64(1, 's')"),
        )
    if dtype.kind in "SUT":
        return Foreign(mark("an array of text"), mark("write {name}.astype(float) if they are numbers"))
    return Foreign(mark("an array of {dtype}"), mark("write {name}.astype(float)"), dtype=str(dtype))


def _of_subclass(value: Any) -> Foreign | None:
    if isinstance(value, np.ma.MaskedArray):
        return Foreign(
            mark("a masked array"),
            mark("write {name}.filled(0) for its numbers, and ~np.ma.getmaskarray({name}) for their places"),
        )
    if isinstance(value, np.memmap):
        return None if value.dtype.kind in _NUMERIC else _of_dtype(value.dtype)
    if isinstance(value, np.matrix):
        return Foreign(
            mark("an np.matrix"), mark("write np.asarray({name}), and @ for the product of matrices")
        )
    kind = type(value).__name__
    what = (
        mark("an {kind}, a subclass of ndarray") if _vowel(kind) else mark("a {kind}, a subclass of ndarray")
    )
    return Foreign(what, mark("write np.asarray({name})"), kind=kind)


def _of_object(value: Any) -> Foreign:
    kind = type(value)
    home = kind.__module__.partition(".")[0]
    if value is None:
        return Foreign(
            "None", mark("see where {name} should have got its value: a function without return gives None")
        )
    if isinstance(value, (str, bytes, bytearray)):
        return Foreign(mark("text"), mark("write float({name}) if it is a number"))
    if home == "scipy" and hasattr(value, "toarray"):
        return Foreign(mark("a sparse matrix"), mark("write {name}.toarray()"))
    if isinstance(value, (decimal.Decimal, fractions.Fraction)):
        return _a(kind, mark("write float({name})"))
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return Foreign(
            mark("a date or a time"), mark("write a number: {name}.total_seconds(), {name}.timestamp()")
        )
    if isinstance(value, (Iterator, types.GeneratorType)):
        return Foreign(mark("a generator or iterator"), mark("write np.array(list({name}))"))
    if isinstance(value, (set, frozenset, dict)):
        return Foreign(mark("a {kind}"), mark("write np.array(list({name}))"), kind=kind.__name__)
    if callable(value):
        return Foreign(mark("a function"), mark("write {name}(...) for its value"))
    if hasattr(kind, "__array__"):
        return _a(kind, mark("write np.asarray({name})"))
    return _a(kind, mark("write an array or a number"))


def _of_sequence(value: Any) -> Foreign | None:
    kind = type(value).__name__
    if any(hasattr(k, "__dask_graph__") for k in set(map(type, value))):  # np.asarray would compute them
        return Foreign(
            mark("a {kind} with lazy entries"),
            mark("write dask.compute(*{name}) for their numbers"),
            kind=kind,
        )
    try:
        dtype = np.asarray(value).dtype
    except ValueError:
        return Foreign(
            mark("a {kind} of rows of different lengths"),
            mark("make them equally long, or keep them apart"),
            kind=kind,
        )
    if dtype.kind not in _NUMERIC:
        return Foreign(
            mark("a {kind} with entries that are no numbers"),
            mark("leave those out, or write np.nan for them"),
            kind=kind,
        )
    return None


def _a(kind: type, instead: str) -> Foreign:
    name = kind.__name__
    return Foreign(mark("an {kind}") if _vowel(name) else mark("a {kind}"), instead, kind=name)


def _vowel(name: str) -> bool:
    return name[:1].lower() in set("aeiou")
