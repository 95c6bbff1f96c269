"""Degenerate points, drawn on purpose: the right derivative, or NaN with a warning, never a finite wrong one.

Matrices with equal, zero and rank-deficient spectra, the identity, rotations; vectors of zeros, constant vectors.
"""

from __future__ import annotations

import warnings
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import gradmagic as gm
from gradmagic.errors import NotDifferentiableWarning

SPECTRA = [
    (1, 1),
    (0, 0),
    (2, 0),
    (1, 1, 3),
    (3, 1, 1),
    (2, 2, 2),
    (0, 0, 1),
    (0, 0, 0),
    (-1, 1, 1),
    (1, 2, 3),
]


def rotation(n: int, seed: int) -> Any:
    if seed == 0:
        return np.eye(n)
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


def gradient(f: Any, x: Any) -> Any:
    """Give the gradient; if it holds NaN, there must have been a word."""
    with warnings.catch_warnings(record=True) as said, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        found = gm.grad(f)(x)
    if np.any(np.isnan(found)):
        assert any(issubclass(w.category, NotDifferentiableWarning) for w in said)
    return found


def differences(f: Any, x: Any, step: float = 1e-4) -> Any:
    """Give the gradient by differences; NaN where those from the two sides, or along two paths, disagree."""
    found = np.zeros(x.shape)
    for at in np.ndindex(*x.shape):
        e = np.zeros(x.shape)
        e[at] = step
        right, left = (f(x + e) - f(x)) / step, (f(x) - f(x - e)) / step
        found[at] = (right + left) / 2 if abs(right - left) < 1e-2 * (1 + abs(right)) else np.nan
    return found


def right_or_nan(f: Any, x: Any, atol: float = 1e-5) -> None:
    got, wanted = gradient(f, x), differences(f, x)
    known = ~np.isnan(got)
    np.testing.assert_allclose(got[known], wanted[known], rtol=1e-4, atol=atol)
    for mode_seed in (1, 2):
        t = np.random.default_rng(mode_seed).normal(size=x.shape)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            moved = gm.jvp(f, (x,), (t,))[1]
        if not np.isnan(moved) and not np.any(np.isnan(wanted)):
            np.testing.assert_allclose(moved, np.sum(t * wanted), rtol=1e-4, atol=10 * atol)


def symmetric(f: Any) -> Any:
    return lambda a: f((a + a.T) / 2)


# Functions of a symmetric matrix that are smooth wherever it is, and use vectors and values together.
def of_eigenvalues(function: Any) -> Any:
    def f(w: Any) -> Any:
        def of(a: Any) -> Any:
            values, v = np.linalg.eigh(a)
            return np.sum(w * ((v * function(values)) @ v.T))

        return symmetric(of)

    return f


MATRIX = {
    "exp": of_eigenvalues(np.exp),
    "the matrix itself": of_eigenvalues(lambda x: x),
    "square": of_eigenvalues(lambda x: x * x),
    "projector on all": lambda w: symmetric(
        lambda a: np.sum(w * (np.linalg.eigh(a)[1] @ np.linalg.eigh(a)[1].T))
    ),
    "svd, put together": lambda w: lambda a: np.sum(w * _together(a)),
    "inverse by eig": lambda w: symmetric(lambda a: np.real(np.sum(w * _by_eig(a)))),
}


