"""What the partitions of the user's data are, each as a plan that a worker carries out by itself.

In: Dask arrays in chunks of rows, bags, delayed parts, xarray's arrays, lists of files. Out: `Partitions`. What only
one partition needs is packed into its plan, so that its data are made, used and dropped within one task, and a worker
holds one partition for each of its threads; what several need stays a task of its own, computed once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cloudpickle
import dask
from dask.delayed import Delayed
from distributed import Future

from ..engine.core.foreign import foreign
from ..errors import ArgumentError, ShapeError
from ..language import tr

Key = Any


@dataclass(frozen=True)
class Plan:
    """How a worker gets the data of one partition.

    Attributes
    ----------
    packed : bytes
        The tasks that only this partition needs, the keys of its data, and what loads them.
    needs : tuple of keys
        What comes from outside: results that several partitions share, or data that lie in the cluster already.
    name : str
        For messages: "partition 3 of 40", with the file that it is.
    """

    packed: bytes
    needs: tuple[Key, ...]
    name: str


@dataclass(frozen=True)
class Partitions:
    """The plans in order, the tasks that they share, and the futures of what lies in the cluster."""

    plans: tuple[Plan, ...]
    shared: dict[Key, Any] = field(default_factory=dict)
    futures: dict[Key, Future] = field(default_factory=dict)


def partitions_of(data: Sequence[Any], load: Callable[[Any], Any] | None) -> Partitions:
    """Cut the user's data into partitions.

    Raises
    ------
    ArgumentError
        If there are no data, or some of a kind that has no partitions.
    ShapeError
        If the data have different numbers of partitions or rows.
    """
    if not data:
        raise ArgumentError(tr(
            "gm.distributed.loss got no data: give them after the function, loss(f, X, y).",
        ))  # fmt: skip
    collections = _in_rows([_collection(d, i, load) for i, d in enumerate(data)])
    keys = [_keys(c) for c in collections]
    if len({len(k) for k in keys}) > 1:
        raise ShapeError(tr(
            "the data have {counts} partitions: give all of them the same ones.",
            counts=tr(" and ").join(str(len(k)) for k in keys),
        ))  # fmt: skip
    futures = {key: task for key, task in _merged(_each(collections)).items() if isinstance(task, Future)}
    # Delayed parts are taken as they are: to optimise 100,000 of them takes Dask minutes. What lies in the cluster is
    # left out by that, or kept.
    parts = [d for c in collections if isinstance(c, list) for d in c]
    whole = dask.optimize(*(c for c in collections if not isinstance(c, list)))
    graph = {k: v for k, v in _merged([*parts, *whole]).items() if k not in futures}
    together = [k for k in zip(*keys, strict=True) if k]
    owner = _owners(graph, together)
    names = [_name(i, len(together), data) for i in range(len(together))]
    plans = [_plan(i, k, graph, owner, names[i], load) for i, k in enumerate(together)]
    shared = {key: task for key, task in graph.items() if owner.get(key) == _SEVERAL}
    return Partitions(tuple(plans), shared, futures)


def _name(i: int, total: int, data: Sequence[Any]) -> str:
    file = data[0][i] if isinstance(data[0], (list, tuple)) else None
    of = tr(" ({path})", path=os.fspath(file)) if isinstance(file, (str, os.PathLike)) else ""
    return tr("partition {number} of {total}{file}", number=i, total=total, file=of)


# ---- one collection of Dask's for each argument ---------------------------------------------------------------------


def _collection(data: Any, position: int, load: Any) -> Any:
    """Give what the user gave as a collection of Dask's, or as a list of delayed parts."""
    if type(data).__module__.partition(".")[0] == "xarray":
        data = getattr(data, "data", data)
    if isinstance(data, Delayed):
        data = [data]
    if isinstance(data, (list, tuple)) and data:
        if load is None and isinstance(data[0], (str, os.PathLike)):
            raise ArgumentError(tr(
                "the data at position {position} are files: say how one is read, load=np.load for instance.",
                position=position,
            ))  # fmt: skip
        return [d if isinstance(d, Delayed) else dask.delayed(d, traverse=False) for d in data]
    if dask.is_dask_collection(data) and (_is_array(data) or hasattr(data, "npartitions")):
        return data
    what = foreign(data) or tr("a {kind}", kind=type(data).__name__)
    raise ArgumentError(tr(
        "the data at position {position} are {what}, which has no partitions: give a dask array "
        "(da.from_array(v, chunks=(rows, -1))), a bag, a list of delayed parts or of files with load=; what "
        "every partition needs whole is best read by the function itself.", position=position, what=what,
    ))  # fmt: skip


