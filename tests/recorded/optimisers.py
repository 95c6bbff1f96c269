"""Where optimisers and schedules go in 100 steps."""

import numpy as np

SETTINGS = {
    "SGD": [{"lr": 0.02}, {"lr": 0.02, "momentum": 0.9}, {"lr": 0.02, "momentum": 0.9, "nesterov": True},
            {"lr": 0.02, "momentum": 0.5, "dampening": 0.3, "weight_decay": 0.2},
            {"lr": 1e-4, "momentum": 0.5, "maximize": True}],
    "Adam": [{"lr": 0.05}, {"lr": 0.05, "betas": (0.8, 0.9), "weight_decay": 0.1}, {"lr": 0.3, "amsgrad": True},
             {"lr": 1e-3, "maximize": True}, {"lr": 0.05, "decoupled_weight_decay": True, "weight_decay": 0.1}],
    "AdamW": [{"lr": 0.05}, {"lr": 0.3, "amsgrad": True, "weight_decay": 0.2}],
    "RMSprop": [{"lr": 0.02}, {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1},
                {"lr": 0.01, "centered": True, "alpha": 0.9}, {"lr": 1e-3, "momentum": 0.5, "maximize": True}],
    "Adagrad": [{"lr": 0.3}, {"lr": 0.3, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}],
    "Adadelta": [{}, {"lr": 2.0, "rho": 0.8, "weight_decay": 0.1}],
    "Adamax": [{"lr": 0.05}, {"lr": 0.05, "weight_decay": 0.1, "betas": (0.8, 0.9)}],
    "NAdam": [{"lr": 0.05}, {"lr": 0.05, "weight_decay": 0.1, "momentum_decay": 0.01},
              {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}],
    "RAdam": [{"lr": 0.1}, {"lr": 0.1, "weight_decay": 0.1},
              {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "betas": (0.8, 0.9)}],
    "Rprop": [{}, {"lr": 0.1, "etas": (0.4, 1.3), "step_sizes": (1e-3, 0.5)}],
    "ASGD": [{"lr": 0.02}, {"lr": 0.02, "lambd": 0.1, "t0": 10, "weight_decay": 0.1}],
}  # fmt: skip


def parameters(torch, dtype="float64"):
    x = torch.tensor(np.array([1.0, -2.0, 0.5], dtype), requires_grad=True)
    w = torch.tensor(np.linspace(-1, 2, 6).reshape(2, 3).astype(dtype), requires_grad=True)
    return x, w, torch.tensor(np.array(3.0, dtype), requires_grad=True)


def loss_of(x, w, s):
    """Curved, not convex, and one entry's gradient changes its sign."""
    return ((w @ x - s) ** 2).mean() + 0.1 * (x**4).sum() + 0.05 * (s * x).sin().sum() + 0.1 * (w**2).sum()


def state_of(optimizer):
    return {str(k): {n: v for n, v in kept.items() if n not in ("eta", "mu")}
            for k, kept in optimizer.state_dict()["state"].items()}  # fmt: skip


def walk(name, settings, dtype):
    def case(torch):
        params = parameters(torch, dtype)
        optimizer = getattr(torch.optim, name)(params, **settings)
        path = []
        for k in range(100):
            optimizer.zero_grad()
            loss = loss_of(*params)
            loss.backward()
            optimizer.step()
            if k in (0, 9, 49, 99):
                path.append([loss.item(), *[p.detach().clone() for p in params]])
        state = state_of(optimizer)
        for kept in state.values():  # PyTorch counts in float32
            kept.pop("step", None)
            kept.pop("mu_product", None)
        groups = [
            {k: v for k, v in g.items() if k != "params"} for g in optimizer.state_dict()["param_groups"]
        ]
        return {"path": path, "state": state, "groups": repr(groups), "repr": repr(optimizer)}

    # PyTorch keeps numbers of these two in float32.
    case.tolerance = (1e-5 if name in ("NAdam", "ASGD") else 1e-8) if dtype == "float64" else 2e-3
    return case


def complex_walk(name):
    def case(torch):
        z = torch.tensor(np.array([1 + 2j, -0.5 + 0.1j]), requires_grad=True)
        optimizer = getattr(torch.optim, name)([z], lr=0.05)
        for _ in range(20):
            optimizer.zero_grad()
            (z * z - (2 + 1j)).abs().pow(2).sum().backward()
            optimizer.step()
        return z

    return case


