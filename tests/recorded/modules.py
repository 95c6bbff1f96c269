"""What modules do beside computing: hooks, names, states, containers, helpers, and what they refuse in which words."""

import builtins
import collections

import numpy as np


def net_of(torch):
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(2, 3)
            self.blocks = nn.ModuleList([nn.Linear(3, 3), nn.BatchNorm1d(3)])
            self.scale = nn.Parameter(torch.ones(1))
            self.register_buffer("seen", torch.zeros(2))
            self.register_buffer("hidden", torch.zeros(1), persistent=False)
            self.tied = self.first

        def forward(self, x, times=1.0):
            x = self.first(x).relu()
            for block in self.blocks:
                x = block(x)
            return x * self.scale * times

    return Net()


def x_of(torch):
    return torch.tensor(np.linspace(-1, 2, 8, dtype=np.float32).reshape(4, 2), requires_grad=True)


def names(torch):
    net = net_of(torch)
    return {
        "parameters": [n for n, _ in net.named_parameters()],
        "prefix": [n for n, _ in net.named_parameters("a", False)],
        "again": [n for n, _ in net.named_parameters(remove_duplicate=False)],
        "buffers": [n for n, _ in net.named_buffers()], "modules": [n for n, _ in net.named_modules()],
        "children": [n for n, _ in net.named_children()], "state": list(net.state_dict()), "text": repr(net),
        "kind": isinstance(net.state_dict(), collections.OrderedDict),
        "got": [list(net.get_parameter("blocks.0.weight").shape), type(net.get_submodule("blocks.1")).__name__,
                list(net.get_buffer("blocks.1.running_mean").shape)],
    }  # fmt: skip


def hooks(torch):
    net, x, seen = net_of(torch), x_of(torch), []
    note = lambda word: lambda module, *args: seen.append([word, type(module).__name__, len(args)])
    net.first.register_forward_pre_hook(note("before"))
    net.first.register_forward_pre_hook(note("first of all"), prepend=True)
    taken = net.first.register_forward_hook(note("after"))
    net.blocks[0].register_forward_hook(lambda m, args, out: out * 2)
    net.blocks[1].register_forward_pre_hook(lambda m, args: (args[0] + 1,))
    net.register_forward_pre_hook(lambda m, args, kwargs: (args, kwargs | {"times": 3.0}), with_kwargs=True)
    net.register_forward_hook(lambda m, args, kwargs, out: out + kwargs["times"], with_kwargs=True)
    out = net(x, times=2.0)
    taken.remove()
    net.first(x)
    return {"seen": seen, "out": out}


def backward_hooks(torch):
    net, x, seen = net_of(torch), x_of(torch), []

    def note(module, grad_input, grad_output):
        seen.append(
            [type(module).__name__, [g if g is None else g.clone() for g in grad_input], list(grad_output)]
        )

    net.first.register_full_backward_hook(note)
    net.blocks[0].register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] * 2,))
    net.blocks[1].register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 3,))
    handle = net.register_full_backward_hook(note)
    net(x).sum().backward()
    grads = [x.grad.clone(), net.first.weight.grad.clone(), net.blocks[0].weight.grad.clone()]
    handle.remove()
    net(x.detach()).sum().backward()
    return {"seen": seen, "grads": grads, "again": net.first.weight.grad}


def states(torch):
    one, other = net_of(torch), net_of(torch)
    state = one.state_dict()
    found = [repr(other.load_state_dict(state)), other.scale, other.first.weight]
    del state["scale"]
    state["odd"] = torch.ones(1)
    keys = other.load_state_dict(state, strict=False)
    found += [list(keys.missing_keys), list(keys.unexpected_keys)]
    third = net_of(torch)
    third.load_state_dict(one.state_dict(), assign=True)
    return [*found, third.first.weight, third.first.weight.requires_grad, len(list(third.parameters()))]


