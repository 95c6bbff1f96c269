"""Programs that draw random numbers, and what PyTorch drew (draws.json): `python -m tests.recorded.draws` with PyTorch.

A program is one line; what stands before its last `;;` is run first. Each begins after `torch.manual_seed(0)`.
"""

import importlib
import json
import sys
import warnings
import zlib
from collections import namedtuple
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("draws.json")

NUMBERS = """
torch.randn(3)
torch.rand(20)
torch.randn(37)
torch.randn(5,7,dtype=torch.float64)
torch.randn(4,5,dtype=torch.float16)
torch.rand(4,5,dtype=torch.float16)
torch.randn(3,dtype=torch.complex64)
torch.randn(9,dtype=torch.complex64)
torch.rand(3,dtype=torch.complex128)
torch.randn(3);;torch.randn(4)
torch.randn(3);;torch.rand(2);;torch.randn(20);;torch.randn(2)
torch.randn(3).normal_(2.,.5)
torch.empty(4,6).t().normal_()
torch.empty(4,6).t().uniform_(-1,1)
torch.empty(8,6)[::2,1:4].normal_()
torch.empty(2,3,4).permute(2,0,1).uniform_()
torch.empty(2,3,4).permute(1,2,0).exponential_()
torch.rand_like(torch.empty(2,3,4).permute(2,0,1))
torch.randn_like(torch.empty(20,3).t())
torch.randint_like(torch.empty(20,3).t(),10)
torch.randint(0,5,(3,4))
torch.randint(high=5,size=(3,4))
torch.randint(low=2,high=5,size=(3,4))
torch.randint(2,5,size=(3,4))
torch.randint(5,size=(3,4))
torch.randint(2,5,[3],dtype=torch.float32)
torch.randint(2,5,(3,),dtype=torch.int32)
torch.randint(-2**40,2**40,(3,))
torch.randperm(10)
torch.randperm(0)
torch.randperm(1)
torch.randperm(7,dtype=torch.int32)
torch.normal(torch.arange(1.,5.),torch.arange(1.,5.))
torch.normal(0.5,torch.arange(1.,21.))
torch.normal(torch.arange(1.,21.),.3)
torch.normal(torch.arange(1.,21.))
torch.normal(torch.zeros(3,1),torch.ones(4))
torch.normal(0,1,(3,4),dtype=torch.float64)
torch.normal(torch.zeros(2,dtype=torch.float64),torch.ones(2))
torch.bernoulli(torch.rand(3,3))
torch.bernoulli(torch.rand(3,3,dtype=torch.float64))
torch.bernoulli(torch.rand(4,3).t())
torch.rand(3,3).bernoulli()
torch.empty(3,3).bernoulli_(.2)
torch.empty(3,3,dtype=torch.bool).bernoulli_(.2)
torch.empty(4,3).bernoulli_(torch.tensor([.1,.5,.9]))
torch.multinomial(torch.tensor([.1,.2,.7]),4,replacement=True)
torch.multinomial(torch.tensor([[.1,.2,.7],[3,1,1]]),4,replacement=True)
torch.multinomial(torch.tensor([[.1,.2,.7],[3,1,1]]),1)
torch.multinomial(torch.tensor([[.1,.2,.7],[3,1,1]]),2)
torch.multinomial(torch.rand(30),30)
torch.poisson(torch.tensor([1.,2.,15.,0.,100.,9.9,1e4]).repeat(4)),torch.rand(2)
torch.poisson(torch.rand(5,3,dtype=torch.float64)*30),torch.rand(2)
torch.binomial(torch.tensor([10.,20.,100.,5.,1000.,0.,3.]).repeat(5),torch.tensor([.5,.2,.3,.9,.01,.5,1.]).repeat(5)),torch.rand(2)
torch.binomial(torch.full((90,),100.),torch.full((90,),.7)).sum(),torch.rand(2)
torch._standard_gamma(torch.tensor([.1,.5,1.,2.,10.,100.]).repeat(4)),torch.randn(3)
torch.randn(1);;torch._standard_gamma(torch.rand(7)*3),torch.randn(3)
F.dropout1d(torch.ones(2,3,4),.5),F.dropout2d(torch.ones(2,3,2,2),.3),F.dropout3d(torch.ones(2,3,2,2,2),.3),torch.rand(1)
torch.multinomial(torch.rand(30,dtype=torch.float64),5,True)
torch.multinomial(torch.rand(5,4).t(),3)
torch.rand(6).multinomial(3,True)
torch.empty(5).cauchy_()
torch.empty(5).log_normal_()
torch.empty(20).log_normal_(.5,.2)
torch.empty(5).geometric_(.3)
torch.empty(5,dtype=torch.int64).geometric_(.3)
torch.empty(5).random_()
torch.empty(5).random_(10)
torch.empty(5,dtype=torch.uint8).random_()
torch.empty(5,dtype=torch.int64).random_(3,9)
torch.empty(5,dtype=torch.int64).random_(3,None)
torch.empty((),dtype=torch.int64).random_()
F.dropout(torch.ones(20),.3)
F.dropout(torch.ones(4,5).t(),.3)
F.dropout(torch.ones(4),1.0)
F.dropout(torch.ones(4),0.0);;torch.rand(1)
F.dropout(torch.ones(4),1.0);;torch.rand(1)
F.dropout(torch.ones(4),.5,False);;torch.rand(1)
F.dropout(torch.ones(20,dtype=torch.float64),.3)
F.rrelu(torch.tensor([-1.,2.,-3.,0.]),training=True)
F.gumbel_softmax(torch.zeros(3,4))
F.gumbel_softmax(torch.zeros(3,4),hard=True)
torch.randn(3,out=torch.empty(3)),torch.randperm(5,out=torch.empty(5,dtype=torch.int64)),torch.rand(0)
with torch.device("cpu"): a=torch.rand(2);;a
g=torch.Generator().manual_seed(7);;torch.randn(3,generator=g),torch.rand(2),torch.randperm(5,generator=g),torch.empty(3).uniform_(generator=g)
g=torch.Generator();;torch.rand(2,generator=g),g.initial_seed(),g.manual_seed(-3).initial_seed(),torch.rand(2,generator=g)
with torch.random.fork_rng(): torch.rand(4);;torch.rand(3)
torch.manual_seed(2**40+5);;torch.rand(3),torch.initial_seed()
torch.manual_seed(1.7);;torch.rand(3),torch.initial_seed()
torch.manual_seed("a")
torch.rand(2,3,requires_grad=True)
torch.ones(2).normal_(generator=torch.Generator().manual_seed(1))
"""

