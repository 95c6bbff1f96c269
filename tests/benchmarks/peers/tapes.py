"""Libraries that record as they compute: `value.backward()` puts the gradients into the leaves.

In: a loss over a library's functions, constants and leaves in NumPy. Out: the call that computes value and gradients.
Libraries are imported where their peer is made: they are optional, slow, and disturb each other in one process.
"""

from types import SimpleNamespace

import numpy as np


class Tape:
    own = {}  # losses that the library's users would write otherwise

    def constant(self, a):
        return a

    def clear(self, leaf):
        leaf.grad = None

    def array(self, a):
        return a.detach().numpy()

    def gradient(self, loss, constants, leaves):
        constants, leaves = [self.constant(c) for c in constants], [self.leaf(a) for a in leaves]

        def run():
            for leaf in leaves:
                self.clear(leaf)
            value = loss(*constants, *leaves)
            value.backward()
            return value, [leaf.grad for leaf in leaves]

        return run


class TorchLike(Tape):
    """What gradmagic and PyTorch have by the same names: tensor, optim, autograd.grad."""

    def __init__(self, library):
        self.library = library

    def leaf(self, a):
        return self.library.tensor(a, requires_grad=True)

    def descent(self, loss, constants, leaves):
        (steps, rate), (first,) = constants, leaves
        x, first = self.leaf(first), self.library.tensor(first)
        optimizer = self.library.optim.SGD([x], lr=rate)

        def run():
            x.data.copy_(first)
            for _ in range(steps):
                optimizer.zero_grad()
                value = loss(x)
                value.backward()
                optimizer.step()
            return value, [x]

        return run

    def hessian_vector(self, loss, constants, leaves):
        (vector,), (x,) = map(self.constant, constants), map(self.leaf, leaves)
        grad = self.library.autograd.grad

        def run():
            value = loss(x)
            (slope,) = grad(value, x, create_graph=True)
            return value, list(grad(self.ops.sum(slope * vector), x))

        return run


class Gradmagic(TorchLike):
    title, module = "gradmagic", "gradmagic"

    def __init__(self):
        import gradmagic as gm

        super().__init__(gm)
        f = gm.nn.functional
        self.ops = SimpleNamespace(
            **{name: getattr(np, name) for name in "sum mean tanh exp sin sqrt matmul".split()},
            relu=f.relu,
            softmax=lambda x: f.softmax(x, -1),
            layer_norm=lambda x, gain, shift: f.layer_norm(x, x.shape[-1:], gain, shift),
            cross_entropy=f.cross_entropy,
            binary_cross_entropy=f.binary_cross_entropy_with_logits,
            conv2d=f.conv2d,
            max_pool=lambda x: f.max_pool2d(x, 2),
            transpose=lambda x: np.swapaxes(x, -1, -2),
            flatten=lambda x: np.reshape(x, (len(x), -1)),
        )


class Torch(TorchLike):
    title, module = "torch {}", "torch"

    def __init__(self):
        import os

        import torch
        import torch.nn.functional as f

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        super().__init__(torch)
        self.ops = SimpleNamespace(
            **{name: getattr(torch, name) for name in "sum mean tanh exp sin sqrt matmul relu".split()},
            softmax=lambda x: torch.softmax(x, -1),
            layer_norm=lambda x, gain, shift: f.layer_norm(x, x.shape[-1:], gain, shift),
            cross_entropy=f.cross_entropy,
            binary_cross_entropy=f.binary_cross_entropy_with_logits,
            conv2d=f.conv2d,
            max_pool=lambda x: f.max_pool2d(x, 2),
            transpose=lambda x: x.transpose(-1, -2),
            flatten=lambda x: x.flatten(1),
        )

    def constant(self, a):
        return self.library.tensor(a) if isinstance(a, np.ndarray) else a


class MyGrad(Tape):
    """MyGrad with its memory guarding off, as its documentation advises where speed counts.

    float32 by one of Python's floats is float64 here, so on large arrays it moves twice the memory.
    """

    title, module = "MyGrad {}", "mygrad"
    hessian_vector = None  # it has first derivatives only

    def __init__(self):
        import mygrad as mg
        from mygrad.nnet import activations, layers, losses

        mg.turn_memory_guarding_off()
        self.leaf = mg.tensor

        def layer_norm(x, gain, shift):
            x = x - mg.mean(x, axis=-1, keepdims=True)
            return x / mg.sqrt(mg.mean(x * x, axis=-1, keepdims=True) + 1e-5) * gain + shift

        self.ops = SimpleNamespace(
            **{name: getattr(mg, name) for name in "sum mean tanh exp sin sqrt matmul".split()},
            relu=activations.relu,
            softmax=lambda x: activations.softmax(x, axis=-1),
            layer_norm=layer_norm,
            cross_entropy=losses.softmax_crossentropy,
            binary_cross_entropy=lambda z, target: mg.mean(mg.logaddexp(0.0, z) - z * target),
            conv2d=lambda x, kernel, bias: layers.conv_nd(x, kernel, stride=1) + bias.reshape(1, -1, 1, 1),
            max_pool=lambda x: layers.max_pool(x, (2, 2), 2),
            transpose=lambda x: mg.swapaxes(x, -1, -2),
            flatten=lambda x: x.reshape(len(x), -1),
        )

    def clear(self, leaf):
        leaf.null_grad()

    array = staticmethod(np.asarray)

    def descent(self, loss, constants, leaves):
        (steps, rate), (first,) = constants, leaves
        x = self.leaf(first)

        def run():
            x.data[...] = first
            for _ in range(steps):
                x.null_grad()
                value = loss(x)
                value.backward()
                x.data -= rate * x.grad
            return value, [x]

        return run
