"""Indices and labels out of range on a device: an error, as on the host, when its values are next asked for."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core import arrays, bounds
from gradmagic.nn import functional as F

M = np.arange(12.0).reshape(4, 3)


@pytest.fixture(autouse=True)
def _nothing_found():
    yield
    for kept in (bounds._texts, bounds._places, bounds._flags):
        kept.clear()


# Of a 4 x 3 tensor t and an index i with numbers up to 2, or one that is out of range by one.
READS = {
    "t[i]": 4, "t[:, i]": 3, "t[..., i]": 3, "t[None, i]": 4, "t[i, 0]": 4, "t[1:, i]": 3,
    "np.take(t, i)": 12, "np.take(t, i, axis=1)": 3,
    "gm.index_select(t, 0, i)": 4, "gm.take(t, i)": 12, "gm.gather(t, 1, i[:, None])": 3, "F.embedding(i, t)": 4,
    "F.cross_entropy(t[:3], i)": 3, "F.nll_loss(t[:3], i, reduction='sum')": 3, "F.one_hot(i, 3)": 3,
    "F.cross_entropy(t[:3], i, label_smoothing=0.1)": 3, "np.take_along_axis(t[:3], i[:, None], 1)": 3,
    "t.scatter_add(1, i[:, None], t)": 3, "t.scatter(1, i[:, None], t)": 3, "t.detach().clone().__setitem__(i, 0.0)": 4,
    "(t * 1).__setitem__((0, i), 1.0)": 3,
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "index"),
    [(words, "tensor") for words in READS]
    + [(words, "array") for words in READS if not any(w in words for w in ("F.", "scatter", "gather"))],
)
def test_an_index_of_the_device(words, index, put, device):
    size = READS[words]
    for last, fails in ((2, False), (size, True), (size, True), (-size - 1, True)):
        t = gm.tensor(put(M), requires_grad=True)
        i = put(np.array([0, 1, last]))
        names = {"np": np, "gm": gm, "F": F, "t": t, "i": i if index == "array" else gm.tensor(i)}
        before = device.waited()
        eval(words, names)
        assert device.waited() == before or "setitem" in words
        if not fails:
            assert t.sum().item() == M.sum()
            continue
        with pytest.raises(IndexError, match=r"out of bounds|Class values") as caught:
            t.sum().item()
        assert "line 1 of" in str(caught.value)
        assert t.sum().item() == M.sum()  # it is said once


def test_an_index_that_the_host_knows_is_refused_at_once(put):
    t = gm.tensor(put(M), requires_grad=True)
    for wrong in ([0, 4], np.array([4]), (slice(None), [0, 3]), gm.tensor([-5])):
        with pytest.raises(IndexError, match="out of bounds"):
            t[wrong]
        with pytest.raises(IndexError, match="out of bounds"):
            gm.grad(lambda w: np.sum(w[wrong]))(put(M))
    assert t[[0, -4]].shape == (2, 3) and t[[True, False, True, False]].shape == (2, 3)


def test_labels_to_ignore_are_no_classes(put):
    t = gm.tensor(put(M), requires_grad=True)
    loss = F.cross_entropy(t, gm.tensor(put(np.array([0, -100, 2, -100]))))
    assert loss.item() > 0
    F.cross_entropy(t, gm.tensor(put(np.array([0, -1, 2, -100]))))
    with pytest.raises(IndexError, match=r"Target is out of bounds. The input has 3 classes, line \d+"):
        loss.item()


def test_lifted_arrays(put):
    i = put(np.array([0, 7]))
    found = gm.grad(lambda w: np.sum(w[i]))(put(M))
    with pytest.raises(IndexError, match="size 4, line"):
        arrays.to_host(found)

    def writes(w):
        w[i] = 0.0
        return np.sum(w)

    found = gm.grad(writes)(put(M))
    with pytest.raises(IndexError, match="size 4, line"):
        arrays.to_host(found)


@pytest.mark.parametrize("write", ["np.add.at(v, i, 1.0)", "np.put(v, i, 1.0)", "np.put_along_axis(v, i, 1.0, 0)",
                                   "v[i] = 2.0", "v[i] += 1"])  # fmt: skip
@pytest.mark.parametrize("at", [2, 3, -4])
def test_functions_that_write_by_numbers(write, at, put):
    i = put(np.array([0, at]))

    def f(w):
        v = w * 1
        exec(write, {"np": np, "v": v, "i": i})
        return np.sum(v * w)

    w = put(M[:, 0].copy()[:3])
    if at == 2:
        assert arrays.to_host(gm.grad(f)(w)).shape == (3,)
        return
    with pytest.raises(IndexError, match=r"out of bounds for axis.* with size 3"):
        arrays.to_host(gm.grad(f)(w))


def test_one_flag_for_each_place(put):
    t, i = gm.tensor(put(M)), put(np.array([0, 1]))
    for _ in range(500):
        t[i]
    assert len(bounds._texts) <= 2  # two instructions, once Python 3.11 has made a faster one of it
    for k in range(300):
        exec(f"{chr(10) * k}t[i]", {"t": t, "i": i})  # at many lines
    assert len(bounds._texts) <= 256
    assert t.sum().item() == M.sum()


@pytest.mark.gpu
def test_an_index_costs_one_launch():
    emulation = pytest.importorskip("cupy_on_cpu")
    import cupy as cp

    def launches(act):
        act()
        before = emulation.tally()["launch"]
        act()
        return emulation.tally()["launch"] - before

    c, i = cp.asarray(M), cp.asarray([0, 2])
    t = gm.tensor(c)
    assert launches(lambda: t[i]) == launches(lambda: c[i]) + 1
