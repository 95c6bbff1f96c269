"""Where a named array or number meets a tensor of the cell: its gradient, and a namespace as without the magic."""

import itertools

import numpy as np
import pytest

import gradmagic as gm

from .helpers import fresh, left_behind, printed, traced

SETUPS = {
    "number": "v = 1.5",
    "NumPy scalar": "v = np.float64(1.5)",
    "0-d": "v = np.array(1.5)",
    "float64": "v = np.array([0.75, 1.5])",
    "float32": "v = np.array([0.75, 1.5], np.float32)",
}
TENSORS = {
    "constant": "t = gm.tensor([1.25, 2.5], dtype=dtype)",
    "leaf": "t = gm.tensor([1.25, 2.5], dtype=dtype, requires_grad=True)",
    "computed": "t = gm.tensor([0.25, 1.5], dtype=dtype, requires_grad=True) + 1.0",
    "float64": "t = gm.tensor([1.25, 2.5], dtype=gm.float64)",
}
MET = [
    *(f"y = {a} {op} {b}" for op, (a, b) in itertools.product("+ - * / **".split(), ("tv", "vt"))),
    "y = (v * one) @ t.to((v * one).dtype)",
    "y = np.multiply(t, v)", "y = np.hypot(v, t)", "y = t.mul(v) if gm.is_tensor(v) else t.pow(v)",
    "y = gm.where(t > 2, t, v)", "y = t * gm.as_tensor(v, dtype=dtype)", "y = gm.from_numpy(np.ones(2) * v) * t",
    "y = t.clone()\ny *= v", "y = t + 0\ny[0] = (v * np.ones(2))[0]", "y = sum([t * v for _ in range(3)])",
    "y = (lambda u: u * v)(t)", "class C:\n    pass\nc = C()\nc.held = {'k': [t * v]}\ny = c.held['k'][0]",
]  # fmt: skip
RESULTS = ["z = y.sum()", "z = (y * y).T.reshape(-1).mean()", "k = [u for u in y]\nz = k[0] * k[1]"]


def _plain(setup: str, text: str, value=None) -> dict:
    names = fresh(setup)
    if value is not None:
        names["v"] = value
    exec(compile(text, "<cell>", "exec"), names)
    return names


@pytest.mark.parametrize("tensor", TENSORS)
@pytest.mark.parametrize("kind", SETUPS)
def test_the_gradient_is_there_and_the_names_are_as_without_the_magic(kind, tensor):
    setup = f"dtype = gm.float32\none = gm.ones(2, dtype=dtype)\n{SETUPS[kind]}\n{TENSORS[tensor]}"
    for i, met in enumerate(MET):
        text = f"{met}\n{RESULTS[i % len(RESULTS)]}"
        plain, with_magic = _plain(setup, text), fresh(setup)
        trace = traced(text, with_magic, "v")
        assert left_behind(plain, with_magic) == [], text
        (found,) = trace.inputs
        grad = np.reshape(np.array(found.grad.items, float), found.grad.shape)
        start = np.asarray(fresh(setup)["v"], float)
        for at in np.ndindex(start.shape):
            sides = []
            for step in (1e-5, -1e-5):
                moved = start.copy()
                moved[at] += step
                names = _plain(
                    setup.replace("gm.float32", "gm.float64"),
                    text,
                    moved if kind != "number" else float(moved),
                )
                sides.append(float(names["z"].detach() if gm.is_tensor(names["z"]) else names["z"]))
            assert grad[at] == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=2e-4, abs=1e-4), (text, at)
        assert not trace.notes, (text, trace.notes)


@pytest.mark.parametrize("plain", [
    "k = y.numpy()", "k = np.asarray(y)", "k = y.tolist()", "k = [u.item() for u in y]", "k = float(y[0])",
    "k = np.zeros(2)\nk[0] = y[0]", "k = np.array([float(u) for u in y])",
])  # fmt: skip
def test_what_becomes_plain_is_told_only_if_it_matters(plain):
    setup = f"dtype = gm.float32\n{SETUPS['float64']}\n{TENSORS['constant']}"
    for result in ("z = (v * v).sum()", "z = (np.asarray(k) * v).sum()"):
        text = f"y = t * v\n{plain}\n{result}"
        before, with_magic = fresh(setup), fresh(setup)
        out = printed(exec, compile(text, "<cell>", "exec"), before)
        found = []
        assert printed(lambda: found.append(traced(text, with_magic, "v"))) == out
        assert left_behind(before, with_magic) == [], text
        notes = [n.text for n in found[0].notes]
        assert bool(notes) is ("k)" in result), (text, notes)
        assert all("no gradient flows through it" in n for n in notes)


