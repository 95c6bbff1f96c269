"""Entries that are NaN or infinite, and the kinks: values, gradients and errors as PyTorch 2.13 gave them, one by one."""

# ruff: noqa: E501  (a function and its figures on one line of a table)

from math import inf, nan

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.nn import functional as F
from gradmagic.nn import losses

AT = [nan, inf, -inf, 0.0, 1.0, -1.0, 2.0]
FIGURES = {
    "F.relu(x)": ([nan, inf, 0.0, 0.0, 1.0, 0.0, 2.0], [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]),
    "F.leaky_relu(x)": ([nan, inf, -inf, 0.0, 1.0, -0.01, 2.0], [0.01, 1.0, 0.01, 0.01, 1.0, 0.01, 1.0]),
    "F.leaky_relu(x, -0.5)": ([nan, inf, inf, -0.0, 1.0, 0.5, 2.0], [-0.5, 1.0, -0.5, -0.5, 1.0, -0.5, 1.0]),
    "F.elu(x)": ([nan, inf, -1.0, 0.0, 1.0, -0.63212, 2.0], [1.0, 1.0, 0.0, 1.0, 1.0, 0.36788, 1.0]),
    "F.elu(x, 2.0)": ([nan, inf, -2.0, 0.0, 1.0, -1.2642, 2.0], [1.0, 1.0, 0.0, 2.0, 1.0, 0.73576, 1.0]),
    "F.silu(x)": ([nan, inf, nan, 0.0, 0.73106, -0.26894, 1.7616], [nan, nan, nan, 0.5, 0.92767, 0.072329, 1.0908]),
    "F.softplus(x)": ([nan, inf, 0.0, 0.69315, 1.3133, 0.31326, 2.1269], [nan, 1.0, 0.0, 0.5, 0.73106, 0.26894, 0.8808]),
    "F.softplus(x, 2.0, 1.0)": ([nan, inf, 0.0, 0.34657, 1.0, 0.063464, 2.0], [nan, 1.0, 0.0, 0.5, 1.0, 0.1192, 1.0]),
    "F.logsigmoid(x)": ([nan, 0.0, -inf, -0.69315, -0.31326, -1.3133, -0.12693], [nan, 0.0, 1.0, 0.5, 0.26894, 0.73106, 0.1192]),
    "F.hardtanh(x)": ([nan, 1.0, -1.0, 0.0, 1.0, -1.0, 1.0], [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    "F.hardtanh(x, -2.0, 2.0)": ([nan, 2.0, -2.0, 0.0, 1.0, -1.0, 2.0], [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]),
    "F.sigmoid(x)": ([nan, 1.0, 0.0, 0.5, 0.73106, 0.26894, 0.8808], [nan, 0.0, 0.0, 0.25, 0.19661, 0.19661, 0.10499]),
    "F.tanh(x)": ([nan, 1.0, -1.0, 0.0, 0.76159, -0.76159, 0.96403], [nan, 0.0, 0.0, 1.0, 0.41997, 0.41997, 0.070651]),
    "F.gelu(x)": ([nan, inf, nan, 0.0, 0.84134, -0.15866, 1.9545], [nan, nan, nan, 0.5, 1.0833, -0.083315, 1.0852]),
    "x.abs()": ([nan, inf, inf, 0.0, 1.0, 1.0, 2.0], [0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 1.0]),
    "x.sign()": ([0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    "x.clamp(-1, 2)": ([nan, 2.0, -1.0, 0.0, 1.0, -1.0, 2.0], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]),
    "x.clamp(min=0)": ([nan, inf, 0.0, 0.0, 1.0, 0.0, 2.0], [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]),
    "x.clamp(max=2)": ([nan, 2.0, -inf, 0.0, 1.0, -1.0, 2.0], [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
    "x.clamp(2, -1)": ([nan, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    "gm.maximum(x, gm.zeros(7))": ([nan, inf, 0.0, 0.0, 1.0, 0.0, 2.0], [1.0, 1.0, 0.0, 0.5, 1.0, 0.0, 1.0]),
    "gm.fmax(x, gm.zeros(7))": ([0.0, inf, 0.0, 0.0, 1.0, 0.0, 2.0], [0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0]),
    "F.l1_loss(x, gm.zeros(7), reduction='none')": ([nan, inf, inf, 0.0, 1.0, 1.0, 2.0], [0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 1.0]),
    "F.huber_loss(x, gm.zeros(7), reduction='none')": ([nan, inf, inf, 0.0, 0.5, 0.5, 1.5], [nan, 1.0, -1.0, 0.0, 1.0, -1.0, 1.0]),
    "F.smooth_l1_loss(x, gm.zeros(7), reduction='none')": ([nan, inf, inf, 0.0, 0.5, 0.5, 1.5], [nan, 1.0, -1.0, 0.0, 1.0, -1.0, 1.0]),
    "F.smooth_l1_loss(x, gm.zeros(7), reduction='none', beta=0.0)": ([nan, inf, inf, 0.0, 1.0, 1.0, 2.0], [0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 1.0]),
    "F.binary_cross_entropy_with_logits(x, gm.zeros(7), reduction='none')": ([nan, inf, nan, 0.69315, 1.3133, 0.31326, 2.1269], [nan, 1.0, 0.0, 0.5, 0.73106, 0.26894, 0.8808]),
    "F.binary_cross_entropy_with_logits(x, gm.ones(7), reduction='none')": ([nan, nan, nan, 0.69315, 0.31326, 1.3133, 0.12693], [nan, 0.0, -1.0, -0.5, -0.26894, -0.73106, -0.1192]),
    "gm.norm(x[:, None], 1, dim=1)": ([nan, inf, inf, 0.0, 1.0, 1.0, 2.0], [0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 1.0]),
    "gm.norm(x[:, None], inf, dim=1)": ([nan, inf, inf, 0.0, 1.0, 1.0, 2.0], [0.0, 1.0, -1.0, 0.0, 1.0, -1.0, 1.0]),
}  # fmt: skip


@pytest.mark.parametrize("text", FIGURES)
@pytest.mark.parametrize("dtype", [gm.float32, gm.float64])
def test_values_and_gradients(text, dtype):
    x = gm.tensor(AT, dtype=dtype, requires_grad=True)
    with np.errstate(all="ignore"):
        y = eval(text, {"F": F, "gm": gm, "x": x, "inf": inf})
        y.sum().backward()
    values, gradients = FIGURES[text]
    np.testing.assert_allclose(y.tolist(), values, rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(x.grad.tolist(), gradients, rtol=2e-5, atol=2e-5)
    assert x.grad.dtype == dtype


@pytest.mark.parametrize(
    ("f", "kink"),
    [
        (lambda x: F.elu(x, 2.0), 0.0),
        (lambda x: F.huber_loss(x, gm.tensor(0.0)), 1.0),
        (lambda x: F.smooth_l1_loss(x, gm.tensor(0.0), beta=0.5), 0.5),
    ],
)
def test_at_a_kink_the_second_derivative_is_0(f, kink):
    x = gm.tensor(kink, requires_grad=True)
    (g,) = gm.autograd.grad(f(x), x, create_graph=True)
    assert gm.autograd.grad(g, x)[0].item() == 0


# ---- pooling ---------------------------------------------------------------------------------------------------------
POOLED = {  # image, kernel and settings, and where the gradient goes
    "nothing but -inf": ([[-inf] * 4] * 4, 2, {"padding": 1}, [[1, 1, 0, 1], [1, 1, 0, 1], [0, 0, 0, 0], [1, 1, 0, 1]]),
    "nothing but -inf, in steps of 1": ([[-inf] * 3] * 3, 3, {"padding": 1, "stride": 1}, [[4, 2, 0], [2, 1, 0], [0, 0, 0]]),
    "NaN": ([[nan, 1, nan], [2, nan, 3], [1, 1, 1]], 2, {"stride": 1}, [[0, 0, 0], [0, 4, 0], [0, 0, 0]]),
    "NaN beside the rim": ([[nan, 1, nan], [2, nan, 3], [1, 1, 1]], 3, {"padding": 1, "stride": 1}, [[0, 0, 0], [0, 9, 0], [0, 0, 0]]),
    "both": ([[-inf, nan], [-inf, -inf]], 2, {"padding": 1, "stride": 1}, [[2, 4], [2, 1]]),
}  # fmt: skip


@pytest.mark.parametrize(("image", "kernel", "settings", "gradient"), POOLED.values(), ids=list(POOLED))
def test_the_gradient_of_a_pool_goes_into_the_image(image, kernel, settings, gradient):
    x = gm.tensor([[image]], dtype=gm.float64, requires_grad=True)
    y = F.max_pool2d(x, kernel, **settings)
    y.sum().backward()
    assert x.grad.tolist() == [[gradient]]
    v = np.arange(1.0, 1 + x.array.size).reshape(x.shape)
    _, along = gm.jvp(lambda x: F.max_pool2d(x, kernel, **settings), (x.detach(),), (gm.tensor(v),))
    np.testing.assert_allclose(np.sum(along.numpy()), np.sum(v * np.array(gradient)))


REFUSED = {
    "Given input size: (3x2x5). Calculated output size: (3x0x1). Output size is too small": [
        lambda x: F.max_pool2d(x, 3), lambda x: F.max_pool2d(x[0], 3), lambda x: F.avg_pool2d(x, 3)],
    "Calculated padded input size per channel: (2 x 5). Kernel size: (3 x 3). Kernel size can't be greater than actual input size": [
        lambda x: F.conv2d(x, x.new_ones((4, 3, 3, 3))), lambda x: F.conv2d(x[0], x.new_ones((4, 3, 3, 3)))],
    "Calculated padded input size per channel: (4 x 7). Kernel size: (5 x 5). Kernel size can't be greater than actual input size": [
        lambda x: F.conv2d(x, x.new_ones((4, 3, 3, 3)), padding=1, dilation=2)],
    "pad should be at most half of effective kernel size, but got pad=2, kernel_size=3 and dilation=1": [
        lambda x: F.max_pool2d(x, 3, padding=2), lambda x: F.avg_pool2d(x, 3, padding=2)],
    "pad must be non-negative, but got pad: -1": [lambda x: F.max_pool2d(x, 2, padding=-1)],
    "stride should not be zero": [lambda x: F.max_pool2d(x, 2, stride=0), lambda x: F.avg_pool2d(x, 0)],
    "non-positive stride is not supported": [lambda x: F.conv2d(x, x.new_ones((4, 3, 1, 1)), stride=0)],
    "negative padding is not supported": [lambda x: F.conv2d(x, x.new_ones((4, 3, 1, 1)), padding=-1)],
}  # fmt: skip


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("text", REFUSED)
def test_settings_that_do_not_fit_are_refused(text, device):
    for f in REFUSED[text]:
        with pytest.raises(RuntimeError) as refused:
            f(gm.ones(2, 3, 2, 5, device=device))
        assert str(refused.value).startswith(text)


@pytest.mark.parametrize("name", ["input", "target"])
def test_what_is_no_probability_is_refused(name):
    pair = {"input": gm.tensor([0.5]), "target": gm.tensor([0.5]), name: gm.tensor([1.5])}
    with pytest.raises(RuntimeError, match=f"all elements of {name} should be between 0 and 1"):
        F.binary_cross_entropy(**pair)


# ---- rows that do not count ------------------------------------------------------------------------------------------
Z = [[nan, 1.0, 2.0], [0.0, 1.0, 2.0], [inf, 1.0, 2.0], [1.0, -inf, 3.0]]
ROWS = [[nan] * 3, [0.0450, 0.1224, -0.1674], [nan] * 3, [-0.4404, 0.0, 0.4404]]
HALF = {  # reduction, weights, label smoothing: the loss
    ("mean", None, 0.0): 1.2672670, ("mean", None, 0.1): inf, ("mean", (1.0, 0.0, 2.0), 0.0): 0.9807134,
    ("mean", (1.0, 0.0, 2.0), 0.1): nan, ("sum", None, 0.0): 2.5345340, ("none", None, 0.0): [0.0, 0.4076060, 0.0, 2.1269281],
    ("none", None, 0.1): [0.0, 0.5076060, 0.0, inf], ("none", (1.0, 0.0, 2.0), 0.1): [0.0, 0.8411180, 0.0, nan],
}  # fmt: skip


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("setting", HALF)
@pytest.mark.parametrize("by_parts", [False, True])
def test_what_stands_in_a_row_that_does_not_count_counts_nothing(setting, device, by_parts, monkeypatch):
    if by_parts:
        monkeypatch.setattr(losses, "_is_matrix", lambda z, y: False)
    reduction, weight, smoothing = setting
    z = gm.tensor(Z, device=device, requires_grad=True)
    y = gm.tensor([-100, 2, -100, 0], device=device)
    weight = None if weight is None else gm.tensor(weight, device=device)
    with np.errstate(all="ignore"):
        loss = F.cross_entropy(z, y, weight, reduction=reduction, label_smoothing=smoothing)
        np.testing.assert_allclose(loss.tolist(), HALF[setting], rtol=1e-6)
        loss.sum().backward()
    if setting == ("mean", None, 0.0):
        np.testing.assert_allclose(z.grad.tolist(), ROWS, atol=1e-4)
    assert np.isnan(z.grad.tolist()[0]).all()
    assert np.isfinite(z.grad.tolist()[1]).all()