def by_curvature(settings):
    def case(torch):
        x = torch.tensor(np.array([-1.5, 2.0, 0.3]), requires_grad=True)
        s = torch.tensor(np.array(0.5), requires_grad=True)
        optimizer = torch.optim.LBFGS([x, s], **settings)
        calls = []

        def closure():
            optimizer.zero_grad()
            loss = (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum() + (s - x[0]) ** 2
            loss.backward()
            calls.append(loss.item())
            return loss

        for _ in range(4):
            optimizer.step(closure)
        return {"calls": len(calls), "losses": calls[:20], "x": x, "s": s}

    case.tolerance = 1e-5
    return case


def parts(torch, optimizer, kinds):
    module = torch.optim.lr_scheduler
    return [getattr(module, kind)(optimizer, **settings) for kind, settings in kinds]


def sequence(torch, optimizer):
    kinds = [
        ("ConstantLR", {"factor": 0.1, "total_iters": 4}),
        ("ExponentialLR", {"gamma": 0.9}),
        ("StepLR", {"step_size": 5, "gamma": 0.5}),
    ]
    made = parts(torch, optimizer, kinds)
    return torch.optim.lr_scheduler.SequentialLR(optimizer, made, milestones=[8, 20])


def chain(torch, optimizer):
    made = parts(
        torch, optimizer, [("LinearLR", {"total_iters": 10}), ("MultiStepLR", {"milestones": [3, 30]})]
    )
    return torch.optim.lr_scheduler.ChainedScheduler(made)


def warmed(torch, optimizer):
    made = parts(torch, optimizer, [("LinearLR", {"start_factor": 0.01, "total_iters": 10}),
                                    ("CosineAnnealingLR", {"T_max": 40, "eta_min": 0.01})])  # fmt: skip
    return torch.optim.lr_scheduler.SequentialLR(optimizer, made, milestones=[10])


SCHEDULES = {
    "StepLR": {"step_size": 7, "gamma": 0.3}, "MultiStepLR": {"milestones": [3, 10, 10, 40], "gamma": 0.5},
    "ExponentialLR": {"gamma": 0.95}, "ConstantLR": {"factor": 0.5, "total_iters": 10}, "LinearLR": {},
    "PolynomialLR": {"total_iters": 30, "power": 2.0}, "CosineAnnealingLR": {"T_max": 20, "eta_min": 0.001},
    "CosineAnnealingWarmRestarts": {"T_0": 7, "T_mult": 2}, "LambdaLR": {"lr_lambda": lambda k: 0.9**k},
    "MultiplicativeLR": {"lr_lambda": lambda k: 0.95},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "step_size_down": 9, "mode": "triangular2"},
    "CyclicLR ": {"base_lr": 0.01, "max_lr": [0.1, 0.2], "step_size_up": 5, "mode": "exp_range", "gamma": 0.97},
    "OneCycleLR": {"max_lr": 0.1, "total_steps": 50},
    "OneCycleLR ": {"max_lr": [0.1, 0.3], "epochs": 10, "steps_per_epoch": 6, "three_phase": True,
                    "anneal_strategy": "linear"},
    "SequentialLR": sequence, "ChainedScheduler": chain, "SequentialLR of warmth": warmed,
}  # fmt: skip


def schedule(name, settings, kind):
    def case(torch):
        x, w, _ = parameters(torch)
        optimizer = getattr(torch.optim, kind)([{"params": [x]}, {"params": [w], "lr": 0.03}], lr=0.1)
        if callable(settings):
            made = settings(torch, optimizer)
        else:
            made = getattr(torch.optim.lr_scheduler, name.strip())(optimizer, **settings)
        path = []
        for _ in range(45):
            group = optimizer.param_groups[0]
            path.append([*made.get_last_lr(), float(group.get("momentum", group.get("betas", (0.0,))[0]))])
            optimizer.step()
            made.step()
        return path

    return case


def plateau(settings):
    def case(torch):
        x, w, _ = parameters(torch)
        optimizer = torch.optim.SGD([{"params": [x]}, {"params": [w], "lr": 0.03}], lr=0.1)
        made = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
        path = []
        for k in range(40):
            made.step(1 / (1 + min(k, 10)) + 0.2 * (k % 3 == 0))
            path.append([*made.get_last_lr(), made.num_bad_epochs])
        return path

    return case


def restarted(torch):
    """Steps by a fraction of an epoch, as the schedule's documentation has it."""
    x, _, _ = parameters(torch)
    optimizer = torch.optim.SGD([x], lr=0.1)
    made = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 4, 2)
    path = []
    for k in range(60):
        made.step(k / 5)
        path.append(made.get_last_lr()[0])
    return path


CASES = {
    **{f"{name} {settings} {dtype}": walk(name, settings, dtype)
       for name, several in SETTINGS.items() for i, settings in enumerate(several)
       for dtype in ("float64", "float32")[: 1 if i else 2] if (name, dtype) != ("Rprop", "float32")},
    **{f"{name} of complex": complex_walk(name) for name in SETTINGS},
    **{f"LBFGS {s}": by_curvature(s) for s in (
        {}, {"lr": 0.1, "history_size": 3}, {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "max_iter": 7, "max_eval": 9, "tolerance_change": 1e-12})},
    **{name: schedule(name, s, ("SGD", "Adam")[i % 2]) for i, (name, s) in enumerate(SCHEDULES.items())},
    **{f"ReduceLROnPlateau {s}": plateau(s) for s in (
        {"patience": 2, "factor": 0.5}, {"mode": "max", "patience": 4, "cooldown": 3, "threshold_mode": "abs"},
        {"patience": 1, "min_lr": [0.02, 0.01], "threshold": 0.2})},
    "CosineAnnealingWarmRestarts by parts of an epoch": restarted,
}  # fmt: skip
