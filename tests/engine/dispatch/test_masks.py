"""Masks in reductions: plain, tensors, or computed from what is tracked; over values that are tracked, or are not.

NumPy gives the values and the dtypes, and differences of fourth order the gradients. A mask is a setting: no gradient
flows through it, and what is reduced says whether the result is a tensor, an array that is tracked, or a plain one.
"""

import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes

import gradmagic as gm

from ...cell.helpers import fresh, left_behind, traced

# Each takes (v, where=mask, axis=..., keepdims=...), of v the entries to reduce.
REDUCTIONS = {
    "sum": np.sum, "mean": np.mean, "prod": np.prod, "var": np.var, "std": np.std, "any": np.any, "all": np.all,
    "max": lambda v, **k: np.max(v, initial=-9.0, **k), "min": lambda v, **k: np.min(v, initial=9.0, **k),
    "nansum": np.nansum, "nanmean": np.nanmean, "nanprod": np.nanprod, "nanvar": np.nanvar,
    "nanmax": lambda v, **k: np.nanmax(v, initial=-9.0, **k), "sum from": lambda v, **k: np.sum(v, initial=2.0, **k),
    "add.reduce": np.add.reduce, "multiply.reduce": np.multiply.reduce,
    "add.reduce from": lambda v, **k: np.add.reduce(v, initial=0.5, **k),
    "add.reduce to float32": lambda v, **k: np.add.reduce(v, dtype=np.float32, **k),
    "maximum.reduce": lambda v, **k: np.maximum.reduce(v, initial=-9.0, **k),
    "maximum.reduce to float32": lambda v, **k: np.maximum.reduce(v, initial=-9.0, dtype=np.float32, **k),
    "minimum.reduce": lambda v, **k: np.minimum.reduce(v, initial=9.0, **k),
    "logical_and.reduce": np.logical_and.reduce,
    "logical_or.reduce from": lambda v, **k: np.logical_or.reduce(v, initial=False, **k),
    "logaddexp.reduce": np.logaddexp.reduce, "hypot.reduce": np.hypot.reduce,
    "logaddexp.reduce from": lambda v, **k: np.logaddexp.reduce(v, initial=0.25, **k),
    "fmax.reduce": lambda v, **k: np.fmax.reduce(v, initial=-9.0, **k),
}  # fmt: skip
WITHOUT_ENTRIES = ("mean", "var", "std", "nanmean", "nanvar")  # of none these are NaN, and NumPy warns
MASKS = {"plain": lambda x: x > 0, "tensor": lambda x: gm.tensor(_plain(x) > 0)}


def _plain(x):
    return x.array if hasattr(x, "node") else np.asarray(x)


