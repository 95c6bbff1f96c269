"""Loading data: what the recorded programs (tests/recorded/draws.py) do not say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradmagic as gm
from gradmagic.utils.data import DataLoader, Dataset, Subset, TensorDataset


class Rows(Dataset):
    """A TensorDataset's samples, one by one."""

    def __init__(self, of):
        self.of = of

    def __len__(self):
        return len(self.of)

    def __getitem__(self, i):
        return self.of[i]


@given(st.integers(1, 9), st.integers(1, 4), st.booleans(), st.booleans(), st.integers(0, 99))
def test_batches_by_one_index_are_those_of_single_samples(n, size, shuffle, part, seed):
    data = TensorDataset(gm.arange(n), gm.rand(n, 2), gm.rand(n, 2, 3, dtype=gm.float64) > 0.5)
    if part:
        data = Subset(Subset(data, list(range(n))[::-1]), range(n))
    found = []
    for of in (data, Rows(data)):
        gm.manual_seed(seed)
        found.append([*DataLoader(of, size, shuffle=shuffle), gm.rand(1)])
    for a, b in zip(found[0][:-1], found[1][:-1], strict=True):
        assert type(a) is type(b) is list
        for x, y in zip(a, b, strict=True):
            assert x.dtype == y.dtype and np.array_equal(x.numpy(), y.numpy())
    assert gm.equal(found[0][-1], found[1][-1])


def test_a_batch_is_no_view_of_the_data():
    x = gm.zeros(4)
    for (batch,) in DataLoader(TensorDataset(x), 2):
        batch += 1
    assert x.tolist() == [0, 0, 0, 0]


def test_gradients_pass_through_batches():
    x = gm.ones(4, 2, requires_grad=True)
    for (batch,) in DataLoader(TensorDataset(x), 2):
        batch.sum().backward()
    assert x.grad.tolist() == [[1, 1]] * 4


def test_worker_processes_are_told_to_be_none():
    with pytest.warns(
        UserWarning, match="num_workers=2: gradmagic makes batches in this process.*Leave it out"
    ):
        loader = DataLoader([1, 2, 3], 2, num_workers=2, persistent_workers=True, prefetch_factor=4)
    assert [b.tolist() for b in loader] == [[1, 2], [3]]


def test_two_loops_at_once():
    loader = DataLoader(range(4), 2)
    assert [(a.tolist(), b.tolist()) for a, b in zip(loader, loader, strict=True)] == [
        ([0, 1],) * 2,
        ([2, 3],) * 2,
    ]