def containers(torch):
    nn = torch.nn
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    net.append(nn.Tanh())
    net.insert(1, nn.Sigmoid())
    gone = net.pop(0)
    net[0] = nn.ELU()
    net.extend([nn.ReLU(), nn.Tanh()])
    del net[1]
    listed = nn.ModuleList([nn.ReLU()]) + nn.ModuleList([nn.Tanh()])
    listed += [nn.Linear(1, 1)]
    named = nn.ModuleDict({"b": nn.ReLU()})
    named.update({"a": nn.Tanh(), "c": nn.ELU()})
    del named["b"]
    numbers = nn.ParameterList([torch.zeros(2)])
    numbers.append(torch.ones(1))
    by_name = nn.ParameterDict({"u": torch.ones(2)})
    by_name["v"] = nn.Parameter(torch.zeros(1))
    return {
        "net": repr(net), "gone": repr(gone), "slice": repr(net[1:3]), "listed": repr(listed), "named": repr(named),
        "in": ["a" in named, "b" in named, len(named), list(named.keys())], "numbers": [len(numbers), numbers[1]],
        "by name": [list(by_name), by_name["u"], [n for n, _ in by_name.named_parameters()]],
        "sum": repr(nn.Sequential(nn.ReLU()) + nn.Sequential(nn.Tanh())),
    }  # fmt: skip


def helpers(torch):
    utils = torch.nn.utils
    net, x = net_of(torch), x_of(torch)
    (net(x) ** 2).sum().backward()
    total = utils.clip_grad_norm_(net.parameters(), 0.5)
    clipped = [p.grad.clone() for p in net.parameters()]
    most = utils.clip_grad_norm_(net.parameters(), 0.01, norm_type=float("inf"))
    utils.clip_grad_value_(net.parameters(), 0.005)
    vector = utils.parameters_to_vector(net.parameters())
    utils.vector_to_parameters(vector * 2, net.parameters())
    return {"norms": [total, most], "clipped": clipped, "held": [p.grad for p in net.parameters()],
            "vector": vector, "twice": net.first.weight}  # fmt: skip


def sequences(torch):
    rnn = torch.nn.utils.rnn
    t = lambda *shape: torch.tensor(np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
    several = [t(2, 2), t(4, 2) + 10, t(3, 2) + 20]
    padded = rnn.pad_sequence(several, batch_first=True, padding_value=-1.0)
    packed = rnn.pack_padded_sequence(padded, torch.tensor([2, 4, 3]), batch_first=True, enforce_sorted=False)
    back, lengths = rnn.pad_packed_sequence(packed, batch_first=True)
    other = rnn.pack_sequence(several, enforce_sorted=False)
    torch.manual_seed(0)
    made = {"padded": padded, "data": packed.data, "sizes": packed.batch_sizes, "order": packed.sorted_indices,
            "back": back, "lengths": lengths, "other": other.data,
            "parts": rnn.unpad_sequence(back, lengths, True)}  # fmt: skip
    for kind in ("RNN", "LSTM", "GRU"):
        net = getattr(torch.nn, kind)(2, 3, num_layers=2, bidirectional=True)
        out, last = net(packed)
        unpacked, _ = rnn.pad_packed_sequence(out)
        unpacked.sum().backward()
        made[kind] = [unpacked, *(last if isinstance(last, tuple) else [last]), net.weight_ih_l0.grad]
    return made


def conversions(torch):
    net = net_of(torch).double()
    first = [str(net.scale.dtype), str(net.seen.dtype), str(net.blocks[1].num_batches_tracked.dtype)]
    net.half().to(torch.float32).eval().requires_grad_(False)
    return [*first, str(net.scale.dtype), net.blocks[1].training, net.scale.requires_grad, net.zero_grad() is None,
            net.train() is net, net.apply(lambda m: None) is net]  # fmt: skip


def lazy(torch):
    nn = torch.nn
    torch.manual_seed(0)
    net = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(2))
    before, weight = [repr(net), repr(net[0].weight)], net[0].weight
    net(x_of(torch))
    return [*before, repr(net), type(net[0]).__name__, net[0].weight is weight, net[0].weight, net[2].weight]


