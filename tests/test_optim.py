"""Optimisers move parameters as PyTorch's do, in place, and the tape sees nothing of it."""

import numpy as np
import pytest

import gradmagic as gm
from gradmagic import optim
from gradmagic.errors import StaleError

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.02),
    "SGD momentum": lambda p: optim.SGD(p, lr=0.02, momentum=0.9),
    "SGD nesterov": lambda p: optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "SGD dampening": lambda p: optim.SGD(p, lr=0.02, momentum=0.5, dampening=0.3),
    "SGD decay": lambda p: optim.SGD(p, lr=0.02, weight_decay=0.2),
    "SGD maximize": lambda p: optim.SGD(p, lr=0.01, maximize=True),
    "Adam": lambda p: optim.Adam(p, lr=0.02),
    "Adam decay": lambda p: optim.Adam(p, lr=0.02, weight_decay=0.1, betas=(0.8, 0.9)),
    "AdamW": lambda p: optim.AdamW(p, lr=0.02),
    "Adam amsgrad": lambda p: optim.Adam(p, lr=0.02, amsgrad=True),
    "Adamax": lambda p: optim.Adamax(p, lr=0.02),
    "NAdam": lambda p: optim.NAdam(p, lr=0.02, weight_decay=0.1, decoupled_weight_decay=True),
    "RAdam": lambda p: optim.RAdam(p, lr=0.02, betas=(0.5, 0.6)),
    "RMSprop": lambda p: optim.RMSprop(p, lr=0.02, momentum=0.5, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=0.02),
    "Adadelta": lambda p: optim.Adadelta(p, lr=0.5),
    "Rprop": lambda p: optim.Rprop(p, lr=0.02),
    "ASGD": lambda p: optim.ASGD(p, lr=0.02, t0=1),
}


def test_writes_the_parameters_own_memory():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    view = x.data
    optimizer = optim.SGD([x], lr=0.5)
    for expected in ([0.5, 1.5], [0.0, 1.0], [-0.5, 0.5]):
        x.grad = gm.ones(2)
        optimizer.step()
        assert view.tolist() == x.tolist() == expected
    assert x.grad.tolist() == [1.0, 1.0]


def test_an_old_graph_is_stale_after_a_step():
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.5)
    for _ in range(2):  # the first step and the later ones take different ways
        loss = (x * x).sum()
        loss.backward(retain_graph=True)
        optimizer.step()
        with pytest.raises(StaleError, match="optimizer"):
            loss.backward()


def test_zero_grad():
    x = gm.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.1)
    (x * 2).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert x.grad.tolist() == [0.0]
    optimizer.zero_grad()
    assert x.grad is None
    optimizer.step()  # nothing to do, no error
    assert x.tolist() == [1.0]


def test_a_parameter_that_is_a_number():
    x = gm.tensor(1.0, requires_grad=True)
    optimizer = optim.SGD([x], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        (x * 2).backward()
        optimizer.step()
    assert x.item() == pytest.approx(0.4) and repr(x) == "tensor(0.4000, requires_grad=True)"


def test_groups_with_settings_of_their_own():
    x, y = gm.tensor([1.0], requires_grad=True), gm.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([{"params": [x]}, {"params": y, "lr": 1.0}], lr=0.1)
    (x + y).sum().backward()
    optimizer.step()
    assert x.item() == pytest.approx(0.9) and y.item() == 0.0
    assert [g["lr"] for g in optimizer.param_groups] == [0.1, 1.0]
    optimizer.param_groups[0]["lr"] = 1.0  # as schedules do
    optimizer.step()
    assert x.item() == pytest.approx(-0.1)


def test_closure():
    x = gm.tensor([2.0], requires_grad=True)
    optimizer = optim.SGD([x], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (x**2).sum()
        loss.backward()
        return loss

    with gm.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 4.0 and x.item() == 1.0


def test_state_is_saved_and_loaded():
    made = []
    for resumed in (False, True):
        x = gm.tensor([1.0, -1.0], requires_grad=True)
        optimizer = optim.Adam([x], lr=0.1)
        for step in range(6):
            if resumed and step == 3:
                state, optimizer = optimizer.state_dict(), optim.Adam([x], lr=0.5)
                optimizer.load_state_dict(state)
            optimizer.zero_grad()
            (x**4).sum().backward()
            optimizer.step()
        made.append(x.tolist())
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda x: optim.SGD(x, lr=0.1), TypeError, r"write \[x\]"),
        (lambda x: optim.SGD([], lr=0.1), ValueError, "empty parameter list"),
        (lambda x: optim.SGD([x * 2], lr=0.1), ValueError, "non-leaf"),
        (lambda x: optim.SGD([np.ones(2)], lr=0.1), TypeError, "ndarray"),
        (lambda x: optim.SGD([x], lr=-1), ValueError, "maximize=True"),
        (lambda x: optim.SGD([x], lr=1, nesterov=True), ValueError, "Nesterov"),
        (lambda x: optim.Adam([x], betas=(0.9, 1.0)), ValueError, "index 1"),
        (
            lambda x: optim.Adam([x], rl=0.1),
            TypeError,
            "unexpected keyword argument 'rl': its settings are lr, betas",
        ),
        (lambda x: optim.Adam([x], differentiable=True), TypeError, "write the update|Write the update"),
        (
            lambda x: optim.SGD([{"params": [x]}, {"params": [x]}]),
            ValueError,
            "more than one parameter group",
        ),
        (lambda x: optim.LBFGS([{"params": [x]}, {"params": [gm.ones(1)]}]), ValueError, "one list"),
        (lambda x: optim.LBFGS([x]).step(), TypeError, "closure"),
        (lambda x: optim.lr_scheduler.StepLR(x, 3), TypeError, "Tensor is not an Optimizer"),
    ],
)
def test_errors(make, kind, text):
    with pytest.raises(kind, match=text):
        make(gm.ones(2, requires_grad=True))