ERRORS = """
torch.poisson(torch.tensor([-1.]))
torch.poisson(torch.tensor([1]))
torch.empty(3).uniform_(2,1)
torch.empty(3).normal_(0,-1)
torch.empty(3,dtype=torch.long).normal_()
torch.empty(3,dtype=torch.long).exponential_()
torch.empty(3,dtype=torch.long).cauchy_()
torch.empty(3,dtype=torch.long).log_normal_()
torch.empty(3).exponential_(0)
torch.empty(3).exponential_(-1)
torch.empty(3).cauchy_(0,-1)
torch.empty(3).log_normal_(0,-1)
torch.empty(3).geometric_(1.5)
torch.empty(3).bernoulli_(1.5)
torch.bernoulli(torch.tensor([1.5]))
torch.bernoulli(torch.tensor([1,0]))
torch.randint(5,5,(2,))
torch.randint(5,3,(2,))
torch.randint(0,300,(2,),dtype=torch.uint8)
torch.randint(-1,3,(2,),dtype=torch.uint8)
torch.randint(0,3,(2,),dtype=torch.bool)
torch.randint(0,2,(2,),dtype=torch.bool)
torch.empty(3,dtype=torch.long).random_(5,2)
torch.empty(3,dtype=torch.uint8).random_(300)
torch.randperm(-1)
torch.randperm(5,dtype=torch.float32)
torch.rand(-1)
torch.rand(2,dtype=torch.long)
torch.randn(2,dtype=torch.long)
torch.rand(2,dtype=torch.complex64)
torch.rand("a")
torch.rand(2.5)
torch.rand([2,3])
torch.rand(size=(2,))
torch.normal(0.,-1.,(2,))
torch.normal(torch.zeros(2),torch.tensor([-1.,1.]))
torch.normal(torch.zeros(2),2.)
torch.normal(1.,torch.ones(3))
torch.normal(0,1,(2,))
torch.normal(torch.zeros(2,dtype=torch.long),1.)
torch.normal(mean=torch.arange(1., 4.))
torch.normal(2, 3, size=(1, 4))
torch.multinomial(torch.tensor([0.,1.]),2)
torch.multinomial(torch.tensor([0.,0.]),1)
torch.multinomial(torch.tensor([0.,0.]),1,True)
torch.multinomial(torch.tensor([-1.,1.]),1)
torch.multinomial(torch.tensor([-1.,1.]),3,replacement=True)
torch.multinomial(torch.tensor([1.,1.]),3)
torch.multinomial(torch.tensor([1,1]),1)
torch.multinomial(torch.ones(2,2,2),1)
torch.multinomial(torch.ones(2),0)
torch.multinomial(torch.tensor([1.,float('nan')]),1)
torch.rand_like(torch.ones(2,dtype=torch.long))
torch.randint_like(torch.ones(2),3,9)
torch.randint_like(torch.ones(2),5)
torch.randn_like(torch.ones(2),dtype=torch.double)
torch.nn.functional.dropout(torch.ones(2),1.5)
torch.set_rng_state(torch.zeros(5056,dtype=torch.uint8))
torch.ones(3,requires_grad=True).uniform_()
torch.rand(0)
torch.rand(())
torch.rand(2,requires_grad=True)
torch.empty(3).bernoulli_(torch.tensor([.5,.2,.1]))
torch.bernoulli(torch.ones(3),.5)
torch.ones(3).bernoulli(.5)
torch.ones(3).bernoulli()
torch.ones(3).multinomial(2).shape
"""

