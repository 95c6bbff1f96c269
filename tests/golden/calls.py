"""Calls that PyTorch and gradmagic must read alike, drawn over functions, methods, dtypes, shapes, dims and mistakes.

`drawn()` gives the texts; `outcome(text, torch)` what a text comes to by either library: shapes, dtypes, values,
gradients, the name of what made it; or the class and the first sentence of the error. make_calls.py records them.
"""

from __future__ import annotations

import random
import re
import warnings
from typing import Any

import numpy as np

# ---- what the texts speak of -----------------------------------------------------------------------------------------

_SHAPES = {"": (2, 3), "v": (3,), "0": (), "q": (3, 3), "p": (2, 2, 3)}
_DTYPES = {"f": "float32", "d": "float64", "n": "int64", "i": "int32", "b": "bool", "c": "complex64"}


def inputs(torch: Any, put: Any = None) -> dict[str, Any]:
    """Make a tensor of each dtype and shape: f (2, 3), fv (3), f0 (), fq (3, 3), fp (2, 2, 3), d ..., n ...

    `put` brings an array to a device.
    """
    put = put or (lambda array: array)
    rng = np.random.default_rng(5)
    made: dict[str, Any] = {}
    for letter, dtype in _DTYPES.items():
        for suffix, shape in _SHAPES.items():
            values: Any = rng.integers(1, 9, shape) / 4 * rng.choice([1, 1, -1], shape)
            if letter in "ni":
                values = values * 4
            elif letter == "c":
                values = values + 1j * rng.integers(-4, 5, shape) / 4
            array = np.asarray(values > 0 if letter == "b" else values).astype(dtype)
            tensor = torch.tensor(put(array))
            made[letter + suffix] = tensor.requires_grad_() if letter in "fdc" else tensor
    whole = {"k": [2, 0], "kk": [[0, 1, 0], [1, 0, 1]], "far": [1, 7]}
    return made | {name: torch.tensor(put(np.array(values))) for name, values in whole.items()}


# ---- the draws -------------------------------------------------------------------------------------------------------

UNARY = (
    "abs acos acosh asin asinh atan atanh ceil cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 floor frac i0 "
    "lgamma log log10 log1p log2 logit neg rad2deg reciprocal relu round rsqrt sgn sigmoid sign sin sinc sinh "
    "sqrt square "
    "tan tanh trunc nan_to_num logical_not isnan isposinf signbit positive angle"
).split()
BINARY = (
    "add sub mul div true_divide pow remainder fmod floor_divide maximum minimum fmax fmin atan2 hypot copysign "
    "eq ne lt "
    "le gt ge logical_and logical_or bitwise_and bitwise_or bitwise_xor xlogy logaddexp float_power heaviside gcd lcm "
    "ldexp bitwise_left_shift where_b"
).split()
OPERATORS = "+ - * / ** // % < <= == != > & | ^ @".split()
REDUCTIONS = (
    "sum mean prod amax amin max min argmax argmin all any std var median nansum nanmean logsumexp norm count_nonzero "
    "cumsum cumprod cummax cummin logcumsumexp softmax log_softmax sort argsort mode kthvalue_1 topk_2 std_mean "
    "var_mean "
    "aminmax unbind chunk_2 squeeze unsqueeze select_0 narrow_0_1 nanmedian quantile_0.25"
).split()
_DIMS = [
    "0",
    "1",
    "-1",
    "dim=0",
    "dim=-2",
    "2",
    "-3",
    "dim=1,keepdim=True",
    "",
    "(0,1)",
    "0,True",
    "dims=1",
    "0,keepdims=True",
]
_OPERANDS = [a + s for a in _DTYPES for s in ("", "v", "0")] + ["2", "0.5", "True", "1j", "-3"]
_KEYWORDS = ["out=3", "dimension=0", "inplace=True", "keep=1", "alpha=2"]

