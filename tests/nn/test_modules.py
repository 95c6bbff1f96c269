"""Modules hold parameters by name, print as PyTorch's, and are copied, saved and loaded."""

import copy
import pickle

import numpy as np
import pytest

import gradmagic as gm
from gradmagic import nn
from gradmagic.nn import init

from ..golden.compare import check
from ..golden.expressions import EXPRESSIONS


@pytest.mark.parametrize("expression", EXPRESSIONS["modules"])
def test_as_pytorch(expression):
    check("modules", expression, gm)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 4), nn.Linear(4, 2, bias=False)])
        self.scale = nn.Parameter(gm.ones(1))
        self.register_buffer("mean", gm.zeros(3))
        self.steps = 0

    def forward(self, x):
        for layer in self.layers:
            x = layer(x - self.mean) if layer is self.layers[0] else layer(x)
        return x * self.scale


class TestModule:
    def test_names(self):
        net = Net()
        names = ["scale", "layers.0.weight", "layers.0.bias", "layers.1.weight"]
        assert [n for n, _ in net.named_parameters()] == names
        assert list(net.state_dict()) == [names[0], "mean", *names[1:]]  # module by module, as PyTorch
        assert [n for n, _ in net.named_modules()] == ["", "layers", "layers.0", "layers.1"]
        assert [n for n, _ in net.named_children()] == ["layers"]
        assert "scale" in dir(net) and net.steps == 0 and len(list(net.buffers())) == 1

    def test_a_shared_parameter_counts_once(self):
        a, b = nn.Linear(2, 2), nn.Linear(2, 2)
        b.weight = a.weight
        assert len(list(nn.Sequential(a, b).parameters())) == 3

    def test_attributes_are_replaced_and_deleted(self):
        net = Net()
        net.scale = nn.Parameter(gm.zeros(1))
        assert next(n for n, _ in net.named_parameters()) == "scale"
        del net.scale
        with pytest.raises(AttributeError, match="'Net' object has no attribute 'scale'"):
            net.scale
        net.layers = None
        assert list(net.parameters()) == []

    def test_init_must_be_called_first(self):
        class Wrong(nn.Module):
            def __init__(self):
                self.weight = nn.Parameter(gm.ones(1))

        with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
            Wrong()

    def test_training_reaches_all(self):
        net = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout()))
        assert net.eval() is net and not net[1][0].training
        assert net.train()[1][0].training

    def test_zero_grad_and_requires_grad(self):
        net = Net()
        net(gm.ones(2, 3)).sum().backward()
        net.zero_grad(set_to_none=False)
        assert net.scale.grad.tolist() == [0.0]
        net.zero_grad()
        assert net.scale.grad is None
        net.requires_grad_(False)
        assert not net(gm.ones(2, 3)).requires_grad

    def test_state_is_saved_and_loaded(self):
        net, other = Net(), Net()
        assert repr(other.load_state_dict(net.state_dict())) == "<All keys matched successfully>"
        x = gm.randn(5, 3)
        assert gm.equal(net(x), other(x))
        with pytest.raises(RuntimeError, match=r"Missing key\(s\) in state_dict: .layers\.0\.weight."):
            net.load_state_dict({"scale": gm.ones(1), "mean": gm.zeros(3)})
        with pytest.raises(RuntimeError, match="size mismatch for scale"):
            net.load_state_dict({"scale": gm.ones(2)}, strict=False)

    @pytest.mark.parametrize("remade", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
    def test_copies_are_independent(self, remade):
        net = Net()
        other = remade(net)
        x = gm.ones(1, 3)
        assert gm.equal(net(x), other(x))
        assert isinstance(other.scale, nn.Parameter) and other.scale.requires_grad
        with gm.no_grad():
            other.scale.fill_(0)
        assert net.scale.item() == 1
        assert len(list(other.parameters())) == 4

    def test_dtypes(self):
        net = Net().double()
        assert {p.dtype for p in net.parameters()} == {gm.float64}
        y = net(gm.ones(1, 3).double())
        y.sum().backward()
        assert net.scale.grad.dtype == gm.float64
        assert {p.dtype for p in net.float().parameters()} == {gm.float32}
        assert net.to("cpu") is net

    def test_apply(self):
        seen = []
        Net().apply(lambda m: seen.append(type(m).__name__))
        assert seen == ["Linear", "Linear", "ModuleList", "Net"]

    def test_a_layer_says_what_it_has_no_setting_for(self):
        with pytest.raises(TypeError, match="its settings are inplace"):
            nn.ReLU(wrong=1)


class TestParameter:
    def test_is_a_tensor_that_is_marked(self):
        p, t = nn.Parameter(gm.zeros(2)), gm.zeros(2, requires_grad=True)
        assert isinstance(p, gm.Tensor) and isinstance(p, nn.Parameter) and not isinstance(t, nn.Parameter)
        assert p.requires_grad and p.is_leaf
        assert type(p * 2) is gm.Tensor and not isinstance(p * 2, nn.Parameter)
        assert not nn.Parameter(gm.zeros(2), requires_grad=False).requires_grad

    def test_shares_the_memory_of_its_data(self):
        t = gm.zeros(2)
        p = nn.Parameter(t)
        t.fill_(3)
        assert p.tolist() == [3.0, 3.0] and not t.requires_grad


class TestSequential:
    def test_slices_and_dicts(self):
        net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        assert len(net) == 3 and len(net[:2]) == 2 and net[-1] is list(net)[2]
        assert [n for n, _ in nn.Sequential({"a": nn.ReLU()}).named_children()] == ["a"]
        assert len(net.append(nn.Tanh())) == 4

    def test_a_list_of_modules_cannot_be_called(self):
        with pytest.raises(NotImplementedError, match="loop over it"):
            nn.ModuleList([nn.ReLU()])(gm.ones(1))


def test_first_values_have_pytorchs_distributions():
    gm.manual_seed(0)
    bound = 1 / 100**0.5
    weight = nn.Linear(100, 200).weight.detach().numpy()
    assert np.abs(weight).max() <= bound and weight.std() == pytest.approx(bound / 3**0.5, rel=0.02)
    kernel = nn.Conv2d(4, 64, 5).weight.detach().numpy()
    assert np.abs(kernel).max() <= 0.1 and kernel.std() == pytest.approx(0.1 / 3**0.5, rel=0.03)
    assert nn.Embedding(200, 50).weight.detach().numpy().std() == pytest.approx(1, rel=0.03)


@pytest.mark.parametrize(
    ("fill", "deviation"),
    [
        (init.uniform_, 12**-0.5),
        (init.normal_, 1.0),
        (init.zeros_, 0.0),
        (init.ones_, 0.0),
        (init.xavier_uniform_, (2 / 300) ** 0.5),
        (init.xavier_normal_, (2 / 300) ** 0.5),
        (init.kaiming_uniform_, (2 / 100) ** 0.5),
        (lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"), (2 / 200) ** 0.5),
    ],
)
def test_init(fill, deviation):
    gm.manual_seed(0)
    w = gm.zeros(200, 100, requires_grad=True)
    assert fill(w) is w and w.is_leaf and w.requires_grad
    assert w.detach().numpy().std() == pytest.approx(deviation, rel=0.02, abs=1e-9)
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init.xavier_normal_(gm.zeros(2))