# What is refused: the expression, PyTorch's class, and how many characters of the message are PyTorch's.
REFUSED = """
net.load_state_dict({"scale": torch.ones(2)})                       | RuntimeError | 90
net.load_state_dict({k: v for k, v in net.state_dict().items() if k != "scale"}) | RuntimeError | 80
setattr(net, "scale", torch.ones(1))                                | TypeError | 60
net.register_parameter("seen", None)                                | KeyError | 20
net.register_buffer("a.b", None)                                    | KeyError | 20
net.add_module("first", 3)                                          | TypeError | 28
net.get_submodule("nothing.there")                                  | AttributeError | 32
net.nothing                                                         | AttributeError | 40
net.train(3)                                                        | ValueError | 39
nn.Module()(1)                                                      | NotImplementedError | 58
nn.ModuleList([nn.ReLU()])[3]                                       | IndexError | 20
nn.Linear(2, 3)(torch.ones(4, 5))                                   | RuntimeError | 50
nn.Conv2d(3, 4, 5, groups=2)                                        | ValueError | 39
nn.Conv2d(3, 4, 5)(torch.ones(1, 2, 8, 8))                          | RuntimeError | 80
nn.Conv2d(3, 4, 5)(torch.ones(8, 8))                                | RuntimeError | 85
nn.Conv2d(3, 4, 5)(torch.ones(1, 3, 4, 4))                          | RuntimeError | 100
nn.Conv2d(3, 4, 5, padding_mode="odd")                              | ValueError | 28
nn.Conv2d(3, 4, 3, stride=2, padding="same")(torch.ones(1, 3, 4, 4)) | ValueError | 40
nn.MaxPool2d(2, padding=3)(torch.ones(1, 3, 4, 4))                  | RuntimeError | 60
nn.MaxPool2d(5)(torch.ones(1, 3, 4, 4))                             | RuntimeError | 60
nn.BatchNorm2d(3)(torch.ones(2, 3))                                 | ValueError | 32
nn.BatchNorm1d(3)(torch.ones(1, 3))                                 | ValueError | 60
nn.GroupNorm(2, 3)                                                  | ValueError | 30
nn.LayerNorm(3)(torch.ones(2, 4))                                   | RuntimeError | 80
nn.Dropout(1.5)                                                     | ValueError | 58
nn.Embedding(3, 2, padding_idx=5)                                   | AssertionError | 40
nn.Embedding(3, 2)(torch.tensor([4]))                               | IndexError | 22
nn.RNN(2, 3)(torch.ones(4, 1, 5))                                   | RuntimeError | 60
nn.RNN(2, 3)(torch.ones(4, 1, 2), torch.ones(1, 2, 3))              | RuntimeError | 45
nn.RNN(2, 3, nonlinearity="odd")                                    | ValueError | 20
nn.LSTM(2, 0)                                                       | ValueError | 30
nn.MultiheadAttention(5, 2)                                         | AssertionError | 40
F.scaled_dot_product_attention(*[torch.ones(2, 2)] * 3, attn_mask=torch.ones(2, 2), is_causal=True) | RuntimeError | 50
F.interpolate(torch.ones(1, 1, 2, 2))                               | ValueError | 40
F.interpolate(torch.ones(1, 1, 2, 2), size=3, mode="linear")        | NotImplementedError | 0
F.pad(torch.ones(1, 2, 3), (3, 0), mode="reflect")                  | RuntimeError | 0
F.pad(torch.ones(1, 2, 3), (3, 0), mode="odd")                      | NotImplementedError | 25
nn.utils.rnn.pack_padded_sequence(torch.ones(3, 2, 1), torch.tensor([2, 3])) | RuntimeError | 70
torch.func.vmap(torch.sin)(torch.tensor(1.0))                       | ValueError | 0
torch.func.vmap(torch.add)(torch.ones(2), torch.ones(3))            | ValueError | 60
torch.func.vmap(lambda x: x + torch.randn(1))(torch.ones(2))        | RuntimeError | 60
torch.func.vmap(lambda x: 1)(torch.ones(2))                         | ValueError | 0
torch.distributions.Normal(0.0, -1.0)                               | ValueError | 60
torch.distributions.Bernoulli(0.5).log_prob(torch.tensor(3.0))      | ValueError | 60
torch.distributions.Categorical()                                   | ValueError | 40
torch.distributions.Uniform(1.0, 0.0)                               | ValueError | 90
torch.optim.SGD([], lr=0.1)                                         | ValueError | 36
torch.optim.SGD([torch.ones(1)], lr=-1.0)                           | ValueError | 22
torch.optim.lr_scheduler.OneCycleLR(torch.optim.SGD([torch.ones(1)], 0.1), 1.0) | ValueError | 40
"""


def refused(text, kind, length):
    def case(torch):
        words = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "net": net_of(torch)}
        try:
            eval(text, words)
        except getattr(builtins, kind) as error:
            message = str(error.args[0]) if isinstance(error, KeyError) else str(error)
            return message[:length]
        return "nothing was refused"

    return case


CASES = {
    f.__name__: f
    for f in (names, hooks, backward_hooks, states, containers, helpers, sequences, conversions, lazy)
}
CASES |= {text: refused(text, kind.strip(), int(n)) for text, kind, n in
          (line.rsplit("|", 2) for line in REFUSED.split("\n") if line)}  # fmt: skip