def _is_array(collection: Any) -> bool:
    return hasattr(collection, "chunks") and hasattr(collection, "ndim")


def _in_rows(collections: list[Any]) -> list[Any]:
    """Bring all arrays to chunks of whole rows, the same rows for all."""
    arrays = [c for c in collections if _is_array(c)]
    if any(not a.ndim for a in arrays):
        raise ShapeError(tr(
            "an array without dimensions has no rows: give one with the rows along its first axis.",
        ))  # fmt: skip
    if len({a.shape[0] for a in arrays if a.shape[0] == a.shape[0]}) > 1:
        rows = tr(" and ").join(str(a.shape[0]) for a in arrays)
        raise ShapeError(tr(
            "the data have {rows} rows: give arrays with the same rows along their first axis.", rows=rows,
        ))  # fmt: skip

    def whole(a: Any) -> Any:
        chunks = dict.fromkeys(range(1, a.ndim), -1)
        known = a.shape[0] == a.shape[0]  # NaN: not known before it is computed
        return a.rechunk({0: arrays[0].chunks[0], **chunks} if known else chunks) if known or chunks else a

    return [whole(c) if _is_array(c) else c for c in collections]


def _each(collections: Iterable[Any]) -> list[Any]:
    return [one for c in collections for one in (c if isinstance(c, list) else [c])]


def _merged(collections: Iterable[Any]) -> dict[Key, Any]:
    """Give the tasks of all; after optimising the collections share one graph, which is read once."""
    graphs = {id(graph): graph for graph in (c.__dask_graph__() for c in collections)}
    return {key: task for graph in graphs.values() for key, task in dict(graph).items()}


def _keys(collection: Any) -> list[Key]:
    """List the keys of a collection's partitions, in order."""
    if isinstance(collection, list):
        return [c.key for c in collection]
    keys = list(collection.__dask_keys__())
    for _ in range(collection.ndim - 1 if _is_array(collection) else 0):
        keys = [key for nested in keys for key in nested]
    return keys


# ---- plans -----------------------------------------------------------------------------------------------------------

_SEVERAL = -1


def _owners(graph: dict[Key, Any], together: Sequence[tuple[Key, ...]]) -> dict[Key, int]:
    """Tell for each task which partition alone needs it, or that several do; each is visited twice at most."""
    owner: dict[Key, int] = {}
    for i, keys in enumerate(together):
        stack = [(key, i) for key in keys]
        while stack:
            key, who = stack.pop()
            found = owner.get(key)
            if key not in graph or found in (who, _SEVERAL):
                continue
            owner[key] = who = who if found is None else _SEVERAL
            stack += [(need, who) for need in _needs(graph, key)]
    return owner


def _needs(graph: dict[Key, Any], key: Key) -> set[Key]:
    task = graph[key]
    if hasattr(task, "dependencies"):
        return set(task.dependencies)
    return set(dask.core.keys_in_tasks(graph, [task]))


def _plan(
    i: int, keys: tuple[Key, ...], graph: dict[Key, Any], owner: dict[Key, int], name: str, load: Any
) -> Plan:
    own: dict[Key, Any] = {}
    outside: dict[Key, None] = {}
    stack = list(keys)
    while stack:
        key = stack.pop()
        if owner.get(key) != i:
            outside[key] = None
        elif key not in own:
            own[key] = graph[key]
            stack += _needs(graph, key)
    return Plan(cloudpickle.dumps((own, keys, tuple(outside), load)), tuple(outside), name)
