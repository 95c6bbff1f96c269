"""A report as JSON: the whole trace as plain data, and back.

In: a `Trace`. Out: strict JSON text (RFC 8259) of one object::

    {"schema": "gradmagic-trace/1", "trace": {...}}

`trace` and all that is in it have the fields of the dataclasses of model.py, by name: `operations` (each with `inputs`,
the edges), `inputs`, `result`, `notes`, `sweeps`, `timings`. `turns` (report/turns.py) has what ran several times:
`scopes`, the loops and functions; `moments`, each a turn of one within another; `series`, of each expression the values
and gradients at some moments; `null` where every line ran once. `descent` (report/descent.py) is the fit of
`--minimize`. A value has the fields of `Value` (core/values.py): elements of up to 100, else `null` with statistics
and 64 samples in `picture`. What JSON has no word for is an object with one field: `{"float": "NaN"}` (or
`"Infinity"`, `"-Infinity"`), `{"complex": [re, im]}`, and the gradient itself `{"array": nested lists, "dtype": name,
"shape": [...]}`; one of more than 1,000 entries is left out (`null`), its summary stays. Fields may be added under
the same schema; what is there keeps its meaning.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from ...engine.core.values import Listed, narrow
from ...language import tr
from ..model import ReportError, Trace
from ..operations import Recorded

SCHEMA = "gradmagic-trace/1"
WHOLE = 1_000  # entries of a gradient that is kept whole


def to_json(trace: Trace) -> str:
    """Write a trace as one line of strict JSON.

    Examples
    --------
    >>> to_json(Trace("In [1]", "y = x"))[:66]
    '{"schema": "gradmagic-trace/1", "trace": {"label": "In [1]", "sour'
    """
    return json.dumps({"schema": SCHEMA, "trace": _plain(trace)}, allow_nan=False, ensure_ascii=False)


def from_json(text: str | bytes) -> Trace:
    """Read what `to_json` wrote.

    Raises
    ------
    ReportError
        If it is not JSON, or of another schema.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ReportError(tr("this is not a report's JSON: {error}.", error=error)) from None
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise ReportError(
            tr(
                "this JSON is of schema {schema!r}; this version reads {known!r}.",
                schema=schema,
                known=SCHEMA,
            )
        )
    made: Trace = _made(found["trace"], Trace)
    return made


def _plain(value: Any) -> Any:
    """Make what JSON has a word for."""
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, (tuple, list, Recorded, Listed)):
        return [_plain(entry) for entry in value]
    if isinstance(value, (np.ndarray, np.generic)):
        if value.size > WHOLE or value.dtype.kind not in "biufc":
            return None
        entries = _plain(narrow(value).tolist())
        return {"array": entries, "dtype": value.dtype.name, "shape": list(value.shape)}
    if isinstance(value, complex):
        return {"complex": [_plain(value.real), _plain(value.imag)]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"}
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


@cache
def _kinds(kind: type) -> dict[str, Any]:
    """Tell of what dataclass the objects in each field are, as annotated; a dict is one, with keys of the reader's."""
    found: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        found[name] = dict if get_origin(hint) is dict else next(filter(is_dataclass, _named(hint)), None)
    return found


def _named(hint: Any) -> list[Any]:
    """List what an annotation names: `Value`, `Value | None`, `Sequence[Value | None]`."""
    return [hint, *(name for part in get_args(hint) for name in _named(part))]


def _made(value: Any, kind: type | None = None) -> Any:
    """Make what `_plain` was given; `kind` is the dataclass of an object, or of a list's objects."""
    if isinstance(value, list):
        return tuple(_made(entry, kind) for entry in value)
    if not isinstance(value, dict):
        return value
    if kind is dict:  # a reader's variable may be called `float`
        return {key: _made(entry) for key, entry in value.items()}
    if kind is not None:
        kinds = _kinds(kind)
        return kind(**{k: _made(v, kinds[k]) for k, v in value.items() if k in kinds})
    if value.keys() == {"float"}:
        return float(value["float"])
    if value.keys() == {"complex"}:
        return complex(*_made(value["complex"]))
    if value.keys() == {"array", "dtype", "shape"}:
        array = np.array(_made(value["array"]), value["dtype"]).reshape(value["shape"])
        return array if array.ndim else array[()]
    keys = ", ".join(map(repr, value))
    raise ReportError(tr("this is not a report's JSON: an object with {keys}.", keys=keys))