INDEXING = """
f[0]|f[-1]|f[2]|f[0,0]|f[0,0,0]|f[0,3]|f0[0]|f[None]|f[...,0]|f[k]|f[:,k]|fp[0,:,k]|fp[:,0,k]|fp[k-1,:,k]|
fp[0,:,k,None]|fp[None,0,:,k]|f[b]|f[bv]|f[:,bv]|f[b[:,0]]|f[far]|f[far,0]|f[fv]|f[[0,1]]|f[[0,1],[1,2]]|f[k,k,k]|
f[n0]|f[0:1]|f[::2]|f[:,::2]|fv[1:]|f[k-1,k]|f[kk[:,:2]-0]|f[True]|f[False]|f[torch.tensor(True)]|f[torch.tensor(1)]|
fp[:,k-1][0]|f[1.5]|f[0][0]|f.take(k)|f.take(far)|f.index_select(1,k)|f.index_select(0,far)|f.index_select(5,k)|
f.gather(0,kk)|f.gather(1,kk)|f.gather(1,far[None])|f.gather(1,k)|f.gather(0,kk.int())|f.gather(0,kk.float())|
torch.take_along_dim(f,kk,0)|f.masked_select(b)|f.masked_select(bv)|f.masked_fill(b,2)|f.masked_fill(b,f0)|
n.masked_fill(b,1.5)|
f.masked_fill(n,0)|f.scatter(0,kk,f)|f.scatter(0,kk,2.)|f.scatter(3,kk,f)|f.scatter_add(0,kk,f)|
f.scatter_reduce(0,kk,f,'amax')|f.scatter_reduce(0,kk,f,'mean',include_self=False)|f.scatter_reduce(0,kk,f,'typo')|
f.index_fill(1,k,0.)|f.index_add(1,k,f[:,:2])|f.index_copy(1,k,f[:,:2])|f.index_add(1,far,f[:,:2])|f.put(k,fv[:2])|
f.masked_scatter(b,fp)|f.select(0,5)|f.select(5,0)|f.narrow(1,1,5)|f.narrow(1,1,2)|f.split(2,1)|f.split([1,1],1)|
f.split(2,5)|
f.chunk(2,1)|f.tensor_split(2,1)|f.unfold(1,2,1)|f.diagonal(0,0,5)|f.diagonal(0,0,0)|f.diag_embed()|fq.diagonal()|
torch.select_scatter(f,fv,0,1)|torch.slice_scatter(f,f[:1],0,1)|torch.diagonal_scatter(fq,fv)|f.unflatten(1,(3,1))|
f.unflatten(1,(2,2))|f.flatten(1,0)|f.flatten(2)|f.squeeze(4)|f.permute(0)|f.permute(1,0)|f.transpose(0,2)|
f.movedim(0,5)|
f.expand(4,3)|f.expand(2,2,3)|f.expand(3)|f.view(4)|f.view(-1,4)|f.view(3,2)|f.T.view(6)|f.reshape(6)|f.repeat(2,1)|
f.flip(3)|
f.roll(1,0)|f.roll(1,4)|f.tril(1)|fv.tril()|fv.diag()|fp.diag()|f0.unsqueeze(1)|f0.unsqueeze(0)|f.unsqueeze(3)|
f.unsqueeze(4)|
torch.cat([f,f],2)|torch.cat([f,fv])|torch.cat([f,f],-1)|torch.cat([f0,f0])|torch.cat([f,n])|torch.cat([f,d])|
torch.stack([f,fv])|
torch.stack([f,f],3)|torch.stack([f0,f0])|torch.where(b,f,n)|torch.where(b,f,0)|torch.where(b,n,0.5)|
torch.where(b,n0,d0)
"""

