"""Expressions that PyTorch and gradmagic must read alike: prints, values and gradients of each are compared.

Each group is text, one expression between bars; the names are those of `inputs`.
"""

from typing import Any

import numpy as np


def inputs(torch: Any) -> dict[str, Any]:
    """Make the tensors that the expressions speak of, by either library."""

    def leaf(values: Any) -> Any:
        return torch.tensor(np.array(values, np.float32), requires_grad=True)

    rng = np.random.default_rng(3)
    return {
        "x": leaf([[0.5, -1.25, 2.0], [0.75, 1.5, -0.375]]),
        "y": leaf([[1.0, 0.25, -0.5], [0.625, -2.0, 0.125]]),
        "v": leaf([0.5, -0.75, 1.25]),
        "s": leaf(0.4),
        "p": leaf([[0.25, 1.5, 0.8], [2.0, 0.1, 0.6]]),
        "sq": leaf([[2.0, 0.5, -1.0], [0.25, 1.0, 0.5], [-0.5, 1.5, 3.0]]),
        "b": leaf(np.arange(12).reshape(2, 2, 3) / 8 - 0.7),
        "image": leaf(rng.integers(-8, 9, (1, 2, 5, 5)) / 8),
        "kernel": leaf(rng.integers(-8, 9, (2, 2, 3, 3)) / 8),
        "m": torch.tensor([[True, False, True], [False, True, True]]),
        "i": torch.tensor([2, 0]),
        "n": torch.tensor([[3, 1, 2], [0, 5, 4]]),
        "t": torch.tensor([[0.2, 0.9, 0.5], [0.0, 1.0, 0.7]]),
        "w": torch.tensor([0.5, 2.0, 1.0]),
    }


