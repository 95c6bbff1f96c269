"""The walks forward: whatever the operations, a walk ends with the entry of the gradient, by a number at each step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradmagic as gm
from gradmagic import nn
from gradmagic.cell.telling.walks import FEW, LONGEST
from gradmagic.report.files.json import from_json, to_json
from tests.draws import draws

RNG = np.random.default_rng(11)
A, B = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 3))
ON = {  # of a matrix and another of its shape, a matrix
    "tanh": lambda m, n: np.tanh(m),
    "product": lambda m, n: m * n,
    "quotient": lambda m, n: m / (n * n + 1),
    "where": lambda m, n: np.where(m > n, m, 2 * n),
    "matmul": lambda m, n: m @ (n.T @ m) / 10,
    "einsum": lambda m, n: np.einsum("ij,kj,kl->il", m, n, n) / 10,
    "softmax": lambda m, n: np.exp(m) / np.exp(m).sum(axis=1, keepdims=True),
    "mean": lambda m, n: m - m.mean(axis=0),
    "norm": lambda m, n: m / (np.linalg.norm(n) + 1),
    "reshape": lambda m, n: m.reshape(m.T.shape).T,
    "index": lambda m, n: m[:, [0, 2, 2, 1][: m.shape[1]]] if m.shape[1] > 2 else m[::-1],
    "roll": lambda m, n: np.roll(m, 1, axis=0) + n[0],
    "sort": lambda m, n: np.sort(m, axis=1) - n,
    "maximum": lambda m, n: np.maximum(m, n) + m.max(axis=1, keepdims=True),
    "cumsum": lambda m, n: np.cumsum(m, axis=0) / 3,
    "joined": lambda m, n: np.concatenate([m, n])[: len(m)] + np.stack([m, n]).sum(axis=0) / 2,
    "solved": lambda m, n: np.linalg.solve(n @ n.T + 2 * np.eye(len(n)), m),
    "split": lambda m, n: sum(np.split(m, len(m))) + n,
    "svd": lambda m, n: m / (1 + np.linalg.svd(n, compute_uv=False)[0]),
}
END = {
    "sum": lambda m: m.sum(),
    "mean": lambda m: (m**2).mean(),
    "entry": lambda m: m[1, 0] * m[0, 1],
    "var": lambda m: m.var(),
    "log": lambda m: np.log(np.exp(m).sum()),
    "trace": lambda m: np.trace(m @ m.T),
}


def ends_right(report, most=None):
    trace = report._trace
    for entry in trace.inputs:
        found = [walk for walk in trace.walks if walk.source == entry.key]
        grads = np.ravel(entry.array)
        assert len(found) == (min(FEW, grads.size) if most is None else most) if grads.size <= FEW else found
        assert found[0].entry == np.argmax(np.abs(grads))
        reached, operations = {entry.key}, trace.operations
        for operation in operations:
            if any(edge.source in reached for edge in operation.edges):
                reached.add(operation.key)
        for walk in found:
            assert walk.pushes[-1].key == trace.result.key
            end = walk.pushes[-1].tangent.items
            assert end == pytest.approx(
                grads[walk.entry], rel=1e-3, abs=float(1e-5 * np.max(np.abs(grads)) + 1e-7)
            )
            for push in walk.pushes:
                assert push.tangent.shape == operations[push.key].shape
                moving = {edge.argument for edge in operations[push.key].edges if edge.source in reached}
                assert {part.argument for part in push.parts} == moving
                if len(moving) > 1 and push.tangent.items is not None:
                    total = sum(np.array(part.tangent.items) for part in push.parts)
                    assert total == pytest.approx(np.array(push.tangent.items), rel=1e-4, abs=1e-6)


@settings(max_examples=draws(25), deadline=None)
@given(st.lists(st.sampled_from(sorted(ON)), min_size=1, max_size=5), st.sampled_from(sorted(END)))
def test_a_drawn_program_is_walked_to_its_gradient(names, end):
    def f(a, b):
        m, n = a, b.T
        for name in names:
            m, n = ON[name](m, n), m + n * 0.5
        return END[end](m + 0.1 * n)

    ends_right(gm.trace(f)(A, B))


LAYERS = {
    "linear": lambda: nn.Linear(4, 5),
    "norm": lambda: nn.LayerNorm(4),
    "relu": lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 4), nn.GELU()),
    "softmax": lambda: nn.Sequential(nn.Linear(4, 5), nn.Softmax(dim=1)),
}
LOSSES = {
    "cross entropy": lambda out: nn.CrossEntropyLoss()(out, gm.tensor([0, 2, 1])),
    "squares": lambda out: nn.MSELoss()(out, gm.zeros_like(out)),
    "logits": lambda out: nn.BCEWithLogitsLoss()(out, gm.ones_like(out)),
    "huber": lambda out: nn.HuberLoss()(out, gm.zeros_like(out)),
}


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_layer_and_a_loss_that_the_user_sweeps(layer, loss):
    gm.manual_seed(3)
    net = LAYERS[layer]()
    x = gm.tensor(A.astype(np.float32), requires_grad=True)

    def f():
        out = LOSSES[loss](net(x))
        out.backward()
        return out

    ends_right(gm.trace(f)())


def test_an_optimizer_that_steps_afterwards_changes_nothing(run):
    report = run(
        "%%grad\nw = gm.tensor([[1.0, 2.0]], requires_grad=True)\nm = gm.tensor([[3.0], [4.0]], requires_grad=True)\n"
        "z = (w @ m).sum()\nz.backward()\nwith gm.no_grad():\n    m -= 100 * m.grad"
    )
    ends_right(report)


def test_arrays_of_any_size_are_walked_and_kept_small():
    report = gm.trace(lambda X, W: (np.tanh(X @ W) ** 2).mean())(
        RNG.normal(size=(300, 90)), RNG.normal(size=(90, 80))
    )
    ends_right(report)
    text = to_json(report._trace)
    assert len(text) < 60_000 and from_json(text).walks == report._trace.walks


def test_a_walk_that_would_not_end_with_the_gradient_is_left_out(run):
    report = run(
        "%%grad\nt = gm.tensor([1.0, 2.0], requires_grad=True)\nu = t * 2\n"
        "u.register_hook(lambda g: g * 10)\nz = u.sum()\nz.backward()"
    )
    assert report._trace.walks == ()


def test_a_tape_that_is_too_long_has_no_walk():
    def f(x):
        for _ in range(LONGEST):
            x = x * 1.01
        return x

    assert gm.trace(f)(1.0)._trace.walks == ()
