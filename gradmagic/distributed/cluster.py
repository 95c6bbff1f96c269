"""One pass over all partitions in a Dask cluster: a task for each, sums of eight, sums of these, one result.

In: partitions, a `Work`, a client. Out: the sums, or one clear error. The parameters and the function travel in the
graph of every pass, so no worker holds anything that cannot be made again.
"""

from __future__ import annotations

import sys
import uuid
import warnings
from asyncio import CancelledError
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError as FutureCancelled
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import distributed
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker

from ..engine.core.places import users
from ..errors import ArgumentError, ClusterError
from ..language import tr
from .packing import packed
from .partitions import Partitions, Plan
from .worker import Share, Work, added, data_of, evaluate

_TOGETHER = 8  # shares that one task adds; a power of 2: the pairs are those of one tree over all partitions
_LOOK = 10.0  # seconds between two looks at the workers
_QUIET = 3.0  # seconds that a pass may take before Dask's bar is shown
_LOST = (CancelledError, FutureCancelled, CommClosedError, TimeoutError)


def client_of(given: Any) -> distributed.Client:
    """Give the client that the user named, or the one that is there, or one of a cluster on this machine."""
    if given is not None:
        return given
    try:
        return distributed.default_client()
    except ValueError:
        spawnable()
        return distributed.Client(threads_per_worker=1, dashboard_address=":0")


def spawnable() -> None:
    """Let processes be started where `__main__` says nothing of where it comes from, as some shells leave it."""
    main = sys.modules["__main__"]
    if not hasattr(main, "__spec__"):
        main.__spec__ = None


def total(
    partitions: Partitions, chosen: Sequence[int], work: Work, client: Any, retries: int, progress: bool
) -> Share:
    """Add up what `work` comes to over the chosen partitions, in their order.

    Raises
    ------
    ClusterError
        If a partition has lost one worker after the other, or the scheduler is gone.
    ArgumentError
        If no partition has a row, or the function holds a value that is traced.
    """
    name = f"{getattr(work.f, '__name__', 'loss').strip('<>')}-{uuid.uuid4().hex}"
    graph: dict[Any, Any] = dict(partitions.shared)
    graph[f"work-{name}"] = packed(work, work.f)
    row: list[Any] = []
    for i in chosen:
        plan = partitions.plans[i]
        row.append((name, i))
        graph[name, i] = (evaluate, plan.packed, plan.name, f"work-{name}", name, *_given(plan, partitions))
    level = 0
    while len(row) > 1 or not level:
        parts = [row[k : k + _TOGETHER] for k in range(0, len(row), _TOGETHER)]
        row = [(f"sum-{name}", level, k) for k in range(len(parts))]
        graph |= {key: (added, *part) for key, part in zip(row, parts, strict=True)}
        level += 1
    found: Share | None = fetched(graph, row[0], partitions, client_of(client), retries, progress)
    if found is None:
        raise ArgumentError(tr("no partition has a row, and there is no mean of none."))
    return found


def one(partitions: Partitions, i: int, client: Any, retries: int) -> tuple[Any, ...]:
    """Fetch the data of one partition."""
    plan = partitions.plans[i]
    key = (f"data-{uuid.uuid4().hex}", i)
    graph = {**partitions.shared, key: (data_of, plan.packed, *_given(plan, partitions))}
    return fetched(graph, key, partitions, client_of(client), retries, False)  # type: ignore[no-any-return]


def _given(plan: Plan, partitions: Partitions) -> list[Any]:
    """What a plan needs from outside: keys of tasks in the graph, futures of what lies in the cluster."""
    return [partitions.futures.get(key, key) for key in plan.needs]


def fetched(graph: Any, key: Any, partitions: Partitions, client: Any, retries: int, progress: bool) -> Any:
    """Run a graph and give one result of it, or say what became of it."""
    try:
        (future,) = client.get(graph, [key], sync=False, retries=retries)
        with _attended(client):
            if progress:
                _shown(future)
            distributed.wait(future)
        if (raised := future.exception()) is not None:
            raise raised.with_traceback(_of_the_user(future.traceback()))
        return future.result()
    except KilledWorker as error:
        task = error.task
        where = (
            partitions.plans[task[1]].name
            if isinstance(task, tuple) and len(task) == 2
            else tr("task {task}", task=task)
        )
        raise ClusterError(tr(
            "{where} has lost {count} workers, the last at {address}: they were killed, for want "
            "of memory most often. Cut the data into smaller partitions, or give the workers more memory "
            "(memory_limit=); nothing else is lost, and the loss can be called again.", where=where,
            count=error.allowed_failures + 1, address=error.last_worker.address,
        )) from None  # fmt: skip
    except Exception as error:
        if not isinstance(error, _LOST) and client.status == "running":
            raise
        if any("gm.distributed.loss" in note for note in getattr(error, "__notes__", ())):
            raise  # the user's function has raised it, in a worker
        why = (
            tr("it was cancelled")
            if client.status == "running"
            else tr("the client has no scheduler any more")
        )
        raise ClusterError(tr(
            "the pass over the partitions was given up, for {why}. Nothing is lost but this pass: where "
            "there is no scheduler start a distributed.Client(...), and call the loss again with the same "
            "parameters.", why=why,
        )) from error  # fmt: skip


@contextmanager
def _attended(client: Any) -> Iterator[None]:
    """Look after the workers during a pass: a cluster of this process gets back those that did not come again.

    A nanny starts its worker again, but not one that dies while it is starting; of other clusters it is said that a
    pass waits for workers.
    """
    done = Event()

    def look() -> None:
        said = False
        while not done.wait(_LOOK) and client.status == "running":
            there = len(client.scheduler_info(n_workers=-1)["workers"])
            cluster = client.cluster if getattr(client.cluster, "_adaptive", None) is None else None
            if cluster is not None and there < len(getattr(cluster, "worker_spec", ())):
                cluster.scale(len(cluster.worker_spec))
            elif not there and not said:
                said = True
                waits = tr(
                    "no worker is at {address}: the pass waits for one.", address=client.scheduler.address
                )
                warnings.warn(waits, stacklevel=1)

    attendant = Thread(target=look, daemon=True)
    attendant.start()
    try:
        yield
    finally:
        done.set()


def _of_the_user(traceback: Any) -> Any:
    """Give what is left of a worker's traceback from the user's first frame on; all, if there is none."""
    at = traceback
    while at is not None and not users(at.tb_frame.f_code.co_filename):
        at = at.tb_next
    return at or traceback


def _shown(future: Any) -> None:
    """Wait, and show Dask's bar of a pass that takes long."""
    try:
        distributed.wait(future, timeout=_QUIET)
    except TimeoutError:
        distributed.progress(future, notebook=False)