GROUPS = {
    "math": """
x.exp()|x.abs()|p.log()|p.sqrt()|p.rsqrt()|x.square()|x**2|p**v|2**x|x.pow(3)|p**0.5|p**-1|x.sigmoid()|x.relu()|
x.tanh()|(x/3).asin()|x.atan()|x.sinh()|x.cosh()|x.asinh()|(x/3).atanh()|x.neg()|-x|p.reciprocal()|x/2|x/p|x-1|1-x|
x-v|x+1|x+v|1+x|x*2|2*x|x*y|x.clamp(0,1)|x.clamp(min=0)|x.clamp(max=0.6)|x.clamp(v,None)|x.erf()|x.expm1()|p.log1p()|
p.log2()|p.log10()|x.exp2()|x.lerp(y,0.5)|torch.maximum(x,y)|torch.minimum(x,v)|torch.hypot(x,y)|torch.atan2(x,y)|
torch.where(x>0,x,y)|torch.where(m,x,0.)|torch.logaddexp(x,y)|x.round()|x.round(decimals=1)|x.floor()|x.sign()|n/2|
n*1.5|n+1|n//2|n%2|n**2|x>0|x==x|x.ne(y)|torch.exp(x)|torch.sigmoid(x)|torch.relu(x)|torch.abs(x)|torch.sqrt(p)|
torch.add(x,y)|torch.sub(x,y,alpha=2)|torch.mul(x,2)|torch.div(x,p)|torch.pow(x,2)|n.exp()|n.sqrt()|s*x|s+1|x*s|s*2|
s**2|s.exp()|s.sin()*3|n*s|torch.div(n,2,rounding_mode='floor')|torch.isclose(x,x)|m&~m|m|torch.logical_not(m)
""",
    "reductions": """
x.sum()|x.sum(0)|x.sum(dim=(0,1))|x.sum(1,keepdim=True)|x.mean()|x.mean(0)|x.mean(dim=1,keepdim=True)|x.max()|x.max(0)|
x.max(1,keepdim=True)|x.amax()|x.amax(0)|x.min()|x.min(1)|x.std()|x.std(0)|x.std(unbiased=False)|x.std(1,keepdim=True)|
x.var()|x.var(0,unbiased=False)|x.prod()|x.prod(0)|x.norm()|x.norm(p=1)|x.norm(dim=0)|x.norm(p=3,dim=1)|x.logsumexp(0)|
x.logsumexp((0,1))|x.cumsum(0)|x.cumprod(1)|x.softmax(0)|x.log_softmax(1)|x.median()|x.median(0)|x.sort()|
x.sort(0,descending=True)|x.topk(2)|x.topk(2,largest=False)|x.nansum()|x.argmax()|x.argmax(1)|x.argmin(0,keepdim=True)|
x.argsort()|m.all()|m.any(0)|m.sum()|n.sum()|n.max()|n.float().mean()|n.prod()|torch.max(x,y)|x.max(y)|torch.min(x,y)|
x.count_nonzero()|torch.sum(x,1)|torch.mean(x,dim=0)|torch.max(x)|torch.max(x,0)[0]|torch.argmax(x)|torch.sort(x)[1]|
torch.linalg.norm(x)|torch.tensor([[1.,1.],[1.,1.]],requires_grad=True).max()|torch.diff(x)
""",
    "shapes": """
x.view(3,2)|x.reshape(1,6)|x.reshape(-1)|x.T|x.t()|x.mT|x.transpose(0,1)|b.permute(2,0,1)|x.unsqueeze(0).squeeze()|
x.unsqueeze(0).squeeze(0)|x.unsqueeze(1)|x.flatten()|b.flatten(1)|v.expand(2,3)|v.expand(2,-1)|v.expand_as(x)|
v.repeat(2)|v.repeat(2,2)|x.repeat_interleave(2,0)|x.clone()|x.flip(0)|x.roll(1)|x.roll(1,0)|x.chunk(2)|x.split(1)|
x.split([1,2],1)|x.unbind()|x.narrow(1,1,2)|x.select(0,1)|x.index_select(1,i)|x.gather(1,i[:,None])|
x.scatter(1,i[:,None],1.)|x.take(i)|x.masked_fill(m,0)|x.masked_select(m)|sq.diag()|v.diag()|sq.diagonal()|x.tril()|
x.triu(1)|b.movedim(0,1)|x.swapaxes(0,1)|x.unflatten(1,(3,1))|x.view_as(y)|torch.cat([x,y])|torch.cat([x,y],dim=1)|
torch.stack([x,y])|torch.stack([x,y],dim=-1)|torch.hstack([x,y])|torch.vstack([x,y])|x.nonzero()|m.nonzero()|
torch.meshgrid(v,x[0],indexing='ij')|torch.meshgrid(v,x[0],indexing='xy')|x[0]|x[0,0]|x[1:]|x[:,0]|x[None]|x[...,0]|
x[[0,1]]|x[x>0]|x[1:,0]|x[:]|x[0:2,1:3]|x[:,i]|x[:,None]|x[0,1:]|x[::2]|b[0,:,1]|x[0,:]|x[:,:]|x[...]|x[0,None]|x[-1]
""",
    "products": """
x@v|x@sq|v@sq|v@v|b@sq|b@v|b@b.transpose(1,2)|x.mm(sq)|x.mv(v)|v.dot(v)|x.matmul(sq)|b.bmm(b.mT)|torch.mm(x,sq)|
torch.matmul(x,sq)|torch.addmm(v,x,sq)|x@sq+v|torch.outer(v,v)|torch.trace(sq)|torch.det(sq)|torch.inverse(sq)|
torch.linalg.inv(sq)|torch.linalg.det(sq)|v@v*2
""",
    "attributes": """
x.size()|x.size(0)|x.shape|x.dim()|x.ndim|x.numel()|x.dtype|n.dtype|m.dtype|x.stride()|x.T.stride()|x.is_contiguous()|
x.T.is_contiguous()|x.type()|n.type()|x.tolist()|s.item()|x.is_leaf|x.requires_grad|(x*2).is_leaf|x.detach()|x.data|
x.int()|x.long()|x.double()|x.half()|n.float()|x.bool()|x.to(torch.float64)|x.is_floating_point()|x.element_size()|
n.is_floating_point()|x.grad|x.new_zeros(2)|x.type(torch.float64)|torch.is_tensor(x)|torch.numel(x)|x.real
""",
    "creation": """
torch.zeros(2,3)|torch.zeros((2,3))|torch.ones(2,dtype=torch.float64)|torch.full((2,2),3.)|torch.full((2,),3)|
torch.eye(3)|torch.eye(2,3)|torch.arange(5)|torch.arange(1,2,.25)|torch.arange(-2,2.25,.25)|torch.arange(5.)|
torch.arange(2,9,3)|torch.linspace(0,1,5)|torch.logspace(0,2,3)|torch.zeros_like(x)|torch.ones_like(n)|
torch.full_like(x,2.)|torch.tensor(3)|torch.tensor(3.5)|torch.tensor([1,2])|torch.tensor([True,False])|
torch.tensor([[1.,2.]],dtype=torch.float64,requires_grad=True)|torch.tensor([])|torch.tensor([1+2j])|
torch.tensor([1,2],dtype=torch.int32)|torch.float32|torch.long|torch.allclose(x,x+1e-9)|torch.equal(x,x)|
torch.unique(n)|torch.tensor(3.).double()|torch.get_default_dtype()|torch.finfo(torch.float32).eps|
torch.from_numpy(np.arange(3.))|torch.as_tensor(np.arange(3))|torch.concat([x,y])|torch.randn(3).shape|
torch.rand(2,2).dtype|torch.randint(0,5,(3,)).dtype|torch.randperm(4).shape|torch.empty(2,3).shape|torch.Size([2,3])|
torch.nn.Parameter(v.detach())|torch.randn(2,3,requires_grad=True).is_leaf|torch.zeros(2,0)|torch.rand_like(x).shape
""",
    "functional": """
F.relu(x)|F.sigmoid(x)|F.tanh(x)|F.softmax(x,1)|F.softmax(x,dim=-1)|F.log_softmax(x,1)|F.softplus(x)|F.gelu(x)|
F.softplus(x,beta=2)|F.gelu(x,approximate='tanh')|F.leaky_relu(x)|F.leaky_relu(x,.2)|F.elu(x)|F.silu(x)|F.logsigmoid(x)|
F.hardtanh(x,-.5,.6)|F.normalize(x)|F.linear(x,sq,v)|F.linear(x,sq)|F.linear(b,sq,v)|F.linear(v,sq,v)|
F.layer_norm(x,(3,))|F.layer_norm(x,(3,),v,v)|F.layer_norm(x,(2,3))|F.conv2d(image,kernel)|
F.conv2d(image,kernel,v[:2],stride=2,padding=1)|F.conv2d(image,kernel,padding='same')|
F.conv2d(image,kernel,dilation=2,padding=1)|F.conv2d(image,kernel[:,:1],groups=2)|F.conv2d(image[0],kernel)|
F.max_pool2d(image,2)|F.max_pool2d(image,3,stride=2,padding=1)|F.avg_pool2d(image,2)|
F.avg_pool2d(image,3,stride=1,padding=1)|F.embedding(n%2,x)|F.one_hot(i)|F.one_hot(i,5)|F.pad(x,(1,2))|
F.pad(x,(1,1,2,0),value=3.)|F.dropout(x,0.5,training=False)
""",
    "losses": """
F.mse_loss(x,y)|F.mse_loss(x,y,reduction='none')|F.mse_loss(x,y,reduction='sum')|F.l1_loss(x,y)|F.smooth_l1_loss(x,y)|
F.smooth_l1_loss(x,y,beta=.5)|F.huber_loss(x,y,delta=.3)|F.binary_cross_entropy(x.sigmoid(),t)|
F.binary_cross_entropy(x.sigmoid(),t,reduction='sum')|F.binary_cross_entropy(t,t)|
F.binary_cross_entropy_with_logits(x,t)|F.binary_cross_entropy_with_logits(x,t,reduction='none')|
F.binary_cross_entropy_with_logits(x,t,pos_weight=w)|F.binary_cross_entropy_with_logits(x,t,weight=w)|
F.binary_cross_entropy_with_logits(x*100,t)|F.cross_entropy(x,i)|F.cross_entropy(x,i,reduction='sum')|
F.cross_entropy(x,i,reduction='none')|F.cross_entropy(x,i,weight=w)|F.cross_entropy(x,i,ignore_index=2)|
F.cross_entropy(x,torch.tensor([-100,1]))|F.cross_entropy(x,i,label_smoothing=.1)|
F.cross_entropy(x,i,label_smoothing=.1,weight=w)|F.cross_entropy(x,t)|F.cross_entropy(v,i[0])|F.cross_entropy(x*100,i)|
F.cross_entropy(b.transpose(1,2),n[:,:2]%3)|F.nll_loss(x,i)|F.nll_loss(x,i,reduction='none')|
F.kl_div(x.log_softmax(1),t)|F.kl_div(x.log_softmax(1),t,reduction='batchmean')|nn.MSELoss()(x,y)|
nn.CrossEntropyLoss()(x,i)|nn.BCEWithLogitsLoss()(x,t)|nn.L1Loss(reduction='sum')(x,y)|nn.BCELoss()(x.sigmoid(),t)
""",
    "modules": """
nn.Linear(3,2)|nn.Linear(3,2,bias=False)|nn.ReLU()|nn.ReLU(inplace=True)|nn.LeakyReLU(.2)|nn.LeakyReLU(.2,inplace=True)|
nn.Sigmoid()|nn.Tanh()|nn.Softmax(dim=1)|nn.GELU()|nn.Softplus()|nn.ELU()|nn.Dropout(.1)|nn.Flatten()|nn.MSELoss()|
nn.CrossEntropyLoss()|nn.Conv2d(1,8,3)|nn.Conv2d(1,8,3,padding=1,stride=2,bias=False)|nn.MaxPool2d(2)|nn.AvgPool2d(2)|
nn.LayerNorm(4)|nn.Embedding(5,3)|nn.Identity()|nn.Sequential(nn.Linear(3,4),nn.ReLU(),nn.Sequential(nn.Linear(4,1)))|
[k for k,_ in nn.Sequential(nn.Linear(3,4),nn.ReLU(),nn.Linear(4,1)).named_parameters()]|
list(nn.Sequential(nn.Linear(3,4),nn.LayerNorm(4)).state_dict())|nn.Linear(3,2).weight.shape|nn.ModuleList([nn.ReLU()])|
nn.Sequential(nn.Linear(3,4),nn.ReLU())[0]|len(nn.Sequential(nn.Linear(3,4),nn.ReLU()))
""",
}
EXPRESSIONS = {name: [e.strip() for e in text.replace("\n", "").split("|")] for name, text in GROUPS.items()}


def evaluate(expression: str, torch: Any, functional: Any, nn: Any) -> dict[str, Any]:
    """Give what an expression prints, its values, and the gradients of a weighted sum of them."""
    named = inputs(torch)
    found = eval(expression, {"torch": torch, "F": functional, "nn": nn, "np": np, **named})
    total = None
    for part in found if isinstance(found, tuple) else (found,):
        if getattr(part, "requires_grad", False) and hasattr(part, "numel"):
            weights = np.arange(part.numel()).reshape(tuple(part.shape)) % 7 - 2.5
            term = (part.to(torch.float32) * torch.tensor(weights.astype(np.float32))).sum()
            total = term if total is None else total + term
    if (
        total is not None
        and total.requires_grad
        and not expression.startswith(("nn.Linear(", "torch.nn.Param"))
    ):
        total.backward()
    grads = {k: g.tolist() for k, a in named.items() if (g := getattr(a, "grad", None)) is not None}
    return {"print": repr(found), "grads": grads}
