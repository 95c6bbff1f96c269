"""Writes in place on a device: what looks into the same memory sees them, and so does the gradient, as on the host."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core import arrays

C = np.array([0.1, 0.2, 0.3])
M = np.arange(9.0).reshape(3, 3)

# Of a lifted array w, 3 or 3 x 3: what is written, and what is made of it.
WRITES = {
    "a view made before": (C, "y = w[1:]; w[0] = 5.0; made = np.sum(y * y) + np.sum(w)"),
    "the whole, a view of it": (C, "y = w[1:]; w *= 2; made = np.sum(y * y)"),
    "a view": (C, "y = w[1:]; y *= 3; made = np.sum(w * w)"),
    "backwards": (C, "y = w[::-1]; y[0] = w[0]; w *= w; made = np.sum(w * y)"),
    "a new array": (C, "out = np.zeros_like(w); out[0] = w[0] * 2; out[1:] = w[1:] ** 2; made = np.sum(out * out)"),
    "a copy": (C, "out = np.copy(w); out[0] *= w[1]; made = np.sum(out * out)"),
    "an entry": (C, "w[1] = w[0] * w[2]; made = np.sum(w)"),
    "a mask": (C, "w[w > 0.15] = 0; made = np.sum(w * w)"),
    "a loop": (C, "for i in range(3): w[i] = w[i] * 2\nmade = np.sum(w * w)"),
    "a transposed view": (M, "y = w.T; y[0, 1] = w[2, 2]; w += 1; made = np.sum(w * w * y)"),
    "a view of a view": (M, "y = w.reshape(9)[2:7:2]; w[0] *= 2; y += 1; made = np.sum(w * w)"),
    "columns": (M, "a = np.copy(w); a[:, 1] += w[0]; a[1] = a[:, 1]; made = np.sum(a * a)"),
    "fill": (C, "w.fill(2.0); made = np.sum(w * w)"),
    "sort": (C, "w.sort(); made = w[0]"),
    "out=": (C, "np.add(w, 1, out=w); made = np.sum(w * w)"),
    "fortran": (np.asfortranarray(M), "y = w[:, 1]; w[1] = w[0]; y *= 2; made = np.sum(w * w)"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITES)
def test_a_lifted_array(name, put):
    start, text = WRITES[name]
    names = {"np": np}
    exec("def f(w):\n " + text.replace("\n", "\n ") + "\n return made", names)
    own = put(start)
    found = gm.grad(names["f"])(own)
    np.testing.assert_allclose(arrays.to_host(found), gm.grad(names["f"])(start.copy()))
    assert arrays.to_host(own).tolist() == start.tolist()


@pytest.mark.parametrize(
    "text",
    ["v = y[1:]; v += 1", "v = y[1:]; y *= 2; v += y[:2]", "v = y.T; y[0] = 3.0; y = y * v", "y[y > 0.15] *= 2",
     "v = y.view(3, 1); v[0] = y[1]"],
)  # fmt: skip
def test_a_tensor(text, put):
    found = []
    for place in (put, np.copy):
        t = gm.tensor(place(C), requires_grad=True)
        names = {"y": t * 1}
        exec(text, names)
        (names["y"] * names["y"]).sum().backward()
        found.append(arrays.to_host(t.grad.array))
    np.testing.assert_allclose(*found)
