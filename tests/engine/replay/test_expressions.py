"""Expressions of PyTorch's names, forward and backward, recorded on some numbers and replayed on others.

In: the expressions that are compared with PyTorch, and modules with their inputs. Out: values and gradients as without
a program, or a refusal that stands in the table.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import gradmagic as gm
from gradmagic import nn
from gradmagic.nn import functional

from ...golden.expressions import EXPRESSIONS, inputs

GROUPS = ("math", "reductions", "shapes", "products", "functional", "losses")
EXTRA = (  # further functions, losses and modules of one line
    "F.relu6(x)|F.selu(x)|F.celu(x)|F.mish(x)|F.hardswish(x)|F.hardsigmoid(x)|F.softsign(x)|F.tanhshrink(x)|F.glu(b[...,:2])|"
    "F.threshold(x,.1,0.)|F.hardshrink(x)|F.softshrink(x)|F.softmin(x,1)|F.prelu(x,v[:1])|F.group_norm(image,2)|"
    "F.instance_norm(image)|F.batch_norm(x,None,None,training=True)|F.cosine_similarity(x,y)|F.pairwise_distance(x,y)|"
    "F.conv1d(b,b)|F.conv_transpose2d(image,kernel)|F.max_pool1d(b,2)|F.avg_pool1d(b,2)|F.adaptive_avg_pool2d(image,2)|"
    "F.adaptive_max_pool2d(image,2)|F.interpolate(image,scale_factor=2)|F.unfold(image,2)|F.pixel_shuffle(image[:,:1]"
    ".repeat(1,4,1,1),2)|F.bilinear(x,y,sq[None],v[:1])|F.embedding_bag(n%2,x)|F.poisson_nll_loss(x,t)|F.gaussian_nll_loss"
    "(x,y,p)|F.margin_ranking_loss(v,v*2,t[0])|F.hinge_embedding_loss(x,t*2-1)|F.cosine_embedding_loss(x,y,t[:,0])|"
    "F.triplet_margin_loss(x,y,p)|F.multi_margin_loss(x,i)|F.multilabel_soft_margin_loss(x,t)|F.soft_margin_loss(x,t*2-1)|"
    "F.scaled_dot_product_attention(b,b,b)|torch.cummax(x,1)[0]|torch.cdist(x,y)|torch.einsum('ij,jk->ik',x,sq)|"
    "torch.linalg.solve(sq,v)|torch.linalg.qr(sq)[1].abs()|torch.linalg.svdvals(sq)|torch.kron(x,y)|x.clone().index_add(0,i%2,y)|"
    "x.scatter_add(1,n%3,y)|torch.special.gammaln(p)|torch.fft.fft(v).abs()|x.cov()|torch.logcumsumexp(x,1)|x.renorm(2,0,1.)"
).split("|")
# What a program cannot hold, with the reason; one that is here and runs fails the test.
REFUSED: dict[str, str] = {}


def evaluated(expression: Any, **arrays: Any) -> Any:
    """Give values and gradients of an expression, a function of tensors, with these numbers."""
    named = {k: gm.tensor(a, requires_grad=a.dtype.kind == "f" and k not in "tw") for k, a in arrays.items()}
    found = expression(**named)
    parts = [p for p in (found if isinstance(found, (tuple, list)) else (found,)) if isinstance(p, gm.Tensor)]
    total: Any = 0.0
    for part in parts:
        if part.requires_grad:
            total = total + (part * (np.arange(part.numel()).reshape(tuple(part.shape)) % 7 - 2.5)).sum()
    if isinstance(total, gm.Tensor):
        total.backward()
    return [p.detach().numpy() for p in parts], [named[k].grad for k in named]


def numbers(call: int) -> dict[str, Any]:
    """Give the numbers that the expressions speak of; of later calls floats are a little off."""
    r = np.random.default_rng(call)
    made = {}
    for name, tensor in inputs(gm).items():
        a = np.array(tensor.detach().numpy())
        made[name] = a + (0.02 * call * r.normal(size=a.shape)).astype(a.dtype) if a.dtype.kind == "f" else a
    made["t"] = np.clip(made["t"], 0, 1)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("expression", [e for g in GROUPS for e in EXPRESSIONS[g]] + EXTRA)
def test_an_expression_is_replayed_right(expression: str) -> None:
    text = f"lambda {', '.join(numbers(0))}: {expression}"
    function = eval(
        compile(text, f"<{expression}>", "eval"), {"torch": gm, "F": functional, "nn": nn, "np": np}
    )
    replayed = gm.replay(lambda **arrays: evaluated(function, **arrays))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for call in range(3):
            given = numbers(call)
            want, got = evaluated(function, **given), replayed(**given)
            for mine, right in zip([*got[0], *got[1]], [*want[0], *want[1]], strict=True):
                assert type(mine) is type(right)
                if right is not None:
                    mine, right = getattr(mine, "array", mine), getattr(right, "array", right)
                    assert mine.dtype == right.dtype and mine.shape == right.shape
                    np.testing.assert_allclose(mine, right, rtol=2e-5, atol=2e-6)
    if expression in REFUSED:
        assert REFUSED[expression] in replayed.refused[0]
    else:
        assert not replayed.refused, replayed.refused
        assert replayed.served
