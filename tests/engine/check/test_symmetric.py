"""Rules that take a matrix for symmetric say so by one property: checks move both triangles, and a word is said."""

from __future__ import annotations

import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import gradmagic as gm
from gradmagic.engine.rules.declare import RULES
from gradmagic.engine.sweeps.backward import sweep
from gradmagic.engine.sweeps.recomputed import Recomputing


def weighed(parts):
    """Give a number that no choice of signs or phases of vectors changes."""
    return sum(np.sum(np.abs(p) ** 2 * (np.arange(np.size(p)).reshape(np.shape(p)) + 1.0)) for p in parts)


FUNCTIONS = {
    "cholesky": np.linalg.cholesky,
    "cholesky, upper": lambda a: np.linalg.cholesky(a, upper=True),
    "eigvalsh": np.linalg.eigvalsh,
    "eigvalsh, upper": lambda a: np.linalg.eigvalsh(a, UPLO="U"),
    "eigh": lambda a: weighed(np.linalg.eigh(a)),
    "eigh, upper": lambda a: weighed(np.linalg.eigh(a, "U")),
    "pinv": lambda a: np.linalg.pinv(a, hermitian=True),
    "svd, values": lambda a: np.linalg.svd(a, hermitian=True, compute_uv=False),
    "svd": lambda a: weighed(np.linalg.svd(a, hermitian=True)),
    "behind arithmetic": lambda a: np.linalg.eigvalsh(2.0 * a + np.eye(a.shape[-1])),
    "beside other uses": lambda a: np.sum(np.linalg.eigvalsh(a) ** 2) + a[0, 1] * a[1, 1] ** 2,
}


def drawn(n: int, seed: int, kind: str, indefinite: bool):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if kind == "c" else 0)
    q = np.linalg.qr(x)[0]
    w = np.arange(1.0, n + 1) * (np.where(np.arange(n) % 2, -1.3, 1) if indefinite else 1)
    a = (q * w) @ q.conj().T
    return (a + a.conj().T) / 2


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=6)
@given(st.integers(2, 4), st.integers(0, 99), st.sampled_from("fc"), st.booleans())
def test_they_agree_with_differences_of_both_triangles(name, n, seed, kind, indefinite):
    a = drawn(n, seed, kind, indefinite and not name.startswith("cholesky"))
    if name == "beside other uses" and kind == "c":
        a = a.real
    gm.check_grads(FUNCTIONS[name], (a,), order=1)
    g = gm.grad(lambda a: np.real(weighed([FUNCTIONS[name](a)])))(a)
    if name != "beside other uses":
        np.testing.assert_allclose(g, g.conj().T, atol=1e-9 * np.max(np.abs(g)))


def test_a_wrong_rule_is_still_found():
    wrong = gm.custom(np.linalg.eigvalsh, vjp=lambda g, y, a: np.diag(g))
    with pytest.raises(gm.errors.CheckError):
        gm.check_grads(wrong, (drawn(3, 1, "f", False),), order=1)
    with pytest.raises(gm.errors.CheckError):  # in one triangle
        gm.check_grads(
            lambda a: np.linalg.eigvalsh(a).sum() + _bad(a[0, 1]), (drawn(3, 1, "f", False),), order=1
        )


_bad = gm.custom(lambda x: x * x, vjp=lambda g, y, x: 3 * g * x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_replay_of_a_cell_moves_both_triangles_too(name):
    a = drawn(3, 5, "f", False)
    with Recomputing() as replay:
        x = gm.tensor(a, requires_grad=True)
        y = weighed([FUNCTIONS[name](x)])
        found, swept, _ = sweep(y.node, y.node.aval.one, [x.node], retain=True)
    (entries,) = replay.check(y.node, 1.0, [(x.node, a)], [swept[found[0].number]])
    assert all(e.agrees for e in entries)


def test_a_matrix_that_is_not_symmetric_gets_a_word():
    a = np.array([[2.0, 0.5], [0.0, 1.0]])
    for f in (np.linalg.cholesky, np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[0]):
        with pytest.warns(UserWarning, match="takes its matrix for symmetric"):
            gm.grad(lambda a: np.sum(f(a)))(a)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gm.grad(lambda a: np.sum(np.linalg.eigvalsh((a + a.T) / 2)))(a)
        gm.grad(lambda a: np.sum(np.linalg.cholesky(a @ a.T)))(a)
        gm.grad(lambda a: np.sum(np.linalg.pinv(a)))(a)


def test_the_property_is_the_rules_own():
    assert RULES[np.linalg.cholesky].means_symmetric({})
    assert not RULES[np.linalg.pinv].means_symmetric({})
    assert RULES[np.linalg.pinv].means_symmetric({"hermitian": True})
    assert not RULES[np.linalg.inv].means_symmetric({})
