"""gm's functions mean PyTorch's: new tensors, random ones, joining, and the everyday functions on arrays too."""

import numpy as np
import pytest

import gradmagic as gm

from .golden.compare import check
from .golden.expressions import EXPRESSIONS


@pytest.mark.parametrize("expression", EXPRESSIONS["creation"])
def test_as_pytorch(expression):
    check("creation", expression, gm)


def test_every_name_in_all_is_there():
    assert [name for name in gm.functions.__all__ if getattr(gm, name, None) is None] == []
    assert all(callable(getattr(gm, n)) for n in ("sum", "max", "min", "abs", "all", "any", "round", "pow"))


def test_the_module_means_pythons_builtins():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        gm.functions.nonsense


class TestRandom:
    def test_the_same_seed_gives_the_same_numbers(self):
        draws = []
        for _ in range(2):
            gm.manual_seed(7)
            linear = gm.nn.Linear(3, 2)
            draws.append(
                [
                    *gm.rand(4).tolist(), *gm.randn(4).tolist(), *gm.randint(9, (4,)).tolist(),
                    *gm.randperm(5).tolist(), *gm.normal(0.0, 1.0, (2,)).tolist(), *linear.weight.flatten().tolist(),
                ]
            )  # fmt: skip
        assert draws[0] == draws[1]

    def test_numpys_own_generator_is_not_touched(self):
        before = np.random.get_state()[1].tolist()  # noqa: NPY002
        gm.manual_seed(1)
        gm.randn(5)
        assert np.random.get_state()[1].tolist() == before  # noqa: NPY002

    @pytest.mark.parametrize(
        ("draw", "mean", "deviation"),
        [
            (lambda n: gm.rand(n), 0.5, 12**-0.5),
            (lambda n: gm.randn(n), 0.0, 1.0),
            (lambda n: gm.randint(0, 10, (n,)).float(), 4.5, (99 / 12) ** 0.5),
            (lambda n: gm.normal(2.0, 3.0, (n,)), 2.0, 3.0),
            (lambda n: gm.zeros(n).uniform_(-1, 1), 0.0, 3**-0.5),
            (lambda n: gm.zeros(n).normal_(1, 2), 1.0, 2.0),
            (lambda n: gm.bernoulli(gm.full((n,), 0.3)), 0.3, 0.21**0.5),
            (lambda n: gm.rand_like(gm.zeros(n)), 0.5, 12**-0.5),
        ],
    )
    def test_distributions(self, draw, mean, deviation):
        gm.manual_seed(0)
        x = draw(20_000)
        assert x.dtype == gm.float32
        assert x.mean().item() == pytest.approx(mean, abs=5 * deviation / 20_000**0.5)
        assert x.std().item() == pytest.approx(deviation, rel=0.03)

    def test_sizes_dtypes_and_leaves(self):
        x = gm.randn(2, 3, dtype=gm.float64, requires_grad=True)
        assert x.shape == (2, 3) and x.dtype == gm.float64 and x.requires_grad and x.is_leaf
        assert gm.rand((2, 3)).shape == (2, 3) and gm.rand([4]).shape == (4,)
        assert sorted(gm.randperm(6).tolist()) == list(range(6))


class TestOtherThanTensors:
    def test_arrays_are_taken_for_tensors(self):
        a = np.array([1.0, 4.0])
        assert isinstance(gm.sqrt(a), gm.Tensor) and gm.sqrt(a).tolist() == [1.0, 2.0]
        assert gm.max(a).item() == 4.0 and gm.cat([a, gm.zeros(1)]).shape == (3,)

    def test_gradients_flow_through_them_in_gm_grad(self):
        g = gm.grad(lambda x: gm.sum(gm.exp(x) * gm.relu(x)))(np.array([1.0, -2.0]))
        np.testing.assert_allclose(np.asarray(g), [2 * np.e, 0])

    def test_from_numpy_shares_memory_and_as_tensor_too(self):
        a = np.arange(3.0)
        t, u = gm.from_numpy(a), gm.as_tensor(a)
        a[0] = 9
        assert t[0].item() == u[0].item() == 9
        assert gm.as_tensor(t) is t
        with pytest.raises(TypeError, match=r"expected np\.ndarray"):
            gm.from_numpy([1.0])

    def test_tensor_copies(self):
        a = np.arange(3.0)
        t = gm.tensor(a)
        a[0] = 9
        assert t[0].item() == 0


def test_joining_is_on_the_tape():
    x, y = gm.tensor([1.0, 2.0], requires_grad=True), gm.tensor([3.0], requires_grad=True)
    (gm.cat([x, y, x]) * gm.arange(5.0)).sum().backward()
    assert x.grad.tolist() == [3.0, 5.0] and y.grad.tolist() == [2.0]


def test_default_dtype():
    gm.set_default_dtype(gm.float64)
    try:
        assert gm.zeros(1).dtype == gm.float64 and gm.arange(0, 1, 0.5).dtype == gm.float64
    finally:
        gm.set_default_dtype(gm.float32)
    assert gm.zeros(1).dtype == gm.float32


def test_einsum_and_tensordot():
    a, b = gm.tensor([[1.0, 2.0]]), gm.tensor([[3.0], [4.0]])
    assert gm.einsum("ij,jk->ik", a, b).tolist() == [[11.0]] == gm.tensordot(a, b, 1).tolist()
    assert gm.einsum("ij,jk->ik", [a, b]).tolist() == [[11.0]]
