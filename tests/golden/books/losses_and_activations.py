"""A tour of losses and activations with their gradients, as a chapter on them prints it."""
import torch
import torch.nn as nn
import torch.nn.functional as F

x = torch.linspace(-3, 3, 7)
for act in (nn.ReLU(), nn.LeakyReLU(0.1), nn.ELU(), nn.SELU(), nn.CELU(), nn.GELU(), nn.GELU(approximate="tanh"), nn.SiLU(), nn.Mish(),
            nn.Softplus(), nn.Softsign(), nn.Tanhshrink(), nn.Hardtanh(), nn.Hardswish(), nn.Hardsigmoid(), nn.ReLU6(),
            nn.LogSigmoid(), nn.Softshrink(), nn.Hardshrink(), nn.Threshold(0.5, -1.0), nn.Sigmoid(), nn.Tanh()):
    t = x.clone().requires_grad_()
    y = act(t)
    y.sum().backward()
    print(act, y.detach(), t.grad, sep="\n  ")
torch.manual_seed(36)
print(F.glu(torch.arange(8.0)), nn.Softmax(dim=0)(x), F.gumbel_softmax(torch.zeros(3), tau=1.0).sum())
p, t = torch.tensor([0.2, 0.7, 0.9], requires_grad=True), torch.tensor([0.0, 1.0, 1.0])
for loss in (nn.MSELoss(), nn.L1Loss(), nn.SmoothL1Loss(), nn.HuberLoss(delta=0.2), nn.BCELoss(), nn.BCEWithLogitsLoss(pos_weight=torch.tensor(2.0)),
             nn.PoissonNLLLoss(), nn.SoftMarginLoss(), nn.HingeEmbeddingLoss()):
    target = t if not isinstance(loss, (nn.SoftMarginLoss, nn.HingeEmbeddingLoss)) else 2 * t - 1
    for reduction in ("mean", "sum"):
        loss.reduction = reduction
        l = loss(p, target)
        (g,) = torch.autograd.grad(l, p)
        print(loss, l.item(), g)
print(nn.GaussianNLLLoss()(p, t, torch.full((3,), 0.5)), nn.KLDivLoss(reduction="batchmean")(p.log(), torch.tensor([0.1, 0.6, 0.3])))
logits = torch.tensor([[1.0, 2.0, 0.5], [0.1, -1.0, 3.0]], requires_grad=True)
c = torch.tensor([1, 2])
for l in (nn.CrossEntropyLoss(), nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5])), nn.CrossEntropyLoss(label_smoothing=0.1),
          nn.CrossEntropyLoss(ignore_index=2), nn.MultiMarginLoss()):
    (g,) = torch.autograd.grad(l(logits, c), logits)
    print(l(logits, c), g)
print(nn.NLLLoss()(F.log_softmax(logits, 1), c), F.cross_entropy(logits, F.one_hot(c, 3).float()), nn.MultiLabelSoftMarginLoss()(logits, F.one_hot(c, 3).float()))