PARAMETERS = """
nn.Linear(3,2).weight
nn.Linear(3,2).bias
nn.Linear(3,2).state_dict()["weight"],nn.Linear(784,10).weight[-1,:9]
nn.Sequential(nn.Linear(4,8),nn.ReLU(),nn.Linear(8,1))(torch.randn(5,4))
nn.Conv2d(3,4,3).weight,nn.Conv2d(3,4,3,bias=False).weight,nn.Conv2d(4,8,(3,5),groups=2).bias
nn.Embedding(10,3).weight
nn.init.uniform_(torch.empty(3,5),-2,3)
nn.init.normal_(torch.empty(3,7),.2,3)
nn.init.xavier_uniform_(torch.empty(3,5))
nn.init.xavier_normal_(torch.empty(3,5,2,2),gain=nn.init.calculate_gain("relu"))
nn.init.kaiming_uniform_(torch.empty(3,5),mode="fan_out")
nn.init.kaiming_normal_(torch.empty(3,5),nonlinearity="relu")
nn.init.kaiming_normal_(torch.empty(3,5,4),a=.3)
nn.init.kaiming_uniform_(torch.empty(5,3).t(),a=.3)
nn.init.orthogonal_(torch.empty(3,5))
nn.init.orthogonal_(torch.empty(5,3),gain=2)
nn.init.orthogonal_(torch.empty(5,3,2))
nn.init.trunc_normal_(torch.empty(2,9))
nn.init.trunc_normal_(torch.empty(2,9),std=.02)
nn.init.trunc_normal_(torch.empty(2,9),mean=.5,std=1,a=0,b=.1)
nn.init.trunc_normal_(torch.empty(2,9),mean=5,std=1,a=0,b=1)
nn.init.trunc_normal_(torch.empty(2,9,dtype=torch.float64),mean=1,std=1,a=0,b=.5)
nn.init.sparse_(torch.empty(5,6),.3)
nn.init.eye_(torch.empty(3,5))
nn.init.dirac_(torch.empty(4,2,3,3))
nn.init.dirac_(torch.empty(4,2,3),2)
nn.init.constant_(torch.empty(2),.3)
nn.init.ones_(torch.empty(2)),nn.init.zeros_(torch.empty(2))
nn.init.calculate_gain("tanh"),nn.init.calculate_gain("selu"),nn.init.calculate_gain("leaky_relu",.2)
nn.init.calculate_gain("leaky_relu","a")
nn.init.xavier_uniform_(torch.empty(3))
nn.init.eye_(torch.empty(3))
nn.init.kaiming_uniform_(torch.empty(3,2),mode="foo")
nn.init.kaiming_uniform_(torch.empty(0,2))
nn.init.dirac_(torch.empty(3,2))
nn.init.dirac_(torch.empty(3,2,3),2)
g=torch.Generator().manual_seed(3);;nn.init.xavier_normal_(torch.empty(5,4),generator=g)
m=nn.Linear(3,2);;nn.init.normal_(m.weight,0,.01),m.weight.requires_grad,m.weight.is_leaf
torch.set_default_dtype(torch.float64);;a=(torch.tensor([1.,2.]),torch.rand(3),torch.randn(3),torch.ones(2)/3,torch.arange(0,1,.5),torch.tensor(1j),torch.tensor([1,2])/3,nn.Linear(3,2).weight,torch.eye(2),torch.linspace(0,1,3),torch.full((2,),1.5),torch.tensor([1,2])*1.5,torch.zeros(2),torch.tensor([1]).sqrt(),str(torch.tensor([1.])),str(torch.tensor([1.],dtype=torch.float32)),torch.get_default_dtype());;torch.set_default_dtype(torch.float32);;a
torch.set_default_dtype(torch.int64)
torch.get_default_dtype()
"""

