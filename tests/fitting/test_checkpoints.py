"""The file that a fit goes on from: to the same bits, whole or not at all, and only of the same fit."""

import os

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import MinimizeError
from gradmagic.fitting import by_optim

DATA = np.random.default_rng(0).normal(size=(20, 3))


def loss(p):
    return np.mean((np.tanh(DATA @ p["w"] + p["b"]) - np.sin(DATA[:, 0])) ** 2)


START = {"w": np.array([0.3, -0.2, 0.9]), "b": 0.1}


class Stopped(BaseException):
    """As a power cut, or a Ctrl-C."""


def stopping(after):
    """The loss, until it has been asked `after` times."""
    left = [after]

    def f(p):
        left[0] -= 1
        if left[0] < 0:
            raise Stopped
        return loss(p)

    return f


def same(a, b):
    assert np.array_equal(a.losses, b.losses) and a.at == b.at
    assert all(
        np.array_equal(p["w"], q["w"]) and p["b"] == q["b"] for p, q in zip(a.points, b.points, strict=True)
    )
    assert (a.fun, a.nit, a.nfev, a.message, a.success) == (b.fun, b.nit, b.nfev, b.message, b.success)
    assert (
        np.array_equal(a.x["w"], b.x["w"]) and a.x["b"] == b.x["b"] and np.array_equal(a.jac["w"], b.jac["w"])
    )


@pytest.mark.parametrize("name", by_optim.NAMES)
def test_an_optimiser_goes_on_to_the_same_bits(name, tmp_path):
    path = tmp_path / "fit.npz"
    given = {} if name == "lbfgs" else {"lr": 0.05}
    whole = gm.minimize(loss, START, name, iterations=24, **given)
    with pytest.raises(Stopped):
        gm.minimize(
            stopping(9 if name == "lbfgs" else 17),
            START,
            name,
            iterations=24,
            checkpoint=path,
            every=5,
            **given,
        )
    went_on = gm.minimize(loss, START, name, iterations=24, checkpoint=path, every=5, **given)
    same(went_on, whole)
    same(gm.minimize(loss, START, name, iterations=24, checkpoint=path, **given), whole)  # it has ended
    assert os.listdir(tmp_path) == ["fit.npz"]


@pytest.mark.parametrize(
    "settings", [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}]
)
def test_more_iterations_go_on_from_the_end(settings, tmp_path):
    path = str(tmp_path / "fit.npz")
    gm.minimize(loss, START, "sgd", lr=0.05, iterations=7, checkpoint=path, **settings)
    more = gm.minimize(loss, START, "sgd", lr=0.05, iterations=20, checkpoint=path, **settings)
    same(more, gm.minimize(loss, START, "sgd", lr=0.05, iterations=20, **settings))


def test_a_fit_that_stands_still_stays_ended(tmp_path):
    path = tmp_path / "fit.npz"
    first = gm.minimize(lambda x: x**2, 1.0, "sgd", lr=0.3, checkpoint=path, every=3)
    again = gm.minimize(lambda x: x**2, 1.0, "sgd", lr=0.3, checkpoint=path, every=3)
    assert first.success and again.message == first.message and np.array_equal(first.losses, again.losses)


@pytest.mark.parametrize("method", ["L-BFGS-B", "Nelder-Mead", "SLSQP", "trust-constr"])
def test_scipys_methods_go_on_from_their_last_point(method, tmp_path):
    path = tmp_path / "fit.npz"
    first = gm.minimize(loss, START, method, iterations=3, checkpoint=path, every=1)
    more = gm.minimize(loss, START, method, checkpoint=path, every=1)
    assert np.array_equal(more.losses[: first.nit + 1], first.losses) and more.nit > first.nit
    assert more.fun == pytest.approx(gm.minimize(loss, START, method).fun, rel=1e-2)


def test_numpy_reads_the_file(tmp_path):
    path = tmp_path / "fit.npz"
    fit = gm.minimize(loss, START, "adam", iterations=4, checkpoint=path, every=2)
    with np.load(path) as held:
        assert np.array_equal(held["losses"], fit.losses) and np.array_equal(held["x/0"], fit.x["w"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "adam"}, "its method is another .'SGD', not 'Adam'."),
        ({"lr": 0.01}, "its settings is another"),
        ({"x0": {"w": np.ones(3), "b": 0.1}}, "its start is another"),
        ({"x0": {"w": np.ones(2), "b": 0.1}}, "its variables is another"),
        (
            {"f": lambda p: 2 * loss(p)},
            r"at its last point the loss was .*the function or its data have changed",
        ),
    ],
)
def test_another_fit_is_not_gone_on_from_nor_written_over(change, words, tmp_path):
    path = tmp_path / "fit.npz"
    given = {"f": loss, "x0": START, "method": "sgd", "lr": 0.05, "iterations": 4, "checkpoint": path}
    gm.minimize(**given)
    before = path.read_bytes()
    with pytest.raises(MinimizeError, match=f"checkpoint=.*is of another fit: {words}.*delete the file"):
        gm.minimize(**given | change)
    assert path.read_bytes() == before


def test_a_file_of_another_kind_is_left_alone(tmp_path):
    path = tmp_path / "fit.npz"
    np.savez(path, a=np.ones(2))
    with pytest.raises(MinimizeError, match=r"cannot be read|another kind"):
        gm.minimize(loss, START, "sgd", checkpoint=path)
    path.write_text("notes")
    with pytest.raises(MinimizeError, match="cannot be read"):
        gm.minimize(loss, START, "sgd", checkpoint=path)
    assert path.read_text() == "notes"
    with pytest.raises(MinimizeError, match="there is no folder"):
        gm.minimize(loss, START, "sgd", checkpoint=tmp_path / "no" / "fit.npz")
    with pytest.raises(MinimizeError, match="every=0"):
        gm.minimize(loss, START, "sgd", checkpoint=tmp_path / "b.npz", every=0)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "fit.npz"
    gm.minimize(loss, START, "sgd", iterations=3, checkpoint=path)
    before = path.read_bytes()

    def broken(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="no space left"):
        gm.minimize(loss, START, "sgd", iterations=6, checkpoint=path, every=1)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["fit.npz"]
