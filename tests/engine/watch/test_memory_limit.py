"""A tape that keeps too much stops, names the lines that keep the most, and loses nothing."""

import gc
import re
import sys

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core.amounts import in_bytes
from gradmagic.engine.tape.modes import settings
from gradmagic.engine.watch import memory_limit as limit
from gradmagic.engine.watch.memory_limit import cell_limit, free_memory
from gradmagic.errors import TapeLimitError

SIZE = 10_000  # numbers, 80 KB


@pytest.fixture(autouse=True)
def _as_it_was():
    gc.collect()  # tapes of other tests that nobody holds any more
    yield
    gm.set_tape_limit("auto")
    assert settings().guards == () and settings().observer is None


def leaf():
    return gm.tensor(np.ones(SIZE), requires_grad=True)


def test_it_stops_and_names_the_heaviest_lines_with_their_bytes():
    gm.set_tape_limit("2MB")
    made, at = [leaf()], sys._getframe().f_lineno + 4

    def steps():
        while True:
            h = np.sqrt(made[-1])
            h = h * np.ones(SIZE)
            made.append(h + 1.0)

    with pytest.raises(TapeLimitError) as caught:
        steps()
    first, heaviest, second, *_ = str(caught.value).split("\n")
    assert re.fullmatch(r"the tape keeps 2\.0\d MB for the way back, more than its limit of 2 MB:", first)
    assert heaviest.startswith("  1.")
    named = {row.split(" by ")[1] for row in (heaviest, second)}
    assert named == {
        f"line {at} of test_memory_limit.py, h = np.sqrt(made[-1]) (sqrt; 13 operations)",
        f"line {at + 1} of test_memory_limit.py, h = h * np.ones(SIZE) (multiply; 13 operations)",
    }
    assert isinstance(caught.value, MemoryError)
    assert len(made) == 13
    gm.set_tape_limit(None)
    made[-1].sum().backward()  # what was made until then is whole
    assert made[0].grad is not None


def test_what_is_freed_or_dies_does_not_count():
    gm.set_tape_limit("2MB")
    x = leaf()
    for _ in range(100):
        x.grad = None
        np.exp(np.tanh(x)).sum().backward()
    for _ in range(100):
        y = np.exp(np.tanh(x))
    assert y.shape == (SIZE,)


def test_arrays_of_the_user_do_not_count():
    gm.set_tape_limit("2MB")
    data = np.ones((50, SIZE))  # 4 MB
    x = leaf()
    losses = [(data @ x).sum() for _ in range(100)]
    heavy = gm.tensor(data, requires_grad=True)
    losses += [(heavy * heavy.detach().numpy()).sum() for _ in range(1)]
    with pytest.raises(TapeLimitError):
        np.exp(heavy)


def test_an_array_that_several_keep_counts_once():
    gm.set_tape_limit("1MB")
    y = np.exp(leaf())
    products = [(y * y[::2].sum()).sum() for _ in range(4)]
    uses = [np.sum(y.reshape(100, 100) * y.reshape(100, 100)) for _ in range(50)]
    assert len(products) + len(uses) == 54


def test_functions_with_several_results_and_sequences_count():
    gm.set_tape_limit("2MB")
    a = gm.tensor(np.eye(200), requires_grad=True)  # 320 KB
    with pytest.raises(TapeLimitError, match=r"eigh"):
        _ = [np.linalg.eigh(a + float(i)) for i in range(10)]
    with pytest.raises(TapeLimitError, match=r"linalg|matmul|multi_dot|dot"):
        _ = [np.linalg.multi_dot([a + float(i), a, a]) for i in range(10)]


def test_under_gm_grad_too():
    def f(x):
        for _ in range(1000):
            x = np.sin(x)
        return x.sum()

    gm.set_tape_limit("1MB")
    with pytest.raises(TapeLimitError, match="sin"):
        gm.grad(f)(np.ones(SIZE))


def test_the_user_may_set_it_and_take_it_away():
    gm.set_tape_limit(100)
    with pytest.raises(TapeLimitError, match="more than its limit of 100 B"):
        leaf() * 2.0
    gm.set_tape_limit(None)
    assert settings().guards == ()
    with cell_limit():
        assert settings().guards == ()  # None: no limit in cells neither
    gm.set_tape_limit("auto")
    with cell_limit():
        assert len(settings().guards) == 1


def test_in_a_cell_the_limit_suits_the_machine(monkeypatch):
    monkeypatch.setattr(limit, "free_memory", lambda: 1e6)
    held = np.exp(leaf()) ** 3.0  # of before: not the cell's
    with cell_limit(), pytest.raises(TapeLimitError, match="limit of 750 KB"):
        _ = [np.exp(leaf() * 0.0) for _ in range(100)]
    monkeypatch.setattr(limit, "free_memory", lambda: None)
    with cell_limit():
        assert settings().guards == ()
    assert held.shape == (SIZE,)


def test_how_much_memory_is_free_is_known_here():
    free = free_memory()
    assert free is None or 1e6 < free < 1e15


@pytest.mark.parametrize("wrong", ["much", "4 apples", "", -1, 0, "0GB"])
def test_what_is_no_amount_of_memory_is_refused(wrong):
    with pytest.raises(ValueError):
        gm.set_tape_limit(wrong)


@pytest.mark.parametrize(
    ("text", "number"),
    [("4GB", 4e9), ("4 gib", 2**32), ("500 MB", 5e8), (1e6, 1e6), ("100", 100), ("1e3kb", 1e6)],
)
def test_amounts(text, number):
    assert in_bytes(text) == number