OLD = """
torch.Tensor([1,2]),torch.Tensor(2,3).shape,torch.Tensor(3).shape,torch.Tensor(),torch.Tensor((2,3)),torch.Tensor(torch.ones(2,dtype=torch.long))
torch.Tensor([[1,2],[3,4]]),torch.Tensor(np.ones(2)),torch.LongTensor(np.ones(2))
a=torch.ones(2);;torch.Tensor(a).zero_();;a,torch.FloatTensor(a)
torch.Tensor(2.5)
torch.FloatTensor([1,2]),torch.LongTensor([1.7,2]),torch.BoolTensor([1,0]),torch.ByteTensor([1]),torch.DoubleTensor([1])
torch.HalfTensor([1]),torch.IntTensor([1]),torch.ShortTensor([1]),torch.CharTensor([1])
torch.FloatTensor(2,3).shape,torch.FloatTensor(),torch.LongTensor(2).dtype
[isinstance(torch.ones(2),k) for k in (torch.Tensor,torch.FloatTensor,torch.LongTensor)]
isinstance(torch.arange(2),torch.LongTensor)
torch.ones(2).type(torch.LongTensor),torch.ones(2).type("torch.DoubleTensor"),torch.ones(2).type(),torch.arange(2).type()
str(torch.FloatTensor)
torch.set_default_tensor_type(torch.DoubleTensor);;a=torch.tensor([1.]),torch.Tensor([1]);;torch.set_default_tensor_type("torch.FloatTensor");;a,torch.get_default_dtype()
V=torch.autograd.Variable;;a=torch.ones(2);;v=V(a,requires_grad=True);;v.detach().zero_();;v,v.requires_grad,a,V(a),isinstance(a,V)
torch.from_dlpack(np.arange(3.)),np.from_dlpack(torch.arange(2)).tolist(),torch.utils.dlpack.from_dlpack(torch.utils.dlpack.to_dlpack(torch.ones(2)))
np.from_dlpack(torch.ones(2,requires_grad=True))
torch.from_dlpack([1])
torch.get_default_device(),torch.device("cuda:1").index,torch.device("cuda",1),torch.device(torch.device("cpu"))
torch.set_default_device("cpu");;a=torch.ones(2).device;;torch.set_default_device(None);;a
with torch.device("cpu"): a=torch.ones(2).device;;a
torch.use_deterministic_algorithms(True);;a=torch.are_deterministic_algorithms_enabled();;torch.use_deterministic_algorithms(False);;a
torch.backends.mps.is_available(),torch.mps.is_available(),torch.backends.cudnn.deterministic,torch.backends.cudnn.benchmark
torch.cuda.manual_seed(3),torch.cuda.manual_seed_all(3),torch.rand(1)
"""

