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

from . import arrays

_NUMERIC = "biufc"
_PLAIN = frozenset({float, int, bool, complex})


class Foreign(str):
    """What a value is ("a masked array"), and `instead`: what to write; `{name}` stands for the value's name."""

    instead: str

    def __new__(cls, what: str, instead: str) -> Foreign:
        made = super().__new__(cls, what)
        made.instead = instead
        return made

    def advice(self, name: str = "") -> str:
        """Say what to write, as a sentence, with the value's own name where it is known."""
        text = self.instead.format(name=name or "v")
        return text[0].upper() + text[1:]


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
    return Foreign(what.format(kind.__name__), instead) if what else None


# Libraries whose arrays are lazy, or keep or convert what they meet: none of them knows of the tape.
LIBRARIES = {
    "dask": (
        "a dask {}",
        "write gm.distributed.loss(f, {name}) for a sum of f over its chunks, or {name}.compute() for its numbers",
    ),
    "xarray": ("an xarray {}", "write {name}.to_numpy()"),
    "sparse": ("a sparse {} array", "write {name}.todense()"),
    "pandas": ("a pandas {}", "write {name}.to_numpy()"),
    "torch": ("a torch {}", "write {name}.detach().numpy()"),
    "jax": ("a jax array", "write np.asarray({name})"),
    "jaxlib": ("a jax array", "write np.asarray({name})"),
    "tensorflow": ("a tensorflow {}", "write {name}.numpy()"),
    "autograd": ("an autograd {}", "write {name}._value"),
    "mygrad": ("a mygrad {}", "write {name}.data"),
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
        return Foreign("an array of objects", "write np.array({name}.tolist(), dtype=float) for numbers")
    if dtype.names is not None:
        return Foreign("a structured array", f"take one field: {{name}}[{dtype.names[0]!r}]")
    if dtype.kind in "mM":
        return Foreign(
            "an array of dates or times", "turn them into numbers: ({name} - start) / np.timedelta64(1, 's')"
        )
    if dtype.kind in "SUT":
        return Foreign("an array of text", "write {name}.astype(float) if they are numbers")
    return Foreign(f"an array of {dtype}", "write {name}.astype(float)")


def _of_subclass(value: Any) -> Foreign | None:
    if isinstance(value, np.ma.MaskedArray):
        return Foreign(
            "a masked array",
            "write {name}.filled(0) for its numbers, and ~np.ma.getmaskarray({name}) for their places",
        )
    if isinstance(value, np.memmap):
        return None if value.dtype.kind in _NUMERIC else _of_dtype(value.dtype)
    if isinstance(value, np.matrix):
        return Foreign("an np.matrix", "write np.asarray({name}), and @ for the product of matrices")
    return Foreign(f"{_article(type(value).__name__)}, a subclass of ndarray", "write np.asarray({name})")


def _of_object(value: Any) -> Foreign:
    kind = type(value)
    home = kind.__module__.partition(".")[0]
    if value is None:
        return Foreign(
            "None", "see where {name} should have got its value: a function without return gives None"
        )
    if isinstance(value, (str, bytes, bytearray)):
        return Foreign("text", "write float({name}) if it is a number")
    if home == "scipy" and hasattr(value, "toarray"):
        return Foreign("a sparse matrix", "write {name}.toarray()")
    if isinstance(value, (decimal.Decimal, fractions.Fraction)):
        return Foreign(_article(kind.__name__), "write float({name})")
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return Foreign("a date or a time", "write a number: {name}.total_seconds(), {name}.timestamp()")
    if isinstance(value, (Iterator, types.GeneratorType)):
        return Foreign("a generator or iterator", "write np.array(list({name}))")
    if isinstance(value, (set, frozenset, dict)):
        return Foreign(f"a {kind.__name__}", "write np.array(list({name}))")
    if callable(value):
        return Foreign("a function", "write {name}(...) for its value")
    if hasattr(kind, "__array__"):
        return Foreign(_article(kind.__name__), "write np.asarray({name})")
    return Foreign(_article(kind.__name__), "write an array or a number")


def _of_sequence(value: Any) -> Foreign | None:
    name = type(value).__name__
    if any(
        hasattr(kind, "__dask_graph__") for kind in set(map(type, value))
    ):  # np.asarray would compute them
        return Foreign(f"a {name} with lazy entries", "write dask.compute(*{name}) for their numbers")
    try:
        dtype = np.asarray(value).dtype
    except ValueError:
        return Foreign(f"a {name} of rows of different lengths", "make them equally long, or keep them apart")
    if dtype.kind not in _NUMERIC:
        return Foreign(
            f"a {name} with entries that are no numbers", "leave those out, or write np.nan for them"
        )
    return None


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