def _drawn(data, enough):
    shape = data.draw(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = (rng.permutation(np.prod(shape)) + 0.5) * 3 / np.prod(shape)
    x = np.reshape(x * rng.choice([-1, 1], x.size), shape)
    if enough:  # every result has an entry, and a variance that is not 0 at two of them
        x = np.abs(x) + 0.1
    axis = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    return x, {"axis": axis, "keepdims": data.draw(st.booleans())}


def _differences(function, x):
    g = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        for factor, step in ((8, 1e-3), (-8, -1e-3), (-1, 2e-3), (1, -2e-3)):
            moved = x.copy()
            moved[at] += step
            g[at] += factor * function(moved) / 12e-3
    return g


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("name", REDUCTIONS)
@settings(max_examples=20)
@given(data=st.data())
def test_of_tracked_entries_values_and_gradients_are_numpys(name, kind, data):
    reduced, narrow = REDUCTIONS[name], "float32" in name
    x, how = _drawn(data, name in WITHOUT_ENTRIES)
    weights = np.cos(np.arange(x.size) + 1.0)  # of the results, each its own
    mask, seen = x > 0, []
    want = reduced(x, where=mask, **how)

    def weighed(y):
        return np.where(np.isfinite(want), y, 0) * np.reshape(weights[: np.size(want)], np.shape(want))

    def loss(x):
        y = reduced(x, where=MASKS[kind](x), **how)
        seen.append(y)
        return np.sum(weighed(y)) + 0.5 * np.sum(x)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        g = gm.grad(loss)(x)
    got = _plain(seen[0])
    assert np.asarray(got).dtype == np.asarray(want).dtype
    np.testing.assert_array_equal(got, want)
    inside = reduced if not narrow else REDUCTIONS[name.removesuffix(" to float32")]
    steps = _differences(lambda x: np.sum(weighed(inside(x, where=mask, **how))) + 0.5 * np.sum(x), x)
    np.testing.assert_allclose(g, steps, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_what_is_reduced_says_what_the_result_is_and_not_the_mask(name):
    x = np.array([[0.5, -1.5, 2.0], [3.5, 0.25, -4.0]])
    mask, reduced = x > 0, REDUCTIONS[name]
    want = reduced(x, where=mask)
    plain = reduced(x, where=gm.tensor(mask))
    assert type(plain) is type(want)
    np.testing.assert_array_equal(plain, want)
    for t in (gm.tensor(x), gm.tensor(x, requires_grad=True)):
        for where in (mask, gm.tensor(mask)):
            y = reduced(t, where=where)
            assert type(y) is gm.Tensor
            np.testing.assert_array_equal(y.detach().numpy(), want)


CALLS = {
    "ufunc into zeros": (lambda v, m: np.exp(v, where=m, out=np.zeros(3)), np.ndarray),
    "sum into zeros": (lambda v, m: np.sum(v[None], 0, where=m, out=np.zeros(3)), np.ndarray),
    "method": (lambda v, m: v.sum(where=m), np.float64),
    "method of extremes": (lambda v, m: v.max(where=m, initial=-9.0), np.float64),
    "copyto": (lambda v, m: [out := np.zeros(3), np.copyto(out, v, where=m)][0], np.ndarray),
    "where=True": (lambda v, m: np.add.reduce(v, where=True), np.float64),
}


@pytest.mark.parametrize("name", CALLS)
def test_other_calls_with_a_mask_that_is_a_tensor(name):
    v, mask = np.array([0.5, -1.5, 2.0]), np.array([True, False, True])
    call, kind = CALLS[name]
    got, want = call(v, gm.tensor(mask)), call(v, mask)
    assert type(got) is type(want) is kind
    np.testing.assert_array_equal(got, want)


def test_an_initial_value_that_is_tracked_beside_a_mask():
    s = gm.tensor(2.0, dtype=gm.float64, requires_grad=True)
    y = np.multiply.reduce(np.array([3.0, 5.0, 7.0]), initial=s, where=gm.tensor([True, False, True]))
    y.backward()
    assert float(y.detach()) == 42
    assert float(s.grad) == 21


@pytest.mark.parametrize("x", [np.ones(2), gm.tensor([1.0, 2.0], requires_grad=True)])
def test_a_mask_of_numbers_is_refused_as_numpy_refuses_it(x):
    mask = gm.tensor([1.0, 0.0], requires_grad=True)
    for call in (lambda: np.sum(x, where=mask), lambda: np.add.reduce(x, where=mask)):
        with pytest.raises(TypeError, match="Cannot cast array data"):
            call()


# ---- in a cell: tensors that only set something, and the names as without the magic ------------------------------
SETTINGS = """np.sum(x,where=m) x.sum(where=m) np.mean(x,where=m) np.std(x,where=m) x.max(where=m,initial=-9.)
np.prod(x,axis=0,where=m) np.add.reduce(x,where=m) np.logaddexp.reduce(x,where=m) np.nansum(x,where=m) np.roll(x,n)
np.take(x,i,axis=0) x.take(i,axis=0) np.repeat(x,n) np.compress(m[0],x,axis=1) np.sum(x,axis=n-1) np.diff(x,n)
np.sum(x,initial=n) x.dot(np.ones(3))+np.sum(x,initial=b) np.cumsum(x,axis=n-1) np.moveaxis(x,n-2,n-1) np.pad(x,n)
np.linalg.norm(x,n) np.linalg.matrix_power(x[:,:2],n) np.trace(x,n-1) np.tril(x,n-1) np.clip(x,b,None) x.clip(b)
np.where(m,x,0.) np.piecewise(x,[m],[np.square,0.]) np.select([m],[x*x])
np.add(x,b) np.nan_to_num(x,nan=b) x[m] x[i]""".split()
WRITES = """np.copyto(y,2.,where=m) np.copyto(y,x*x,where=m) np.putmask(y,m,b) np.put(y,i,b) y[m]=0
np.exp(x,where=m,out=y) np.sum(x,0,where=m,out=y[0]) np.maximum.reduce(x,1,where=m,initial=-1.,out=y[:,1])
np.put_along_axis(y,i[:,None],b,1) np.place(y,m,[0.5])""".split()


@pytest.mark.parametrize("text", [*("y=" + s for s in SETTINGS), *("y=x*2.0;" + s for s in WRITES)])
def test_tensors_as_settings_in_a_cell(text):
    setup = "x = np.array([[0.3,-0.7,1.1],[2.2,-0.4,0.9]]); m = gm.tensor(x>-0.5); i = gm.tensor([1,0])\n"
    setup += "n = gm.tensor(2); b = gm.tensor(0.5)"
    plain, with_magic = fresh(setup), fresh(setup)
    text += "\nz = (y * y).sum()"
    exec(compile(text, "<cell>", "exec"), plain)
    trace = traced(text, with_magic, "x")
    assert left_behind(plain, with_magic) == []
    assert trace.notes == ()
    (found,) = trace.inputs

    def z(x):
        names = fresh(setup) | {"x": x}
        exec(compile(text, "<cell>", "exec"), names)
        return float(names["z"])

    steps = _differences(z, np.array([[0.3, -0.7, 1.1], [2.2, -0.4, 0.9]]))
    np.testing.assert_allclose(found.array, steps, atol=1e-5, rtol=1e-5)