CHANCES = """
d.Normal(T([0.,1.]),T([1.,2.])).sample((3,)),torch.rand(1)
d.Normal(0.,1.).sample((20,)),torch.rand(1)
d.Normal(0.,1.).rsample(),torch.rand(1)
d.Bernoulli(T([.3,.6])).sample((5,)),torch.rand(1)
d.Bernoulli(logits=T([.3,.6])).sample((5,)),torch.rand(1)
d.Categorical(T([.2,.3,.5])).sample((7,)),torch.rand(1)
d.Categorical(torch.rand(3,4)).sample(),torch.rand(1)
d.Categorical(torch.rand(3,4)).sample((5,)),torch.rand(1)
d.Categorical(logits=torch.rand(4)).sample((5,)),torch.rand(1)
d.Uniform(0.,T([1.,3.])).sample((4,)),torch.rand(1)
d.Exponential(T([1.,2.])).sample((4,)),torch.rand(1)
d.Laplace(T([1.,2.]),1.).sample((4,)),torch.rand(1)
d.Gumbel(T([1.,2.]),1.).sample((4,)),torch.rand(1)
d.Cauchy(T([1.,2.]),1.).sample((4,)),torch.rand(1)
d.HalfNormal(T([1.,2.])).sample((4,)),torch.rand(1)
d.LogNormal(T([1.,2.]),1.).sample((4,)),torch.rand(1)
d.Gamma(T([.5,2.]),T([1.,3.])).sample((5,)),torch.rand(1)
d.Beta(T([.5,2.]),T([1.,3.])).sample((5,)),torch.rand(1)
d.Dirichlet(T([.5,2.,3.])).sample((5,)),torch.rand(1)
d.StudentT(T([1.,5.])).sample((4,)),torch.rand(1)
d.Poisson(T([1.,20.])).sample((5,)),torch.rand(1)
d.Binomial(10,T([.3,.6])).sample((5,)),torch.rand(1)
d.Geometric(T([.3,.6])).sample((5,)),torch.rand(1)
d.Multinomial(10,T([.3,.6,.1])).sample((3,)),torch.rand(1)
d.OneHotCategorical(T([.3,.6,.1])).sample((3,)),torch.rand(1)
d.MultivariateNormal(torch.zeros(2),torch.eye(2)).sample((3,)),torch.rand(1)
d.Independent(d.Normal(torch.zeros(3),1.),1).sample((2,)),torch.rand(1)
"""

