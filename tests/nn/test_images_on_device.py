"""Convolution and pooling on a device: each kernel gives what the loop over slices gives on the host."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradmagic.engine.derivatives.nn import images as cv

pytestmark = pytest.mark.gpu

TOLERANCE = {"float64": 1e-12, "float32": 1e-5, "float16": 2e-2}


class Settings:
    """A drawn image, its kernel and how that walks over it."""

    def __init__(self, data, dilated):
        self.dtype = data.draw(st.sampled_from(list(TOLERANCE)), "dtype")
        self.dims = data.draw(st.sampled_from([1, 2, 2, 3]), "dims")
        each = lambda low, high, what: tuple(
            data.draw(st.integers(low, high), what) for _ in range(self.dims)
        )
        self.kernel, self.stride = each(1, 3, "kernel"), each(1, 3, "stride")
        self.padding = tuple(data.draw(st.integers(0, k // 2)) for k in self.kernel)
        self.dilation = each(1, 2, "dilation") if dilated else (1,) * self.dims
        reach = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]
        self.size = tuple(data.draw(st.integers(r, r + 4)) for r in reach)
        self.batch, self.groups = (
            data.draw(st.integers(0, 3), "batch"),
            data.draw(st.integers(1, 2), "groups"),
        )
        self.inner, self.outer = (self.groups * data.draw(st.integers(1, 2)) for _ in range(2))
        self.rng = np.random.default_rng(data.draw(st.integers(0, 99), "seed"))
        self.transposed = data.draw(st.booleans(), "transposed")

    def array(self, *shape, ties=False):
        drawn = self.rng.integers(-2, 3, shape) if ties else self.rng.standard_normal(shape)
        return drawn.astype(self.dtype)

    def compare(self, f, *args):
        import cupy

        def there(a):
            if not isinstance(a, np.ndarray):
                return a
            return cupy.asarray(a.T.copy()).T if self.transposed else cupy.asarray(a)

        host, found = f(*args), f(*map(there, args))
        assert type(found) is cupy.ndarray
        assert (found.dtype, found.shape) == (host.dtype, host.shape)
        bound = TOLERANCE[self.dtype]
        np.testing.assert_allclose(found.get(), host, rtol=bound, atol=bound)
        return host


@settings(max_examples=40)
@given(data=st.data())
def test_convolutions(data):
    s = Settings(data, dilated=True)
    x, w = s.array(s.batch, s.inner, *s.size), s.array(s.outer, s.inner // s.groups, *s.kernel)
    walk = s.stride, s.padding, s.dilation, s.groups
    y = s.compare(cv.convolve, x, w, s.array(s.outer), *walk)
    s.compare(cv.convolve, x, w, None, *walk)
    g = s.array(*y.shape)
    s.compare(cv.spread_out, g, w, None, s.size, *walk)
    s.compare(cv.correlate, x, g, s.kernel, *walk)


@settings(max_examples=40)
@given(data=st.data(), odd=st.sampled_from([0, np.nan, np.inf, -np.inf]))
def test_pooling(data, odd):
    s = Settings(data, dilated=True)
    x = s.array(s.batch, s.inner, *s.size, ties=True)  # the first of equal entries wins
    if x.size:  # one, or most of them: patches of nothing else
        x.flat[s.rng.integers(x.size, size=data.draw(st.sampled_from([1, x.size, 4 * x.size])))] = odd
    ceil, rim = data.draw(st.booleans(), "ceil"), data.draw(st.booleans(), "rim")
    walk = s.kernel, s.stride, s.padding, s.dilation
    with np.errstate(invalid="ignore"):
        y = s.compare(cv.max_pool, x, *walk, ceil)
        s.compare(cv.max_unpool, s.array(*y.shape), x, y, *walk)
        s.compare(cv.max_repool, s.array(*x.shape), x, y, *walk)
        mean = s.compare(cv.avg_pool, x, *walk[:3], ceil, rim)
    s.compare(cv.avg_unpool, s.array(*mean.shape), s.size, *walk[:3], ceil, rim)


@pytest.mark.parametrize(("stride", "groups", "most"), [(1, 1, 3), (2, 1, 3), (1, 2, 4)])
def test_one_gather_and_one_product_each_way(stride, groups, most):
    """The batch is no loop; a transposed copy or the bias is one more kernel, with groups one more."""
    import cupy

    emulation = pytest.importorskip("cupy_on_cpu")
    x, w, b = cupy.ones((5, 4, 9, 9)), cupy.ones((6, 4 // groups, 3, 3)), cupy.ones(6)
    walk = (stride, stride), (1, 1), (1, 1), groups
    g = cv.convolve(x, w, b, *walk)
    for act in (
        lambda: cv.convolve(x, w, b, *walk),
        lambda: cv.spread_out(g, w, None, (9, 9), *walk),
        lambda: cv.correlate(x, g, (3, 3), *walk),
    ):
        act()
        before = emulation.tally()
        act()
        after = emulation.tally()
        assert [after[k] - before[k] for k in ("d2h", "h2d", "sync")] == [0, 0, 0]
        assert after["launch"] - before["launch"] <= most
