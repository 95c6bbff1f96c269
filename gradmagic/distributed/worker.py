"""What a worker does: one partition's value and derivatives, and sums of them.

In: a plan of the data and a `Work`, which holds the user's function and the parameters. Out: a `Share`, plain arrays of
the host with the number of rows behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, NamedTuple

import cloudpickle
import dask
import numpy as np

from ..engine.core import arrays
from ..engine.core.foreign import foreign
from ..engine.core.trees import leaves, rebuilt
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.tracked import raw
from ..engine.transforms.of_functions import jvp, value_and_grad, vjp
from ..errors import ArgumentError, NonScalarError
from ..language import get_language, set_language, tr
from .packing import opened

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Work:
    """What is computed of every partition.

    Attributes
    ----------
    f : function
        The user's, of parameters and of a partition's data.
    params : tuple
        Its parameters as the user nests them; the leaves at `places` are replaced by `args`.
    places : tuple of int
        Which leaves are differentiated by; of `tensors` those that `f` is to meet as tensors.
    args : tuple of arrays
        These leaves, then the cotangents and tangents that `steps` ask for.
    steps : str
        "value", "gradient" (the value and the gradient), or "v" (vjp) and "j" (jvp) as often as it is differentiated:
        "vj" is the derivative of the gradient along a direction.
    mean : bool
        The function gives a mean over the rows: it counts as often as there are rows.
    device : str
        Where it is computed; empty: where the data are.
    language : str
        Of errors: the reader's.
    """

    f: Callable[..., Any]
    params: tuple[Any, ...]
    places: tuple[int, ...]
    tensors: frozenset[int]
    args: Values
    steps: str
    mean: bool
    device: str
    language: str


class Share(NamedTuple):
    """What some partitions come to together: how many rows, and the sums."""

    rows: int
    values: Values


def evaluate(packed: bytes, name: str, work_packed: bytes, of_pass: str, *given: Any) -> Share | None:
    """Get the data of one partition and compute its share; None for one without rows, of which there is no mean."""
    try:
        work: Work = opened(work_packed, of_pass)
        if work.language != get_language():  # another process: it goes by its own environment
            set_language(work.language)
        data = data_of(packed, *given)
        rows = _rows(data) if work.mean else 1
        if not rows:
            return None
        values = [_on_host(raw(v)) for v in computed(work, data)]
        return Share(rows, tuple(v * rows if work.mean else v for v in values))
    except Exception as error:
        error.add_note(tr("In {name} of gm.distributed.loss.", name=name))
        raise


def _on_host(value: Any) -> Any:
    """Give a result as an array of the host; a number as NumPy's, whether it was traced or not."""
    return np.float64(value) if type(value) is float else arrays.to_host(value)


def data_of(packed: bytes, *given: Any) -> Values:
    """Carry out a plan: the data of one partition as the function takes them."""
    own, keys, outside, load = cloudpickle.loads(packed)
    own |= {key: dask.core.quote(_held(value)) for key, value in zip(outside, given, strict=True)}
    data = dask.get(own, list(keys))
    if load is not None:
        data = tuple(map(load, data))
    return tuple(data[0]) if len(data) == 1 and type(data[0]) is tuple else tuple(data)


def _held(value: Any) -> Any:
    """Give data that lie in the worker for later passes as an array that the function cannot write to."""
    if type(value) is not np.ndarray:
        return value
    view = value.view()
    view.flags.writeable = False
    return view


def _rows(data: Values) -> int:
    try:
        return len(data[0])
    except TypeError:
        raise ArgumentError(tr(
            'reduce="mean" weighs a partition by its rows, and a {kind} has none: let the function give a '
            'sum, and write reduce="sum".', kind=type(data[0]).__name__,
        )) from None  # fmt: skip


def computed(work: Work, data: Values) -> Sequence[Any]:
    """Compute what `work` asks for on one partition, by the engine.

    This is the only place that knows how: a recorded program that is replayed would stand here.
    """
    params, args = work.params, work.args
    if work.device:
        data, params, args = (_on_device(x, work.device) for x in (data, params, args))
    function = _of_leaves(work, params, data)
    if work.steps == "value":
        return (function(*args),)
    if work.steps == "gradient":
        (_, value), gradient = value_and_grad(lambda *a: (out := function(*a), out), range(len(args)), True)(
            *args
        )
        return (value, *gradient)
    return _derived(lambda *a: (function(*a),), len(work.places), 1, work.steps)(*args)


def _of_leaves(work: Work, params: Values, data: Values) -> Callable[..., Any]:
    """Give the user's function with the data in it, of the leaves that are differentiated by."""
    # Copies: the function may write into them, and other partitions get the same.
    known = [v.copy() if arrays.is_array(v) else v for v in leaves(params)]

    @wraps(work.f)
    def function(*args: Any) -> Any:
        whole = list(known)
        for place, arg in zip(work.places, args, strict=True):
            whole[place] = arg
        whole = [Tensor.of(v) if i in work.tensors else v for i, v in enumerate(whole)]
        return _number(work.f(*rebuilt(params, whole), *data), work.f)

    return function


def _derived(function: Callable[..., Any], n: int, outs: int, steps: str) -> Callable[..., Any]:
    """Differentiate a function of n arguments with so many results, step by step.

    "v" gives its vjp, a function of its arguments and of the results' cotangents; "j" its jvp, of its arguments and
    their tangents.
    """
    if not steps:
        return function
    if steps[0] == "v":
        return _derived(lambda *a: vjp(function, *a[:n])[1](a[n:]), n + outs, n, steps[1:])
    return _derived(lambda *a: jvp(function, a[:n], a[n:])[1], 2 * n, outs, steps[1:])


def _on_device(values: Any, device: str) -> Any:
    found = [arrays.to_device(x, device) if arrays.is_typed(x) else x for x in leaves(values)]
    return rebuilt(values, found)


def _number(out: Any, f: Any) -> Any:
    """Give what the user's function gave, if it is one number."""
    name, odd = getattr(f, "__name__", "f"), foreign(raw(out))
    if odd is not None:
        raise ArgumentError(tr(
            "{name} gave {what}, and a loss is one number. {advice}.", name=name, what=odd,
            advice=odd.advice(tr("the result")),
        ))  # fmt: skip
    if np.size(raw(out)) != 1:
        raise NonScalarError(tr(
            "{name} gave an array of shape {shape}, and a loss is one number: give np.sum(...) of it.",
            name=name, shape=np.shape(raw(out)),
        ))  # fmt: skip
    return np.reshape(out, ()) if np.ndim(raw(out)) else out


def added(*shares: Share | None) -> Share | None:
    """Add neighbours in pairs, then the sums in pairs, and so on: the order hangs on nothing but the partitions'."""
    row = list(shares)
    while len(row) > 1:
        row = [_sum(*row[i : i + 2]) for i in range(0, len(row), 2)]
    return row[0]


def _sum(a: Share | None, b: Share | None = None) -> Share | None:
    if a is None or b is None:
        return a or b
    return Share(a.rows + b.rows, tuple(x + y for x, y in zip(a.values, b.values, strict=True)))