PROGRAMS = """
a=f.clone();v=a.view(3,2);v.mul_(2);a|a=f.detach().clone();v=a[0];v.zero_();a|a=f.clone();a[0]=1.;a|
a=f.clone();a[:,k]=0.;a|
a=f.clone();a[b]=f0;a|a=fp.clone();a[0,:,k]=7.;a|a=f.clone();a[5]=1.|a=f.clone();a[0]=torch.ones(4)|
a=f*1;w=a*a;a.add_(1);w.sum().backward()|
f.add_(1)|f[0].add_(1)|f.detach().add_(f0)|n.add_(0.5)|n.clone().mul_(f)|n.clone().div_(2)|
f.detach().add_(torch.ones(2,2,3))|
f.clone().add_(d)|f.clone().mul_(c)|f.clone().copy_(n)|n.clone().copy_(d)|f.clone().fill_(2)|n.clone().fill_(2.7)|
f.clone().clamp_(0,1)|
f.clone().exp_()|n.clone().exp_()|f.clone().lt_(0)|f.clone().t_()|f.clone().unsqueeze_(0)|f.clone().unsqueeze_(5)|
f.clone().squeeze_()|
f.clone().transpose_(0,1)|f.clone().masked_fill_(b,0)|f.clone().masked_fill_(n,0)|f.clone().index_add_(1,k,f[:,:2])|
fq.clone().fill_diagonal_(0)|
f.clone().scatter_(0,kk,1.)|f.clone().cumsum_(0)|f.clone().pow_(2)|f.clone().pow_(f)|f.clone().relu_()|
a=f.clone();a+=1;a|a=f.clone();a*=f;a|a=n.clone();a/=2;a|a=n.clone();a+=0.5;a|a=n.clone();a//=2;a|
a=f.clone();a**=2;a|a=f.clone();a@=fq;a|
torch.exp(f.detach(),out=torch.zeros(2,3))|torch.exp(f,out=torch.zeros(2,3))|torch.add(n,n,out=torch.zeros(2,3))|
torch.add(f.detach(),1,out=torch.zeros(2,3).long())|torch.sum(f.detach(),0,out=torch.zeros(3))|torch.mul(n,2,out=torch.zeros(0))|
torch.max(f.detach(),0,out=(torch.zeros(3),torch.zeros(3).long()))|torch.matmul(f.detach(),fq.detach(),out=torch.zeros(2,3))|
(f*2).grad_fn.next_functions[0][0].name().split(':')[-1]|
(f@fq+fv).grad_fn.next_functions[1][0].name().split(':')[-1]|
[n and n.name().split(':')[-1]for n,_ in(2*f).grad_fn.next_functions]|
[n and n.name().split(':')[-1]for n,_ in(1-f).grad_fn.next_functions]|
[n and n.name().split(':')[-1]for n,_ in(f**2+f).grad_fn.next_functions]|len((f*d).grad_fn.next_functions)|
f.sum().grad_fn.next_functions[0][0].name().split(':')[-1]|f.grad|(f*2).is_leaf|f.detach().requires_grad|
f.data.requires_grad|type(f).__name__|f.type()|n.type()|
f.size(2)|f.size(-1)|f.shape[1]|f.stride()|f.T.stride()|f.dim()|f0.item()|f.item()|fv.tolist()|float(f0)|int(n0)|
bool(f)|len(f)|len(f0)|list(fv)[0]|
f.numpy()|f.detach().numpy().dtype.name|n.requires_grad_()|f.backward()|f.sum().backward();f.grad|
(f.sum()*2).backward();f.grad|
(c.abs()).sum().backward();c.grad|c.sum().backward()|torch.tensor([1,2],requires_grad=True)|
f.detach().sum().backward()|
torch.autograd.grad(f.sum(),f)|torch.autograd.grad(f.sum(),d)|torch.autograd.grad(f.sum(),d,allow_unused=True)|
f.retain_grad()|f.register_hook(lambda g:g*2)and f.sum().backward()or f.grad|
f.to(torch.float64)|f.to('cpu')|f.double()|n.float()|f.int()|b.long()|f.type(torch.int32)|f.to(d)|f.half()|c.real|
c.imag|f.imag|c.conj()|torch.view_as_real(c)|
torch.complex(f,f)|torch.complex(f,d)|torch.polar(f.abs(),f)|torch.result_type(f,d0)|torch.result_type(n,0.5)|
torch.promote_types(torch.int64,torch.float32)|torch.can_cast(torch.float32,torch.int64)
"""