def test_a_tensor_of_the_users_own_graph_keeps_it():
    text = "y = t * v\nw = gm.as_tensor(v) * 2\nz = y.sum()"
    setup = f"dtype = gm.float32\n{SETUPS['float64']}\n{TENSORS['leaf']}"
    names = fresh(setup)
    traced(text, names, "v")
    assert names["y"].requires_grad and names["z"].requires_grad and not names["w"].requires_grad
    names["z"].backward()
    np.testing.assert_allclose(names["t"].grad.numpy(), [0.75, 1.5])


def test_gm_tensor_of_a_named_array_is_a_cut():
    trace = traced("t = gm.tensor(v)\nz = (t * t).sum() + v.sum()", fresh(SETUPS["float64"]), "v")
    (note,) = trace.notes
    assert note.line == 1 and "write gm.as_tensor(v)" in note.text
    assert traced("t = gm.tensor(v)\nz = (v * v).sum()", fresh(SETUPS["float64"]), "v").notes == ()


SETTINGS = [
    "gm.full((2,), p)", "gm.full_like(t, p)", "gm.linspace(0, p, 2)", "F.elu(-t, alpha=p)", "F.leaky_relu(-t, p)",
    "F.softplus(t, beta=p)", "F.hardtanh(t, -p, p)", "gm.nn.ELU(p)(-t)", "gm.nn.init.constant_(gm.empty(2), p)",
    "t.new_full((2,), p)", "F.huber_loss(t, t * 2, delta=p)", "t.norm(p + 1)", "gm.tensor([p, 1.0])", "gm.tensor(p)",
]  # fmt: skip
FOLLOWED = ["gm.clamp(t, -p, p)", "t * p", "gm.lerp(t, t * 2, p)", "gm.where(t > 2, p, 0.0)", "gm.add(t, t, alpha=p)",
            "t.masked_fill(t > 2, p)", "gm.pow(t, p)"]  # fmt: skip


@pytest.mark.parametrize("text", [*SETTINGS, *FOLLOWED])
def test_a_number_that_a_function_takes_has_its_gradient_or_a_note(text):
    setup = "import gradmagic.nn.functional as F\np = 0.5\nt = gm.tensor([1.25, 2.5])"
    cell = f"y = {text}\nz = (y * y).sum() + p**2"
    plain, with_magic = _plain(setup, cell), fresh(setup)
    trace = traced(cell, with_magic, "p")
    assert left_behind(plain, with_magic) == []
    assert [n.line for n in trace.notes if "no gradient flows through it" in n.text] == [1] * (
        text in SETTINGS
    )
    sides = [float(_plain(setup.replace("0.5", str(0.5 + d)), cell)["z"]) for d in (1e-3, -1e-3)]
    right = trace.inputs[0].grad.items == pytest.approx((sides[0] - sides[1]) / 2e-3, rel=1e-2)
    assert right is (text in FOLLOWED)


@pytest.mark.parametrize(
    "text", ["gm.tensor(v.tolist())", "gm.tensor(list(v))", "gm.as_tensor([[float(u) for u in v]])"]
)
def test_lists_of_followed_numbers_make_tensors_as_without_the_magic(text):
    cell = f"t = {text}\nz = (v * v).sum()"
    plain, with_magic = _plain(SETUPS["float64"], cell), fresh(SETUPS["float64"])
    trace = traced(cell, with_magic, "v")
    assert left_behind(plain, with_magic) == [] and not trace.notes


def test_a_write_that_a_tensor_made_before_does_not_see_is_told():
    for write in ("v[0] = 7.0", "v += 1", "v[:1].fill(3.0)"):
        trace = traced(f"t = gm.from_numpy(v)\n{write}\nz = (t * t).sum()", fresh(SETUPS["float64"]), "v")
        (note,) = trace.notes
        assert note.line == 2 and "Make the tensor after the write" in note.text
    assert not traced(
        "v[0] = 7.0\nt = gm.from_numpy(v)\nz = (t * t).sum()", fresh(SETUPS["float64"]), "v"
    ).notes


@pytest.mark.parametrize(
    "made",
    [
        "y = np.choose(i, [v, -v])", "y = np.bincount(i, weights=v)", "y, edges = np.histogram(t, bins=2, weights=v)",
        "a, b = np.meshgrid(v, t)\ny = a * b", "y = np.intersect1d(v, v * gm.ones(3))", "y, k = np.atleast_2d(v, t)",
    ],
)  # fmt: skip
def test_a_function_that_is_asked_of_a_tensor_leaves_no_array_of_the_engine(made):
    setup = "v = np.array([0.5, 1.5, 2.5])\nt = gm.tensor([1.0, 2.0, 3.0])\ni = gm.tensor([0, 1, 0])"
    text = f"{made}\nz = (y * y).sum()"
    plain, with_magic = _plain(setup, text), fresh(setup)
    trace = traced(text, with_magic, "v")
    assert left_behind(plain, with_magic) == []
    assert np.any(np.array(trace.inputs[0].grad.items, float))