def _together(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    return (u * s) @ vh


def _by_eig(a: Any) -> Any:
    values, v = np.linalg.eig(a)
    return (v * np.exp(values)) @ np.linalg.inv(v)


spectra = st.sampled_from(SPECTRA)
seeds = st.integers(0, 5)


@given(st.sampled_from(sorted(MATRIX)), spectra, seeds, st.booleans())
def test_functions_of_degenerate_matrices_are_right_or_nan(name, spectrum, seed, ones):
    q = rotation(len(spectrum), seed)
    a = (q * np.array(spectrum, float)) @ q.T
    w = np.ones(a.shape) if ones else np.random.default_rng(seed + 7).normal(size=a.shape)
    right_or_nan(MATRIX[name](w), a)


@given(spectra, seeds)
def test_what_does_not_depend_on_the_pair_stays_right(spectrum, seed):
    q = rotation(len(spectrum), seed)
    a = (q * np.array(spectrum, float)) @ q.T
    n, w = len(a), np.random.default_rng(seed).normal(size=a.shape)
    eye = np.eye(n)
    np.testing.assert_allclose(gradient(symmetric(lambda a: np.linalg.eigh(a)[0].sum()), a), eye, atol=1e-9)
    np.testing.assert_allclose(gradient(lambda a: np.linalg.eigvalsh(a).sum(), a), eye, atol=1e-9)
    squares = gradient(symmetric(lambda a: np.sum(np.linalg.eigh(a)[0] ** 2)), a)
    np.testing.assert_allclose(squares, 2 * a, atol=1e-9)
    curved = gm.hessian(symmetric(lambda a: np.sum(np.linalg.eigh(a)[0])))(a)
    np.testing.assert_allclose(curved, np.zeros((n, n, n, n)), atol=1e-9)

    def projector(a):
        _, v = np.linalg.eigh(a)
        return np.sum(w * (v @ v.T))

    np.testing.assert_allclose(gradient(symmetric(projector), a), np.zeros((n, n)), atol=1e-9)


def test_the_polar_factor_at_equal_singular_values_is_right():
    w = np.array([[1.0, 2.0], [3.0, 5.0]])

    def polar(a):
        u, _, vh = np.linalg.svd(a)
        return np.sum(w * (u @ vh))

    for seed in range(4):
        a = 1.5 * rotation(2, seed)
        np.testing.assert_allclose(gradient(polar, a), differences(polar, a), atol=1e-6)
    np.testing.assert_allclose(gradient(polar, np.eye(2)), [[0, -0.5], [0.5, 0]], atol=1e-12)


def test_a_well_separated_pair_beside_equal_ones_stays_right():
    q = rotation(3, 3)
    a = (q * np.array([1.0, 1.0, 3.0])) @ q.T
    w = np.random.default_rng(0).normal(size=(3, 3))

    def last(a):
        values, v = np.linalg.eigh(a)
        return values[2] * np.sum(w * np.outer(v[:, 2], v[:, 2]))

    np.testing.assert_allclose(gradient(symmetric(last), a), differences(symmetric(last), a), atol=1e-5)


@given(st.sampled_from([(0, 0), (1, 0), (2, 3), (0, 0, 0), (1, 0, 0), (1, 2, 0), (1, 1, 2)]), seeds)
def test_determinants_of_any_rank_to_the_second_order(spectrum, seed):
    q, p = rotation(len(spectrum), seed), rotation(len(spectrum), (seed + 1) * (seed > 0))
    a = (q * np.array(spectrum, float)) @ p
    right_or_nan(np.linalg.det, a)
    got = gm.hessian(np.linalg.det)(a)
    step = 1e-4
    for at in np.ndindex(*a.shape):
        e = np.zeros(a.shape)
        e[at] = step
        moved = (gm.grad(np.linalg.det)(a + e) - gm.grad(np.linalg.det)(a - e)) / (2 * step)
        known = ~np.isnan(got[at])
        np.testing.assert_allclose(got[at][known], moved[known], atol=1e-5)


def test_a_determinant_of_rank_n_minus_2():
    def det(t):
        return np.linalg.det(np.array([[1, 0, 0], [0, 0, t], [0, t, 0]]))

    assert gm.grad(gm.grad(det))(0.0) == -2
    assert gm.grad(lambda z: np.sum(np.sign(z).real))(np.array([1 + 2j]))[0] == pytest.approx(
        0.357771 - 0.178885j, 1e-5
    )


# ---- lengths and deviations ---------------------------------------------------------------------------------------

LENGTHS = {
    "norm": np.linalg.norm,
    "norm of a power": lambda x: np.linalg.norm(x, 3),
    "a matrix": lambda x: np.linalg.norm(np.reshape(x, (1, -1))),
    "hypot": lambda x: np.hypot(x[0], x[1]),
    "std": np.std,
    "std, one left out": lambda x: np.std(x, ddof=1),
    "complex": lambda x: np.abs(x[0] + x[1] * 1j),
    "angle": lambda x: np.arctan2(x[0], x[1]),
}
POINTS = {
    "zeros": np.zeros(3),
    "ones": np.ones(3),
    "a third": np.full(3, 1 / 3),
    "some": np.array([0.5, -1.0, 2.0]),
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", LENGTHS)
def test_second_derivatives_of_lengths_are_right_or_nan(name, point):
    f, x = LENGTHS[name], POINTS[point]
    for g in (f, lambda x: f(x) ** 2, lambda x: np.exp(-(f(x) ** 2))):
        first = gm.grad(g)(x)
        assert np.all(np.isfinite(first))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            second = gm.hessian(g)(x)
            along = gm.jvp(gm.grad(g), (x,), (np.array([1.0, 0.5, -2.0]),))[1]
        for i in range(3):
            e = 1e-5 * np.eye(3)[i]
            moved = (gm.grad(g)(x + e) - gm.grad(g)(x - e)) / 2e-5
            known = ~np.isnan(second[i])
            np.testing.assert_allclose(second[i][known], moved[known], rtol=1e-4, atol=1e-5)
        known = ~np.isnan(along) & ~np.any(np.isnan(second), axis=1)
        np.testing.assert_allclose(along[known], (second @ [1.0, 0.5, -2.0])[known], rtol=1e-6, atol=1e-8)


factors = st.lists(
    st.sampled_from([0.0, 1e200, 1e-200, -1e200, 2.0, -3.0, 1e300, 1e-300]), min_size=1, max_size=6
)


@given(factors)
def test_products_beyond_the_range_are_right_where_they_come_back(x):
    x = np.array(x)
    exact = []
    for i in range(len(x)):
        others = np.delete(x, i)
        m, e = np.frexp(others)
        with np.errstate(all="ignore"):
            exact.append(float(np.ldexp(np.prod(m), int(np.sum(e)))))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_allclose(gm.grad(np.prod)(x), exact, rtol=1e-12)