PRODUCTS = """
f@fq|f@f|fv@fv|fq@fv|f@fv|fv@f|fp@fq|fp@fp|n@fq|n@n|torch.mm(f,fv)|torch.mv(fq,fv)|torch.dot(fv,fv)|
torch.dot(fv,nv)|torch.dot(f,fv)|torch.bmm(fp,fp.mT)|
torch.bmm(fp,f)|torch.addmm(fv,f,fq)|torch.addmm(f,f,fq,beta=.5,alpha=2)|torch.addmv(fv,fq,fv)|
torch.addr(fq,fv,fv,alpha=2)|torch.baddbmm(fp[:,:,:2],fp,fp.mT)|
torch.addbmm(fq[:2,:2],fp,fp.mT,beta=2)|torch.addcmul(f,f,fv,value=.5)|torch.addcdiv(f,f,fv,value=.5)|
torch.addcdiv(n,n,n)|torch.outer(fv,fv)|torch.outer(f,fv)|
torch.inner(f,f)|torch.kron(f,fv)|torch.cross(f,f+1,dim=1)|torch.vdot(cv,cv)|torch.tensordot(f,fq,1)|
torch.einsum('ij,jk->ik',f,fq)|torch.einsum('ij,ij',f,f)|
torch.einsum('ij,jk',f,f)|torch.trace(fq)|torch.trace(f)|torch.det(fq)|torch.det(f)|torch.inverse(fq)|
torch.linalg.inv(f)|torch.linalg.solve(fq,fv)|
torch.linalg.solve(fq,f.T)|torch.linalg.slogdet(fq)|torch.logdet(fq@fq.T)|
torch.linalg.cholesky(fq@fq.T+torch.eye(3))|torch.linalg.eigvalsh(fq+fq.T)|
torch.linalg.svdvals(f)|torch.linalg.norm(f)|torch.linalg.norm(fq,2)|torch.linalg.norm(f,dim=1)|
torch.linalg.vector_norm(f,3)|torch.linalg.matrix_norm(f,'nuc')|
torch.linalg.matrix_rank(fq)|torch.linalg.pinv(f)|torch.linalg.lstsq(fq,f.T).solution|torch.linalg.lu(fq).U|
torch.linalg.lu_factor(fq).pivots|torch.matrix_exp(fq/4)|
torch.linalg.matrix_power(fq,3)|torch.linalg.inv_ex(fq).info|torch.linalg.cond(fq)|
torch.linalg.multi_dot([f,fq,fv])|torch.linalg.vander(fv)|torch.linalg.vecdot(f,f)|
torch.cdist(f,fq)|torch.cdist(f,fq,p=1)|torch.cdist(fv,f)|torch.pdist(fq)|torch.dist(f,f+1)|torch.block_diag(f,fv)|
torch.cartesian_prod(fv,fv)|torch.combinations(fv)|
torch.meshgrid(fv,fv,indexing='ij')|torch.logcumsumexp(f,1)|torch.cumulative_trapezoid(f)|torch.trapezoid(f,dx=.5)|
torch.gradient(fv)|torch.cov(f)|torch.corrcoef(f)|
torch.bincount(n.abs().flatten())|torch.histc(f,4,-2,2)|torch.histogram(f.detach(),3)|
torch.searchsorted(fv.sort().values,f)|torch.bucketize(f,torch.tensor([-1.,0,1]))|
torch.isin(n,nv)|torch.unique(n,return_counts=True)|torch.unique_consecutive(nv)|torch.tril_indices(2,3)|
torch.rot90(f)|torch.fliplr(f)|torch.hsplit(f,3)|torch.vander(fv.detach())|
torch.polygamma(1,fv.abs())|torch.mvlgamma(fv.abs()+2,2)|torch.special.entr(fv.abs())|torch.special.i0e(f)|
torch.special.xlog1py(f,fv.abs())|torch.special.ndtri(fv.sigmoid())|
torch.special.log_ndtr(f)|torch.special.zeta(2,fv.detach().abs())|torch.igamma(fv.abs().detach(),fv.abs())|
torch.fft.fft(f)|torch.fft.rfft(f,dim=0)|torch.fft.ifft2(c)|torch.fft.fftshift(f)|
torch.hann_window(4)|torch.hamming_window(5,periodic=False)|torch.kaiser_window(3)|
torch.broadcast_shapes((2,1),(3,))|torch.lerp(f,fv,.5)|torch.lerp(f,fv,f)|
torch.clamp(f,fv)|torch.clamp(f)|torch.clamp(n,0.5)|torch.div(n,2,rounding_mode='floor')|
torch.div(f,fv,rounding_mode='trunc')|torch.div(f,2,rounding_mode='typo')|torch.round(f,decimals=1)
"""