def test_repr():
    text = repr(optim.SGD([gm.ones(1, requires_grad=True)], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n") and "    lr: 0.1\n" in text


def test_groups_are_printed_apart():
    x, y = gm.ones(1, requires_grad=True), gm.ones(1, requires_grad=True)
    text = repr(optim.SGD([{"params": [x]}, {"params": [y], "lr": 0.5}], lr=0.1))
    assert "weight_decay: 0\n\nParameter Group 1\n" in text


def test_adam_that_climbs_moves_as_adam_on_the_negative():
    ends = []
    for sign in (1, -1):
        x = gm.tensor([1.0, -2.0, 0.5], requires_grad=True)
        optimizer = optim.Adam([x], lr=0.1, maximize=sign < 0)
        for _ in range(5):
            optimizer.zero_grad()
            (sign * (x**2).sum()).backward()
            optimizer.step()
        ends.append(x.tolist())
    assert ends[0] == ends[1]


def test_what_is_frozen_keeps_its_gradient_and_moves_until_that_is_forgotten():
    x = gm.tensor([1.0], requires_grad=True)
    for kind in (optim.SGD, optim.Adam):
        optimizer = kind([x], lr=0.5)
        (x * 1.0).sum().backward()
        x.requires_grad_(False)
        assert x.grad.tolist() == [1.0]
        before = x.item()
        optimizer.step()
        assert x.item() == pytest.approx(before - 0.5, abs=1e-6)
        optimizer.zero_grad()
        optimizer.step()
        assert x.grad is None and x.item() == pytest.approx(before - 0.5, abs=1e-6)
        assert x.requires_grad_().grad is None


def test_hooks_of_a_step():
    x, seen = gm.tensor([1.0], requires_grad=True), []
    optimizer = optim.SGD([x], lr=0.5)
    handles = [optimizer.register_step_pre_hook(lambda o, a, k: seen.append(x.item())),
               optimizer.register_step_post_hook(lambda o, a, k: seen.append(x.item()))]  # fmt: skip
    x.grad = gm.ones(1)
    optimizer.step()
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert seen == [1.0, 0.5] and x.item() == 0.0


def test_an_optimizer_of_ones_own():
    class Signs(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self.state[p]["steps"] = self.state[p].get("steps", 0) + 1
                        p.data.add_(-group["lr"] * p.grad.sign())

    x = gm.tensor([1.0, -1.0], requires_grad=True)
    optimizer = Signs([x], lr=0.25)
    (x**2).sum().backward()
    optimizer.step()
    assert x.tolist() == [0.75, -0.75] and optimizer.state[x] == {"steps": 1}


def test_a_schedule_before_the_first_step_is_told():
    optimizer = optim.SGD([gm.ones(1, requires_grad=True)], lr=1.0)
    schedule = optim.lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="opposite order"):
        schedule.step()


def test_a_schedule_is_saved_and_loaded():
    made = []
    for resumed in (False, True):
        optimizer = optim.SGD([gm.ones(1, requires_grad=True)], lr=1.0)
        start = lambda: optim.lr_scheduler.CosineAnnealingLR(optimizer, 7, eta_min=0.1)
        schedule = start()
        for k in range(9):
            if resumed and k == 4:
                states = optimizer.state_dict(), schedule.state_dict()
                optimizer = optim.SGD([gm.ones(1, requires_grad=True)], lr=5.0)
                schedule = start()
                optimizer.load_state_dict(states[0])
                schedule.load_state_dict(states[1])
            optimizer.step()
            schedule.step()
        made.append(schedule.get_last_lr())
    assert made[0] == made[1]
