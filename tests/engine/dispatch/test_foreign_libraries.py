"""Arrays of other libraries beside traced values: the gradient is right, or there is an error; no zeros in silence."""

import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import ArgumentError

M = np.arange(6.0).reshape(3, 2) + 1
W = np.array([0.5, 2.0])


def _xarray(xr, a):
    return xr.DataArray(a, dims=("i", "j")[-a.ndim :])


LIBRARIES = {
    "dask.array": lambda da, a: da.from_array(a, chunks=1),
    "xarray": _xarray,
    "sparse": lambda sparse, a: sparse.COO.from_numpy(a),
    "pandas": lambda pd, a: pd.DataFrame(a) if a.ndim > 1 else pd.Series(a),
    "torch": lambda torch, a: torch.tensor(a),
    "jax.numpy": lambda jnp, a: jnp.asarray(a),
}
WORDS = (
    "(m @ w).sum()", "(w @ m.T).sum()", "(v * w).sum()", "(w * v).sum()", "(w + v).sum()", "(v - w).sum()",
    "(v / w).sum()",
    "(v ** w).sum()", "np.multiply(v, w).sum()", "np.add(w, v).sum()", "np.sum(np.dot(m, w))", "m.dot(w).sum()",
    "(np.exp(w) * v).sum()", "np.where(v > 1, w, v).sum()", "np.where(v > 1, w, 0.0).sum()",
    "np.concatenate([w, v]).sum()",
    "(m @ w).mean() ** 2", "np.maximum(v, w).sum()", "np.einsum('ij,j->', m, w)", "((v < w) * w).sum()",
    "float((m @ w).sum())",
    "np.linalg.norm(v * w)", "np.stack([v, w]).sum()", "sum(a * b for a, b in zip(v, w))",
)  # fmt: skip
DASK = (
    "m.dot(w).sum().compute()", "da.dot(m, w).sum().compute()", "da.from_array(w).sum().compute()",
    "da.from_array(w).sum()",
    "m.map_blocks(lambda b: b * w).sum().compute()", "m.map_blocks(lambda b: b * w).sum()", "da.exp(w).sum()",
    "dask.delayed(lambda a: (a * a).sum())(w).compute()", "dask.delayed(lambda a: (a * a).sum())(w)", "m.dot(w)",
    "da.where(v > 1, w, 0).sum()", "float(da.from_array(w).sum())", "da.einsum('ij,j->i', m, w).sum()",
)  # fmt: skip


def functions(library, words):
    given = pytest.importorskip(library)
    names = {"np": np, "da": given}
    if library == "dask.array":
        names["dask"] = pytest.importorskip("dask")
    of_library = {"m": LIBRARIES[library](given, M), "v": LIBRARIES[library](given, W)}
    code = compile(f"lambda w: {words}", "<words>", "eval")
    return eval(code, names | of_library), eval(code, names | {"m": M, "v": W})


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_gradient_is_right_or_there_is_an_error(library, words):
    f, on_arrays = functions(library, words)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = gm.grad(f)(W)
        except Exception:
            found = None
        if found is not None:
            np.testing.assert_allclose(found, gm.grad(on_arrays)(W))
        t = gm.tensor(W, requires_grad=True)
        try:
            total = f(t)
            total.backward()
        except Exception:
            return
        np.testing.assert_allclose(t.grad.numpy(), gm.grad(on_arrays)(W))


@pytest.mark.parametrize("words", DASK)
def test_dask_computes_with_what_is_traced_or_says_no(words):
    f, _ = functions("dask.array", words)
    expected = {"da.exp(w).sum()": np.exp(W), "da.from_array(w).sum().compute()": [1, 1],
        "dask.delayed(lambda a: (a * a).sum())(w).compute()": 2 * W,
        "m.map_blocks(lambda b: b * w).sum().compute()": [M.sum(), M.sum()]}  # fmt: skip
    if ".compute()" in words or words in expected:
        np.testing.assert_allclose(gm.grad(f)(W), expected.get(words, M.sum(0)))
        return
    for transform in (gm.grad, gm.value_and_grad, gm.jacobian, gm.hessian, lambda f: lambda w: gm.vjp(f, w)):
        with pytest.raises(TypeError, match=r"is a dask|has no gradient"):
            transform(f)(W)
    with pytest.raises(TypeError, match=r"is a dask|has no gradient"):
        gm.jvp(f, (W,), (W,))


@pytest.mark.parametrize(
    ("library", "instead"),
    [("dask.array", "gm.distributed.loss(f, v)"), ("xarray", "v.to_numpy()"), ("sparse", "v.todense()"),
     ("pandas", "v.to_numpy()"),
     ("torch", "v.detach().numpy()"), ("jax.numpy", "np.asarray(v)")],
)  # fmt: skip
def test_it_is_named_with_what_to_write(library, instead):
    v = LIBRARIES[library](pytest.importorskip(library), W)
    t = gm.tensor(W, requires_grad=True)
    for act in (lambda: gm.grad(lambda w: np.sum(w * v))(W), lambda: t * v, lambda: np.add(t, v)):
        if library == "xarray" and act.__code__.co_names == ("np", "add"):
            continue  # xarray keeps the tensor in an array of its own, and computes with it
        with pytest.raises(ArgumentError) as caught:
            act()
        assert f"'v', {gm.engine.core.foreign.of_library(v)}" in str(caught.value)
        assert f"Write {instead}" in str(caught.value)


@pytest.mark.parametrize("make", [gm.tensor, gm.as_tensor, gm.Tensor, lambda v: gm.tensor([v, v])])
def test_numbers_that_dask_has_still_to_compute_are_not_computed_in_silence(make):
    v = LIBRARIES["dask.array"](pytest.importorskip("dask.array"), W)
    with pytest.raises(ArgumentError, match=r"gm\.distributed\.loss\(f|dask\.compute"):
        make(v)