FUNCTIONAL = """
F.celu(f)|F.selu(f)|F.mish(f)|F.hardswish(f)|F.hardsigmoid(f)|F.softshrink(f)|F.softshrink(f,-1)|F.hardshrink(f)|
F.tanhshrink(f)|F.threshold(f,.5,2)|F.relu6(f*8)|
F.softsign(f)|F.glu(torch.cat([f,f],1))|F.glu(f)|F.prelu(f,fv[:1])|F.prelu(f,fv)|F.prelu(f,fv[:2])|F.softmin(f,1)|
F.rrelu(f)|F.leaky_relu(f,.2)|F.elu(f,2.)|F.logsigmoid(f)|F.softplus(f,2,1)|
F.gelu(f,approximate='typo')|F.relu(f,inplac=True)|F.hardtanh(f,1,-1)|F.cosine_similarity(f,fv)|
F.cosine_similarity(f,f,dim=0)|F.pairwise_distance(f,f+1)|F.pdist(fq)|
F.bilinear(f,f,fp[:,:,:,None].expand(2,2,3,3)[:,0],fv[:2])|
F.pixel_shuffle(torch.arange(16.).view(1,4,2,2),2)|F.pixel_unshuffle(torch.arange(16.).view(1,1,4,4),2)|
F.pixel_shuffle(f,2)|F.pixel_shuffle(fp,2)|F.channel_shuffle(torch.arange(16.).view(1,4,2,2),2)|
F.local_response_norm(fp,2)|
F.margin_ranking_loss(fv,fv+1,torch.tensor([1,-1,1]))|F.hinge_embedding_loss(fv,torch.tensor([1,-1,1]))|
F.cosine_embedding_loss(f,f+1,torch.tensor([1,-1]))|F.soft_margin_loss(fv,torch.tensor([1.,-1,1]))|
F.multilabel_soft_margin_loss(f,b.float())|F.multi_margin_loss(f,k)|
F.multilabel_margin_loss(f,torch.tensor([[0,-1,1],[2,1,-1]]))|F.triplet_margin_loss(f,f+1,f-1)|F.triplet_margin_loss(f,f+1,f-1,margin=-1)|
F.triplet_margin_loss(f,f*2,f-.25,swap=True,reduction='none')|F.poisson_nll_loss(f,f.detach().abs())|
F.poisson_nll_loss(f,f.detach().abs()*4,full=True)|F.gaussian_nll_loss(f,f.detach()+1,f.abs())|
F.gaussian_nll_loss(f,f.detach(),f)|F.mse_loss(f,f+1,reduction='typo')|F.l1_loss(f,f+1,reduction='typo')|
F.huber_loss(f,f+1,reduction='typo')|F.smooth_l1_loss(f,f+1,reduction='typo')|F.cross_entropy(f,k,reduction='typo')|
F.nll_loss(f,k,reduction='typo')|F.binary_cross_entropy(f.sigmoid(),b.float(),reduction='typo')|
F.binary_cross_entropy_with_logits(f,b.float(),reduction='typo')|F.kl_div(f,f,reduction='typo')|
F.cross_entropy(f,k+1)|F.cross_entropy(f,k[:1])|
F.mse_loss(f,fv,reduction='sum')|F.one_hot(k)|F.one_hot(k,2)|F.embedding(k,f)|F.embedding(far,f)|F.softmax(f,5)|
F.normalize(f)|F.layer_norm(f,(2,))|F.linear(f,f)|F.linear(f,fv[None])|F.dropout(f,1.5)
"""


def _rows(text: str) -> list[str]:
    return [row.strip() for row in text.replace("\n", "").split("|")]


def _named(name: str, first: str, more: str) -> str:
    base, *given = name.split("_")
    if base == "where":
        return f"torch.where(b,{first},{more})"
    if given and given[0] in (
        "mean",
        "softmax",
        "nonzero",
        "divide",
        "power",
        "and",
        "or",
        "xor",
        "left",
        "to",
        "not",
    ):
        base, given = name, []
    return f"torch.{base}({','.join([first, *given, *([more] if more else [])])})"


def drawn() -> dict[str, list[str]]:
    """Give the calls, in groups; the same at every call."""
    rng = random.Random(12)
    groups: dict[str, list[str]] = {
        "operators": [],
        "binary": [],
        "unary": [],
        "reductions": [],
        "keywords": [],
    }
    for sign in OPERATORS:
        for a, b in rng.sample(
            [(a, b) for a in _OPERANDS for b in _OPERANDS if a[0].isalpha() or b[0].isalpha()], 24
        ):
            if a[0].isalpha() or not b[0].isdigit():
                groups["operators"].append(f"{a} {sign} {b}")
    for name in BINARY:
        for a in rng.sample(_OPERANDS[:18], 6):
            groups["binary"].append(_named(name, a, rng.choice(_OPERANDS)))
    for name in UNARY:
        for a in rng.sample(_OPERANDS[:18], 4):
            form = rng.choice(["torch.{n}({a})", "{a}.{n}()", "{a}.clone().{n}_()", "torch.{n}(input={a})"])
            if "_()" in form and name in (
                "acosh",
                "asinh",
                "atanh",
                "signbit",
                "isnan",
                "isposinf",
                "positive",
                "angle",
            ):
                form = "{a}.{n}()"
            groups["unary"].append(form.format(n=name, a=a))
    for name in REDUCTIONS:
        for dims in rng.sample(_DIMS, 6):
            groups["reductions"].append(
                _named(name, rng.choice(["f", "f", "d", "n", "b", "fv", "f0", "fp"]), dims)
            )
    for name in rng.sample([*UNARY, *REDUCTIONS, *BINARY[:12]], 40):
        if "_" not in name:
            second = "0," if name in REDUCTIONS else "f," if name in BINARY else ""
            groups["keywords"].append(f"torch.{name}(f,{second}{rng.choice(_KEYWORDS[1:])})")
    groups |= {
        "indexing": _rows(INDEXING), "programs": _rows(PROGRAMS), "products": _rows(PRODUCTS),
        "functional": _rows(FUNCTIONAL),
    }  # fmt: skip
    return {group: list(dict.fromkeys(rows)) for group, rows in groups.items()}


