"""PyTorch's data sets: what has samples by number (`Dataset`) or one after the other (`IterableDataset`).

In: tensors, or other data sets. Out: samples.
"""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, TypeVar

from ...functions import randperm
from ...language import tr

T = TypeVar("T", covariant=True)


class Dataset(Generic[T]):
    """Samples by number: what is derived from it says `__getitem__` and `__len__`."""

    def __getitem__(self, index: Any) -> T:
        raise NotImplementedError(tr(
            "Subclasses of Dataset should implement __getitem__: write def __getitem__(self, index) in "
            "{kind}, which gives the sample of that number.", kind=type(self).__name__,
        ))  # fmt: skip

    def __add__(self, other: Any) -> Any:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T]):
    """Samples one after the other: what is derived from it says `__iter__`."""

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError(tr(
            "write def __iter__(self) in {kind}, which yields the samples.", kind=type(self).__name__,
        ))  # fmt: skip

    def __add__(self, other: Any) -> Any:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Any, ...]]):
    """The rows of several tensors of equal length.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.utils.data import TensorDataset
    >>> TensorDataset(gm.arange(3.0), gm.eye(3))[1]
    (tensor(1.), tensor([0., 1., 0.]))
    """

    def __init__(self, *tensors: Any) -> None:
        lengths = [t.size(0) for t in tensors]
        if len(set(lengths)) > 1:
            raise AssertionError(tr(
                "Size mismatch between tensors: the first dims are {lengths}.", lengths=lengths,
            ))  # fmt: skip
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))


class StackDataset(Dataset[Any]):
    """Several data sets side by side: a sample is a tuple of theirs, or a dict if they are given by name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or``dict``- (via ``kwargs``) like input/output, but both "
                "types are given."
            )
        self.datasets: Any = args or kwargs
        if not self.datasets:
            raise ValueError("At least one dataset should be passed")
        lengths = {len(d) for d in (args or kwargs.values())}
        if len(lengths) > 1:
            raise ValueError(tr(
                "Size mismatch between datasets: their lengths are {lengths}.", lengths=sorted(lengths),
            ))  # fmt: skip
        self._length = lengths.pop()

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {k: dataset[index] for k, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T]):
    """Data sets one behind the other.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.utils.data import TensorDataset
    >>> both = TensorDataset(gm.arange(3)) + TensorDataset(gm.arange(10, 12))
    >>> len(both), both[3]
    (5, (tensor(10),))
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise AssertionError(tr("ConcatDataset does not support IterableDataset: write ChainDataset."))
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: Any) -> T:
        if index < 0:
            if -index > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        which = bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset[T]):
    """Iterable data sets one behind the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[T]:
        for d in self.datasets:
            yield from _iterable(d)

    def __len__(self) -> int:
        return sum(len(_iterable(d)) for d in self.datasets)


def _iterable(dataset: Any) -> Any:
    if not isinstance(dataset, IterableDataset):
        raise AssertionError(tr("ChainDataset only supports IterableDataset: write ConcatDataset."))
    return dataset


class Subset(Dataset[T]):
    """The samples of these numbers."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> T:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(dataset: Any, lengths: Sequence[float], generator: Any = None) -> list[Subset[Any]]:
    """Split a data set at random, into parts of these lengths or these fractions.

    Raises
    ------
    ValueError
        If the lengths do not sum to that of the data set, or a fraction is not between 0 and 1.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic.utils.data import random_split
    >>> _ = gm.manual_seed(0)
    >>> [list(part) for part in random_split(range(10), [0.7, 0.3])]
    [[4, 1, 7, 5, 3, 9, 0], [8, 6, 2]]
    """
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, part in enumerate(lengths):
            if not 0 <= part <= 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        counts = [math.floor(len(dataset) * part) for part in lengths]
        for i in range(len(dataset) - sum(counts)):  # what rounding down has left over, one each
            counts[i % len(counts)] += 1
        for i, count in enumerate(counts):
            if not count:
                text = f"Length of split at index {i} is 0. This might result in an empty dataset."
                warnings.warn(text, stacklevel=2)
        lengths = counts
    if sum(lengths) != len(dataset):
        raise ValueError(tr(
            "Sum of input lengths does not equal the length of the input dataset! They sum to {total}, it "
            "has {size} samples; fractions sum to 1.", total=sum(lengths), size=len(dataset),
        ))  # fmt: skip
    order = randperm(int(sum(lengths)), generator=generator).tolist()
    ends = list(accumulate(map(int, lengths)))
    return [Subset(dataset, order[end - int(n) : end]) for end, n in zip(ends, lengths, strict=True)]
