"""Learning rates over time: by lambda, in steps, cosine, one cycle, warm-up, plateau."""
import warnings
import torch
from torch import nn, optim
from torch.optim import lr_scheduler

warnings.simplefilter("ignore")


def rates(make, n=12):
    net = nn.Linear(2, 1)
    opt = optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
    sched = make(opt)
    seen = []
    for _ in range(n):
        opt.step()
        seen.append(round(opt.param_groups[0]["lr"], 5))
        sched.step()
    return seen, [round(v, 5) for v in sched.get_last_lr()]


S = lr_scheduler
for name, make in {
    "lambda": lambda o: S.LambdaLR(o, lambda e: 0.95 ** e), "step": lambda o: S.StepLR(o, 4, gamma=0.1),
    "multi": lambda o: S.MultiStepLR(o, milestones=[3, 8], gamma=0.5), "exp": lambda o: S.ExponentialLR(o, 0.9),
    "cosine": lambda o: S.CosineAnnealingLR(o, T_max=10, eta_min=0.01), "linear": lambda o: S.LinearLR(o, 0.1, total_iters=5),
    "constant": lambda o: S.ConstantLR(o, 0.25, total_iters=3), "poly": lambda o: S.PolynomialLR(o, total_iters=8, power=2),
    "restarts": lambda o: S.CosineAnnealingWarmRestarts(o, T_0=4, T_mult=2),
    "one cycle": lambda o: S.OneCycleLR(o, max_lr=1.0, total_steps=14),
    "cyclic": lambda o: S.CyclicLR(o, base_lr=0.1, max_lr=0.6, step_size_up=3),
    "warm up": lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, total_iters=4), S.CosineAnnealingLR(o, 8)], milestones=[4]),
    "chained": lambda o: S.ChainedScheduler([S.ConstantLR(o, 0.5, total_iters=2), S.ExponentialLR(o, 0.9)]),
}.items():
    print(name, *rates(make))
opt = optim.SGD(nn.Linear(2, 1).parameters(), lr=0.5)
sched = S.ReduceLROnPlateau(opt, mode="min", factor=0.5, patience=1)
for v in [1.0, 0.9, 0.95, 0.96, 0.97, 0.5, 0.6, 0.6, 0.6]:
    sched.step(v)
    print(opt.param_groups[0]["lr"], end=" ")
print()