DATA = """
list(DataLoader(ds(),batch_size=3,shuffle=True))
[list(DataLoader(ds(),batch_size=3,shuffle=True)) for _ in range(2)],torch.rand(2)
list(DataLoader(ds(),batch_size=3)),torch.rand(2)
list(DataLoader(ds(),batch_size=3,drop_last=True)),len(DataLoader(ds(),3,drop_last=True)),len(DataLoader(ds(),3))
next(iter(DataLoader(ds(),batch_size=4,shuffle=True))),torch.rand(2)
list(DataLoader(ds(),batch_size=4,shuffle=True,generator=torch.Generator().manual_seed(3))),torch.rand(2)
g=torch.Generator().manual_seed(3);;L=DataLoader(ds(),batch_size=4,shuffle=True,generator=g);;list(L),list(L),torch.rand(2,generator=g)
list(DataLoader(ds(),sampler=D.SubsetRandomSampler([1,5,3]))),torch.rand(1)
list(DataLoader(ds(),sampler=D.WeightedRandomSampler([1,2,3.,4,5,6,7,8,9,0],6),batch_size=2))
list(D.WeightedRandomSampler([1,2,3.,4],4,replacement=False))
list(DataLoader(ds(),batch_sampler=D.BatchSampler(D.RandomSampler(range(10)),4,True)))
list(DataLoader(ds(),batch_sampler=[[1,2],[3]]))
list(D.RandomSampler(range(5),replacement=True,num_samples=70)),torch.rand(1)
list(D.RandomSampler(range(5),replacement=True,num_samples=64)),torch.rand(1)
list(D.RandomSampler(range(5),num_samples=13)),torch.rand(1)
list(DataLoader(M(),batch_size=3))
list(DataLoader(M(),batch_size=None,shuffle=True))
list(DataLoader(It(),batch_size=3)),list(DataLoader(It(),batch_size=3,drop_last=True)),list(DataLoader(It(),batch_size=None)),list(DataLoader(It()))
len(DataLoader(ItL(),batch_size=3)),len(DataLoader(ItL(),batch_size=3,drop_last=True))
len(DataLoader(It(),batch_size=3))
DataLoader(It(),shuffle=True)
DataLoader(It(),sampler=[1])
DataLoader(ds(),shuffle=True,sampler=[1])
DataLoader(ds(),batch_size=2,batch_sampler=[[1]])
DataLoader(ds(),batch_size=None,drop_last=True)
DataLoader(ds(),batch_size=0)
DataLoader(ds(),num_workers=-1)
DataLoader([],shuffle=True)
list(DataLoader([],batch_size=2))
[len(x) for x in random_split(ds(),[.5,.3,.2])],[list(x.indices) for x in random_split(ds(),[.55,.25,.2])],torch.rand(1)
[list(x.indices) for x in random_split(ds(),[7,3])]
[list(x.indices) for x in random_split(ds(),[7,3],generator=torch.Generator().manual_seed(42))],torch.rand(1)
random_split(ds(),[7,4])
random_split(ds(),[.7,.4])
random_split(ds(),[1.2,-.2])
list(DataLoader(random_split(ds(),[7,3])[0],batch_size=3,shuffle=True))
a,b=random_split(range(10),[7,3]);;list(DataLoader(a,3)),list(b)
(ds()+ds(3))[11],len(ds()+ds(3)),(ds()+ds(3))[-1]
list(D.ConcatDataset([[1,2],[3]])),len(D.ConcatDataset([[1,2],[3]]))
D.ConcatDataset([])
D.TensorDataset(torch.ones(3),torch.ones(2))
list(D.ChainDataset([It(),It()])),list(It()+It())
D.StackDataset([1,2],[3,4])[1],D.StackDataset(a=[1,2],b=[3,4])[0],len(D.StackDataset([1,2]))
list(DataLoader(D.StackDataset(a=[1,2],b=[3,4]),2))
D.Subset(ds(),[3,4])[1],len(D.Subset(ds(),[3,4]))
D.Dataset()[0]
list(DataLoader([1,2,3,4,5],2,shuffle=True))
list(DataLoader([1.,2,3],2))
list(DataLoader(np.arange(6.).reshape(3,2),2))
list(DataLoader([(np.ones(2),3),(np.zeros(2),4)],2))
list(DataLoader(["a","b"],2))
list(DataLoader([True,False],2))
list(DataLoader([None,None],2))
list(DataLoader([[1,2],[3]],2))
list(DataLoader(list(zip(torch.arange(4.),torch.arange(4))),2,shuffle=True))
list(DataLoader(torch.arange(6.).reshape(3,2),2))
list(DataLoader(ds(),4,collate_fn=lambda b:len(b)))
list(DataLoader(ds(6),4,num_workers=0,pin_memory=True))
default_collate([torch.ones(2),torch.zeros(2)]),default_collate([np.float64(1),np.float64(2)]),default_collate([np.int32(1)])
default_convert((np.ones(2),3)),default_convert([np.float32(2)])
D.RandomSampler(range(5),num_samples=0)
D.RandomSampler(range(5),replacement=3)
D.BatchSampler([1],0,False)
list(D.BatchSampler(D.SequentialSampler(range(5)),2,False)),len(D.BatchSampler(range(5),2,False)),len(D.BatchSampler(range(5),2,True))
list(DataLoader(D.TensorDataset(torch.ones(4,2,requires_grad=True)),2))
"""

# One number for all bits of many draws: of each size from 1 to 40 and of 100, after four seeds.
SWEEPS = {
    f"{name} {kind}": (call, kind)
    for name, call, kinds in (
        ("rand", "torch.rand(n, dtype=k)", "float16 float32 float64"),
        ("randn", "torch.randn(n, dtype=k)", "float16 float32"),
        ("normal_", "torch.empty(n, dtype=k).normal_(0.3, 1.7)", "float32"),
        ("uniform_", "torch.empty(n, dtype=k).uniform_(-0.37, 2.1)", "float16 float32"),
        ("exponential_", "torch.empty(n, dtype=k).exponential_(1.5)", "float32"),
        ("bernoulli_", "torch.empty(n, dtype=k).bernoulli_(0.3)", "float32 bool int64"),
        (
            "random_",
            "torch.empty(n, dtype=k).random_()",
            "int64 int32 int16 int8 uint8 bool float32 float64 float16",
        ),
        ("randint", "torch.randint(-5, 9, (n,), dtype=k)", "int64 float32"),
        ("randint", "torch.randint(-(2**62), 2**62, (n,), dtype=k)", "int64"),
        ("randperm", "torch.randperm(n * n, dtype=k)", "int64"),
    )
    for kind in kinds.split()
}
SEEDS = (0, 1, -1, 2**40 + 3)

