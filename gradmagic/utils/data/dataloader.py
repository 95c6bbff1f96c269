"""PyTorch's DataLoader: the samples of a data set in batches, shuffled as PyTorch shuffles them after the same seed.

In: a data set and settings. Out: batches: tensors, in lists and dicts as the samples are. All happens in this process.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from itertools import repeat
from typing import Any, Generic

import numpy as np

from ...engine.faces.torch.make import tensor
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.tracked import Tracked
from ...functions import as_tensor, float64, stack
from ...language import tr
from .dataset import Dataset, IterableDataset, Subset, T, TensorDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler, drawn_seed


def default_convert(data: Any) -> Any:
    """Make tensors of the arrays of one sample; containers stay as they are."""
    if isinstance(data, (np.ndarray, np.generic)):
        return data if np.asarray(data).dtype.kind in "SUO" else as_tensor(data)
    return _within(data, default_convert, lambda x: x)


def default_collate(batch: Any) -> Any:
    """Make one of several samples: tensors are stacked, numbers become tensors, containers hold what they held.

    Raises
    ------
    TypeError
        If the samples hold something else.
    RuntimeError
        If lists differ in length.

    Examples
    --------
    >>> from gradmagic.utils.data import default_collate
    >>> default_collate([(1.0, 0), (2.0, 1)])
    [tensor([1., 2.], dtype=torch.float64), tensor([0, 1])]
    >>> default_collate([{"x": [1, "a"]}, {"x": [2, "b"]}])
    {'x': [tensor([1, 2]), ('a', 'b')]}
    """
    first = batch[0]
    if isinstance(first, Tracked):
        return stack(list(batch), 0)
    if isinstance(first, np.ndarray) and first.dtype.kind not in "SUO":
        return stack([as_tensor(b) for b in batch], 0)
    if isinstance(first, np.generic) and first.dtype.kind not in "SUO":
        return as_tensor(np.array(batch))
    if isinstance(first, float):
        return tensor(list(batch), dtype=float64)
    if isinstance(first, int):
        return tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, (Mapping, Sequence)):
        return _joined(first, batch)
    kind = first.dtype if isinstance(first, np.ndarray) else type(first)
    raise TypeError(tr(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}: "
        "make tensors of them in the data set, or give DataLoader a collate_fn.", kind=kind,
    ))  # fmt: skip


def _joined(first: Any, batch: Any) -> Any:
    if isinstance(first, Mapping):
        return _within(
            first,
            lambda key: default_collate([d[key] for d in batch]),
            lambda d: dict(zip(d, d, strict=True)),
        )
    if any(len(sample) != len(first) for sample in batch):
        raise RuntimeError(tr(
            "each element in list of batch should be of equal size: pad them, or give a collate_fn.",
        ))  # fmt: skip
    columns = list(zip(*batch, strict=True))
    return _within(first, default_collate, lambda _: columns)


def _within(data: Any, f: Callable[[Any], Any], parts: Callable[[Any], Any]) -> Any:
    """Give a container like `data` with `f` of each of its parts; plain tuples become lists, as in PyTorch."""
    if isinstance(data, Mapping):
        made: Any = {key: f(value) for key, value in parts(data).items()}
    elif isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        made = [f(value) for value in parts(data)]
    else:
        return data
    if hasattr(data, "_fields"):
        return type(data)(*made)
    if type(data) in (tuple, list, dict):
        return made
    try:
        if isinstance(data, (MutableMapping, MutableSequence)):
            out: Any = copy.copy(data)
            for key in made if isinstance(data, Mapping) else range(len(made)):
                out[key] = made[key]
            return out
        return type(data)(made)  # type: ignore[call-arg]
    except TypeError:
        return made


def get_worker_info() -> None:
    """Tell which worker process this is: none."""
    return None


class DataLoader(Generic[T]):
    """The samples of a data set in batches.

    Parameters
    ----------
    dataset : Dataset
        Or anything with `__getitem__` and `__len__`; or an IterableDataset.
    batch_size : int, optional
        None: samples as they are.
    shuffle : bool
        A new random order each time. The order is PyTorch's after the same `manual_seed`.
    sampler, batch_sampler : iterable, optional
        The numbers of samples, or of the samples of each batch, in place of `shuffle`.
    num_workers : int
        Accepted, and told to be 0: batches are made in this process.
    collate_fn : function, optional
        What makes a batch of a list of samples; `default_collate` if not given.
    drop_last : bool
        Leave out a last batch that is smaller.
    generator : Generator, optional
        What the order is drawn with.

    Raises
    ------
    ValueError
        If settings contradict each other.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.utils.data import DataLoader, TensorDataset
    >>> _ = gm.manual_seed(0)
    >>> for x, y in DataLoader(TensorDataset(gm.arange(5), gm.arange(5.0) ** 2), batch_size=2, shuffle=True):
    ...     print(x, y)
    tensor([1, 4]) tensor([ 1., 16.])
    tensor([2, 3]) tensor([4., 9.])
    tensor([0]) tensor([0.])
    """

    def __init__(
        self, dataset: Any, batch_size: int | None = 1, shuffle: bool | None = None, sampler: Any = None,
        batch_sampler: Any = None, num_workers: int = 0, collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False, drop_last: bool = False, timeout: float = 0, worker_init_fn: Any = None,
        multiprocessing_context: Any = None, generator: Any = None, *, prefetch_factor: int | None = None,
        persistent_workers: bool = False, pin_memory_device: str = "", in_order: bool = True,
    ) -> None:  # fmt: skip
        self._iterable = isinstance(dataset, IterableDataset)
        order = {"shuffle": shuffle, "sampler": sampler, "batch_sampler": batch_sampler}
        of_workers = {
            "prefetch_factor": prefetch_factor,
            "persistent_workers": persistent_workers,
            "timeout": timeout,
        }
        _check(self._iterable, order, batch_size, drop_last, num_workers, of_workers)
        if num_workers:
            warnings.warn(tr(
                "num_workers={num_workers}: gradmagic makes batches in this process, in the same order. Leave it out.",
                num_workers=num_workers,
            ), stacklevel=2)  # fmt: skip
        if batch_sampler is not None:
            batch_size = None
        if sampler is None:
            if self._iterable:
                sampler = repeat(None)
            else:
                sampler = (
                    RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
                )
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.dataset, self.batch_size, self.drop_last, self.generator = (
            dataset,
            batch_size,
            drop_last,
            generator,
        )
        self.sampler, self.batch_sampler, self.num_workers, self.pin_memory = (
            sampler,
            batch_sampler,
            num_workers,
            pin_memory,
        )
        self.collate_fn = collate_fn or (default_convert if batch_sampler is None else default_collate)

    def __iter__(self) -> Iterator[Any]:
        drawn_seed(self.generator)  # PyTorch's seed of the workers: drawn also without them
        return self._samples() if self._iterable else self._batches()

    def _batches(self) -> Iterator[Any]:
        if self.batch_sampler is None:
            for index in self.sampler:
                yield self.collate_fn(self.dataset[index])
            return
        several = getattr(self.dataset, "__getitems__", None)
        for indices in self.batch_sampler:
            if self.collate_fn is default_collate and (batch := _at_once(self.dataset, indices)) is not None:
                yield batch
            else:
                samples = several(indices) if several else [self.dataset[i] for i in indices]
                yield self.collate_fn(samples)

    def _samples(self) -> Iterator[Any]:
        samples = iter(self.dataset)
        if self.batch_size is None:
            yield from map(self.collate_fn, samples)
            return
        for batch in BatchSampler(samples, self.batch_size, self.drop_last):
            yield self.collate_fn(batch)

    def __len__(self) -> int:
        if not self._iterable:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)
        count, size = len(self.dataset), self.batch_size or 1
        return count // size if self.drop_last else -(-count // size)


def _check(
    iterable: bool,
    order: dict[str, Any],
    batch_size: Any,
    drop_last: bool,
    workers: int,
    of_workers: dict[str, Any],
) -> None:
    """Say which settings contradict each other, in PyTorch's words."""
    given = {name: value for name, value in order.items() if value is not None and value is not False}
    if iterable and given:
        name, value = next(iter(given.items()))
        raise ValueError(tr(
            "DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}: "
            "it gives its samples in its own order.", name=name, value=value,
        ))  # fmt: skip
    by_batch = "batch_sampler" in given
    wrong = {
        "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.": workers < 0,
        "sampler option is mutually exclusive with shuffle": {"sampler", "shuffle"} <= set(given),
        "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last":
            by_batch and (len(given) > 1 or batch_size != 1 or drop_last),
        "batch_size=None option disables auto-batching and is mutually exclusive with drop_last":
            not by_batch and batch_size is None and drop_last,
    }  # fmt: skip
    for text, holds in wrong.items():
        if holds:
            raise ValueError(text)
    for name, value in of_workers.items():
        if not workers and value:
            raise ValueError(tr("{name} option needs num_workers > 0", name=name))


def _at_once(dataset: Any, indices: Any) -> Any:
    """Give the batch of a plain TensorDataset by one index (64 rows of two tensors: 12 us for 900); None for others."""
    while type(dataset) is Subset:
        indices, dataset = [dataset.indices[i] for i in indices], dataset.dataset
    if type(dataset) is not TensorDataset or any(
        type(t) is not Tensor or t.node is not None for t in dataset.tensors
    ):
        return None
    rows = np.asarray(indices)
    return [t[rows] for t in dataset.tensors] if rows.ndim == 1 and rows.dtype.kind in "iu" else None


__all__ = ["DataLoader", "Dataset", "default_collate", "default_convert", "get_worker_info"]
