"""nn.functional means PyTorch's (tests/golden), to the second derivative, on inputs of every kind."""

import math
import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.derivatives.nn import functions as nw
from gradmagic.errors import ArgumentError, ShapeError
from gradmagic.nn import functional as F

from ..golden.compare import check
from ..golden.expressions import EXPRESSIONS


@pytest.mark.parametrize(
    ("group", "expression"), [(g, e) for g in ("functional", "losses") for e in EXPRESSIONS[g]]
)
def test_as_pytorch(group, expression):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(group, expression, gm)


def differences(f, x, step=1e-5):
    """The gradient of a number by central differences."""
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        g[i] = (f(up) - f(down)) / (2 * step)
    return g


RNG = np.random.default_rng(5)
X = RNG.normal(size=(3, 4))
T = RNG.random((3, 4))
IMAGE, KERNEL = RNG.normal(size=(2, 2, 5, 5)), RNG.normal(size=(4, 2, 3, 3))
CLASSES = gm.tensor([3, 0, 2])
FUNCTIONS = {
    "sigmoid": lambda x: F.sigmoid(x).sum(),
    "softplus": lambda x: F.softplus(x, 2.0).sum(),
    "gelu": lambda x: F.gelu(x).sum(),
    "gelu tanh": lambda x: F.gelu(x, "tanh").sum(),
    "silu": lambda x: F.silu(x).sum(),
    "elu": lambda x: F.elu(x, 0.7).sum(),
    "leaky_relu": lambda x: (F.leaky_relu(x) ** 2).sum(),
    "logsigmoid": lambda x: F.logsigmoid(x).sum(),
    "softmax": lambda x: (F.softmax(x, 1) ** 2).sum(),
    "log_softmax": lambda x: (F.log_softmax(x, 0) ** 2).sum(),
    "layer_norm": lambda x: (F.layer_norm(x, (4,), x[0], x[1]) ** 3).sum(),
    "linear": lambda x: (F.linear(x, x, x[:, 0]) ** 2).sum(),
    "cross_entropy": lambda x: F.cross_entropy(x, CLASSES),
    "cross_entropy of probabilities": lambda x: F.cross_entropy(x, gm.from_numpy(T)),
    "nll_loss": lambda x: F.nll_loss(x**2, CLASSES),
    "mse_loss": lambda x: F.mse_loss(x**2, x),
    "huber_loss": lambda x: F.huber_loss(x**2, x, delta=0.5),
    "smooth_l1_loss": lambda x: F.smooth_l1_loss(x**2, x, beta=0.5),
    "bce_with_logits": lambda x: F.binary_cross_entropy_with_logits(x, gm.from_numpy(T)),
    "bce_with_logits of targets": lambda x: F.binary_cross_entropy_with_logits(x, x.sigmoid()),
    "bce weighted": lambda x: F.binary_cross_entropy_with_logits(
        x, x.sigmoid(), weight=gm.from_numpy(T), pos_weight=gm.from_numpy(T[0])
    ),
    "bce": lambda x: F.binary_cross_entropy(x.sigmoid(), gm.from_numpy(T)),
    "conv2d of images": lambda x: (F.conv2d(x, gm.from_numpy(KERNEL), stride=2, padding=1) ** 2).sum(),
    "conv2d of kernels": lambda x: (F.conv2d(gm.from_numpy(IMAGE), x, x[:, 0, 0, 0]) ** 2).sum(),
    "conv2d of both": lambda x: F.conv2d(x, x[:, :1, :3, :3] * 2, groups=2, dilation=2, padding=2).sum(),
    "max_pool2d": lambda x: (F.max_pool2d(x, 3, stride=2, padding=1) ** 2).sum(),
    "avg_pool2d": lambda x: (F.avg_pool2d(x, 2) ** 2).sum(),
}
INPUTS = {
    "conv2d of images": IMAGE,
    "conv2d of kernels": KERNEL,
    "conv2d of both": IMAGE,
    "max_pool2d": IMAGE,
    "avg_pool2d": IMAGE,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_against_differences(name):
    f, x0 = FUNCTIONS[name], INPUTS.get(name, X)
    x = gm.tensor(x0, requires_grad=True)
    (g,) = gm.autograd.grad(f(x), x, create_graph=True)
    expected = differences(lambda a: f(gm.from_numpy(a)).item(), x0)
    np.testing.assert_allclose(g.detach().numpy(), expected, rtol=1e-5, atol=1e-7)
    # The second derivative, along one direction.
    direction = np.cos(np.arange(x0.size)).reshape(x0.shape)
    second = (
        gm.autograd.grad((g * gm.from_numpy(direction)).sum(), x)[0].numpy() if g.requires_grad else 0 * x0
    )

    def along(a):
        y = gm.tensor(a, requires_grad=True)
        return (gm.autograd.grad(f(y), y)[0].numpy() * direction).sum()

    np.testing.assert_allclose(second, differences(along, x0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_stays_float32(name):
    x = gm.tensor(INPUTS.get(name, X).astype(np.float32), requires_grad=True)
    if "from_numpy" not in name and name not in (
        "cross_entropy of probabilities", "bce_with_logits", "bce weighted", "bce", "conv2d of images",
        "conv2d of kernels",
    ):  # fmt: skip
        y = FUNCTIONS[name](x)
        assert y.dtype == gm.float32
        y.backward()
        assert x.grad.dtype == gm.float32


def test_erf_to_the_last_digits():
    x = np.concatenate([np.linspace(-6, 6, 2001), [1e-300, 1e-9, 1.9999999, 2.0, 30.0, -30.0, np.inf]])
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(nw.erf(x), expected, rtol=4e-16, atol=3e-16)
    assert np.isnan(nw.erf(np.array([np.nan]))).all()


def test_nothing_overflows_and_nothing_warns():
    x = gm.tensor([-1000.0, -100.0, 0.0, 100.0, 1000.0], requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for f in (F.sigmoid, F.softplus, F.logsigmoid, F.silu, F.gelu, F.elu, lambda v: F.log_softmax(v, 0)):
            x.grad = None
            y = f(x)
            y.sum().backward()
            assert np.isfinite(y.detach().numpy()).all() and np.isfinite(x.grad.numpy()).all()
        F.binary_cross_entropy_with_logits(x, gm.ones(5)).backward()
        F.binary_cross_entropy(gm.tensor([0.0, 1.0]), gm.tensor([1.0, 0.0]))


def test_relu_stops_an_infinite_gradient():
    for size in (3, 1000):  # small arrays are masked in another way than large ones
        x = gm.tensor(-np.ones(size, np.float32), requires_grad=True)
        with np.errstate(invalid="ignore"):  # 0 * inf on the way there
            (F.relu(x) * np.inf).sum().backward()
        assert x.grad.abs().sum().item() == 0


class TestErrors:
    def test_a_target_that_is_no_class(self):
        with pytest.raises(IndexError, match=r"Target 4 is out of bounds.*0 to 3"):
            F.cross_entropy(gm.ones(1, 4), gm.tensor([4]))
        with pytest.raises(IndexError, match="Target -1 is out of bounds"):
            F.cross_entropy(gm.ones(1, 4), gm.tensor([-1]))

    def test_sizes_that_do_not_fit(self):
        with pytest.raises(
            ShapeError, match=r"Target size \(torch.Size\(\[3\]\)\) must be the same.*view_as"
        ):
            F.binary_cross_entropy_with_logits(gm.ones(3, 1), gm.ones(3))
        with pytest.raises(ShapeError, match=r"cannot be multiplied.*in_features"):
            F.linear(gm.ones(2, 3), gm.ones(4, 5), gm.ones(4))
        with pytest.raises(ShapeError, match=r"expected input\[1, 3, 5, 5\] to have 2 channels"):
            F.conv2d(gm.ones(1, 3, 5, 5), gm.ones(4, 2, 3, 3))
        with pytest.raises(ShapeError, match="normalized_shape"):
            F.layer_norm(gm.ones(2, 3), (4,))
        with pytest.raises(ShapeError, match="batch_size"):
            F.nll_loss(gm.ones(2, 3), gm.tensor([0, 1, 2]))

    def test_a_target_that_is_broadcast_warns(self):
        with pytest.warns(UserWarning, match="different to the input size"):
            F.mse_loss(gm.ones(3, 1), gm.ones(3))

    def test_an_unknown_reduction(self):
        with pytest.raises(ValueError, match='write "mean"'):
            F.l1_loss(gm.ones(3), gm.ones(3), reduction="average")


class TestDropout:
    def test_scales_what_it_keeps(self):
        gm.manual_seed(0)
        x = gm.ones(10_000, requires_grad=True)
        y = F.dropout(x, 0.25)
        assert set(np.round(np.unique(y.detach().numpy()), 5)) == {0.0, np.float32(1.33333)}
        assert y.mean().item() == pytest.approx(1.0, abs=0.03)
        y.sum().backward()
        assert np.array_equal(x.grad.numpy(), y.detach().numpy())

    def test_does_nothing_outside_training(self):
        x = gm.ones(3)
        assert F.dropout(x, 0.5, training=False) is x

    def test_probability(self):
        with pytest.raises(ValueError, match="between 0 and 1"):
            F.dropout(gm.ones(3), 1.5)
        assert F.dropout(gm.ones(3), 1.0).tolist() == [0.0, 0.0, 0.0]


def test_arrays_are_taken_for_tensors():
    g = gm.grad(lambda x: F.mse_loss(x, np.zeros(2)))(np.array([1.0, 3.0]))
    np.testing.assert_allclose(np.asarray(g), [1.0, 3.0])
    assert F.relu(np.array([-1.0, 1.0])).tolist() == [0.0, 1.0]


def test_losses_of_no_grad_are_constants():
    z = gm.ones(2, 3, requires_grad=True)
    with gm.no_grad():
        assert not F.cross_entropy(z, gm.tensor([0, 1])).requires_grad
        assert not F.binary_cross_entropy_with_logits(z, gm.ones(2, 3)).requires_grad


class TestWeightsAndForms:
    """What the golden expressions leave out, against the formula written in NumPy."""

    P, T, V = (
        np.array([[0.2, 0.7], [0.5, 0.1]]),
        np.array([[0.0, 1.0], [1.0, 0.3]]),
        np.array([[1.0, 2.0], [0.5, 3.0]]),
    )

    def test_binary_cross_entropy_with_weights(self):
        f = lambda p: F.binary_cross_entropy(p, self.T, self.V, reduction="sum")
        formula = lambda p: -np.sum(self.V * (self.T * np.log(p) + (1 - self.T) * np.log(1 - p)))
        self.alike(f, formula, self.P)

    def test_kl_divergence_of_logarithms(self):
        t = np.log(np.array([[0.3, 0.7], [0.6, 0.4]]))
        f = lambda x: F.kl_div(x, t, reduction="batchmean", log_target=True)
        self.alike(f, lambda x: np.sum(np.exp(t) * (t - x)) / 2, np.log(self.P))

    def test_cross_entropy_of_probabilities_with_weights_and_smoothing(self):
        weight, smoothing = np.array([1.0, 2.0]), 0.2
        f = lambda x: F.cross_entropy(x, self.T, weight, label_smoothing=smoothing)

        def formula(x):
            logs = x - np.log(np.sum(np.exp(x), axis=1, keepdims=True))
            return -np.sum(weight * logs * (self.T * (1 - smoothing) + smoothing / 2)) / 2

        self.alike(f, formula, self.P)

    def alike(self, f, formula, at):
        x = gm.tensor(at, requires_grad=True)
        f(x).backward()
        assert f(x).item() == pytest.approx(formula(at), rel=1e-12)
        np.testing.assert_allclose(x.grad.numpy(), gm.grad(formula)(at), rtol=1e-12)

    def test_a_weight_that_requires_grad_is_refused(self):
        weight = gm.tensor(self.V, requires_grad=True)
        with pytest.raises(ArgumentError, match=r"weight\.detach\(\)"):
            F.binary_cross_entropy_with_logits(
                gm.tensor(self.P, requires_grad=True), gm.tensor(self.T), weight
            )

    def test_a_kernel_of_even_size_keeps_the_images_size(self):
        x, w = gm.ones(1, 1, 4, 5, requires_grad=True), gm.ones(1, 1, 2, 2)
        y = F.conv2d(x, w, padding="same")
        assert (
            tuple(y.shape) == (1, 1, 4, 5) and y[0, 0, -1, -1].item() == 1.0 and y[0, 0, 0, 0].item() == 4.0
        )
        y.sum().backward()
        assert x.grad[0, 0, 0, 0].item() == 1.0 and x.grad[0, 0, 1, 1].item() == 4.0
        with pytest.raises(ShapeError, match=r"Expected 3D .* or 4D"):
            F.conv2d(gm.ones(4, 5), w)


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("where", ["host", "device"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, [0.1, 0.2, 0.3, 0.4]], ids=["alike", "weighted"])
def test_where_all_labels_are_ignored_the_mean_is_nan_and_the_gradient_zero(where, smoothing, weights, put):
    """As in PyTorch 2.13: 0 / 0 has no value, and moves no row."""
    at = np.asarray if where == "host" else put
    rows = np.random.default_rng(0).normal(size=(3, 4))
    labels = gm.as_tensor(at(np.full(3, -100)))
    weight = None if weights is None else gm.as_tensor(at(np.asarray(weights)))
    for reduction, expected in (("mean", np.nan), ("sum", 0.0), ("none", [0.0] * 3)):
        for loss in (
            lambda t: F.cross_entropy(t, labels, weight, reduction=reduction, label_smoothing=smoothing),
            lambda t: F.nll_loss(F.log_softmax(t, 1), labels, weight, reduction=reduction),
        ):
            t = gm.tensor(at(rows), requires_grad=True)
            found = loss(t)
            found.sum().backward()
            np.testing.assert_array_equal(found.detach().cpu().numpy(), expected)
            np.testing.assert_array_equal(t.grad.cpu().numpy(), np.zeros((3, 4)))