# The same of all first values of a layer, and of what is drawn next.
LAYERS = """
nn.Linear(3, 2)
nn.Linear(3, 2, bias=False)
nn.Bilinear(3, 2, 4)
nn.Conv1d(3, 4, 3)
nn.Conv2d(4, 6, 3, groups=2)
nn.Conv3d(2, 3, 2)
nn.ConvTranspose1d(3, 4, 3)
nn.ConvTranspose2d(4, 6, 3, groups=2)
nn.Embedding(10, 3, padding_idx=2)
nn.EmbeddingBag(5, 3)
nn.Sequential(nn.BatchNorm2d(3), nn.LayerNorm(3), nn.GroupNorm(1, 3), nn.PReLU())
nn.RNN(3, 4, num_layers=2, bidirectional=True)
nn.LSTM(3, 4, proj_size=2)
nn.GRU(3, 4, bias=False)
nn.LSTMCell(3, 4)
nn.MultiheadAttention(8, 2)
nn.MultiheadAttention(8, 2, kdim=4, vdim=6, add_bias_kv=True)
nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2)
nn.Transformer(8, 2, 1, 1, 16)
nn.Sequential(nn.Linear(3, 4), nn.Conv2d(1, 2, 3), nn.LSTM(2, 2))
""".strip().splitlines()


def programs():
    """List all programs."""
    return [
        line
        for text in (NUMBERS, ERRORS, PARAMETERS, OLD, CHANCES, DATA)
        for line in text.strip().splitlines()
    ]


def run(program, torch):
    """Run a program with this module for `torch` and give its result in words that JSON knows."""
    data = importlib.import_module(f"{torch.__name__}.utils.data")
    functional = importlib.import_module(f"{torch.__name__}.nn.functional")
    chances = importlib.import_module(f"{torch.__name__}.distributions")
    names = {
        "torch": torch,
        "nn": torch.nn,
        "F": functional,
        "D": data,
        "np": np,
        "d": chances,
        "T": torch.tensor,
    }
    names |= {k: getattr(data, k) for k in data.__all__} | samples(torch, data)
    *before, last = program.split(";;")
    torch.manual_seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec("\n".join(before), names)
            return plain(eval(last, names))
    except Exception as e:
        kind = next(c.__name__ for c in type(e).__mro__ if c.__module__ == "builtins")
        return {"error": kind, "text": str(e).splitlines()[0]}


def sweep(name, torch):
    """Give the sum over the bits of all draws of a sweep."""
    call, kind = SWEEPS[name]
    found = 0
    for seed in SEEDS:
        torch.manual_seed(seed)
        for n in (*range(1, 41), 100):
            made = eval(call, {"torch": torch, "n": n, "k": getattr(torch, kind)})
            found = zlib.crc32(np.ascontiguousarray(made.numpy()).tobytes(), found)
    return found


def layer(text, torch):
    """Give the sum over the bits of the first values of a layer and of the next draw, and their names."""
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        state = eval(text, {"nn": torch.nn}).state_dict()
    found = 0
    for value in (*state.values(), torch.rand(3)):
        found = zlib.crc32(np.ascontiguousarray(value.numpy()).tobytes(), found)
    return [found, list(state)]


def plain(value):
    """Give tensors as their dtype, shape and numbers, containers as lists."""
    if hasattr(value, "detach"):
        value = value.detach()
        return [str(value.dtype), list(value.shape), [plain(x) for x in value.reshape(-1).tolist()]]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value if type(value) in (bool, int, float, str) else repr(value)


def samples(torch, data):
    """Give data sets to load."""
    pair = namedtuple("pair", "a b")

    def ds(n=10):
        return data.TensorDataset(torch.arange(n), torch.arange(n * 2.0).reshape(n, 2))

    class M(data.Dataset):
        def __len__(self):
            return 7

        def __getitem__(self, i):
            text = {"s": str(i), "l": [i, i], "t": (i, True), "p": pair(i, 2.0)}
            return {"x": torch.rand(2), "y": i, "z": float(i), "n": np.float32(i)} | text

    class It(data.IterableDataset):
        def __iter__(self):
            return iter(range(7))

    class ItL(It):
        def __len__(self):
            return 7

    return {"ds": ds, "M": M, "It": It, "ItL": ItL}


if __name__ == "__main__":
    torch = importlib.import_module("torch")
    made = {p: run(p, torch) for p in programs()} | {name: sweep(name, torch) for name in SWEEPS}
    made |= {text: layer(text, torch) for text in LAYERS}
    lines = [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in made.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    sys.stdout.write(f"{len(made)} programs\n")