# ---- what they come to -----------------------------------------------------------------------------------------------


def first_sentence(error: Exception) -> str:
    """Give the first sentence of a message, without what differs by nature: signatures, classes, addresses."""
    text = " ".join(str(error).split("\n")[0].split())
    if isinstance(error, TypeError) and not isinstance(error, RuntimeError):
        return "*"  # of signatures: each parser has its own words
    if "not implemented for" in text or "not support" in text or "unsupported" in text:
        return "*"  # names of PyTorch's kernels
    text = re.split(r"(?<=[^\d])[.:;](?: |$)|(?<=\d)[.:;](?: |$)", text)[0]
    return text.strip()[:120]


def _part(found: Any) -> Any:
    if hasattr(found, "detach"):
        array = found.detach().cpu()
        array = np.asarray(array.resolve_conj().resolve_neg().numpy(force=True))
        made = [str(found.dtype).removeprefix("torch."), list(array.shape), _rounded(array)]
        node = found.grad_fn
        name = "" if node is None else node.name().rpartition(":")[2]
        return [*made, name] if name not in ("", "NotImplemented", "Unique2Backward0") else made
    if isinstance(found, (list, tuple)) and not hasattr(found, "numel"):
        return [_part(v) for v in found]
    if isinstance(found, float):
        return float(f"{found:.5g}")
    return found if isinstance(found, (int, str, bool, type(None))) else repr(found)[:60]


def _rounded(array: np.ndarray) -> Any:
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], -1)
    flat = [float(f"{v:.5g}") if array.dtype.kind == "f" else int(v) for v in array.reshape(-1)[:24]]
    return flat


def outcome(text: str, torch: Any, functional: Any, put: Any = None) -> Any:
    """Give what a text comes to: its parts and the gradients of their weighted sum, or "Class: first sentence"."""
    names = inputs(torch, put)
    space = {"torch": torch, "F": functional, "np": np, **names}
    *before, last = text.split(";")
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            for line in before:
                exec(line, space)
            if re.match(r"\w+\s*(\[[^=]*\])?\s*[-+*/@]*=[^=]", last):
                exec(last, space)
                return ["done"]
            found = eval(last, space)
        except Exception as error:
            return _of_error(error)
        made: dict[str, Any] = {"is": _part(found)}
        total = None
        for part in found if isinstance(found, (tuple, list)) else (found,):
            if getattr(part, "requires_grad", False) and not part.is_leaf and len(_part(part)) == 4:
                weights = np.arange(part.numel()).reshape(tuple(part.shape)) % 5 - 1.5
                product = part * torch.tensor((put or np.asarray)(weights.astype(np.float32)))
                term = product.real.sum() if product.is_complex() else product.sum()
                total = term if total is None else total + term
        if total is not None:
            try:
                total.backward()
            except Exception as error:
                return {**made, "backward": _of_error(error)}
            grads = {k: t.grad for k, t in names.items() if t.requires_grad and t.is_leaf}
            made["grads"] = {k: _rounded(_part_array(g)) for k, g in grads.items() if g is not None}
    return made


def _part_array(g: Any) -> np.ndarray:
    return np.asarray(g.detach().resolve_conj().resolve_neg().numpy(force=True))


def _of_error(error: Exception) -> str:
    kinds = [
        c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins" and issubclass(c, Exception)
    ]
    return f"{'/'.join(kinds[:-1]) or 'Exception'}|{first_sentence(error)}"
