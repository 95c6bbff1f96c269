"""Libraries that turn a function into its derivative: `value_and_grad(loss)`.

In: a loss over a library's functions, constants and leaves in NumPy. Out: the call that computes value and gradients.
Libraries are imported where their peer is made: they are optional, slow, and disturb each other in one process.
"""

from types import SimpleNamespace

import numpy as np

from tests.benchmarks.workloads import small

from . import tapes


class Jax:
    """JAX, compiled; compiling is not timed."""

    title, module, array = "jax.jit {}", "jax", staticmethod(np.asarray)

    def __init__(self):
        import jax
        from jax import numpy as jnp

        jax.config.update("jax_enable_x64", True)  # each workload in its own precision; float32 stays float32
        self.jax = jax

        def layer_norm(x, gain, shift):
            x = x - x.mean(-1, keepdims=True)
            return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * gain + shift

        def cross_entropy(z, labels):
            return -jnp.take_along_axis(jax.nn.log_softmax(z), labels[:, None], 1).mean()

        def max_pool(x):
            return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")

        def chain(ops, length, x):
            """Compiled operation by operation, 10,000 of them take XLA minutes; a loop is what JAX has for it."""
            step = lambda _, x: x * 0.9999 + 0.0001
            return jnp.sum(jax.lax.fori_loop(0, length // 2, step, x))

        self.own = {small.chain: chain}
        self.ops = SimpleNamespace(
            **{name: getattr(jnp, name) for name in "sum mean tanh exp sin sqrt matmul".split()},
            relu=jax.nn.relu,
            softmax=jax.nn.softmax,
            layer_norm=layer_norm,
            cross_entropy=cross_entropy,
            binary_cross_entropy=lambda z, target: (jnp.logaddexp(0.0, z) - z * target).mean(),
            conv2d=lambda x, kernel, bias: jax.lax.conv(x, kernel, (1, 1), "VALID") + bias[:, None, None],
            max_pool=max_pool,
            transpose=lambda x: jnp.swapaxes(x, -1, -2),
            flatten=lambda x: x.reshape(len(x), -1),
        )

    def constant(self, a):
        return self.jax.numpy.asarray(a) if isinstance(a, np.ndarray | np.generic) else a

    def call(self, f, arguments, fixed=()):
        """Give the call of f, compiled, that waits for what it computes; numbers in `fixed` are compiled in."""
        f, arguments = self.jax.jit(f, static_argnums=fixed), [self.constant(a) for a in arguments]
        return lambda: self.jax.block_until_ready(f(*arguments))

    def gradient(self, loss, constants, leaves):
        after = range(len(constants), len(constants) + len(leaves))
        fixed = [k for k, c in enumerate(constants) if isinstance(c, int)]
        return self.call(self.jax.value_and_grad(loss, argnums=tuple(after)), [*constants, *leaves], fixed)

    def descent(self, loss, constants, leaves):
        """One step is compiled, and called from a loop in Python."""
        (steps, rate), (first,) = constants, map(self.constant, leaves)

        @self.jax.jit
        def step(x):
            value, slope = self.jax.value_and_grad(loss)(x)
            return value, x - rate * slope

        def run():
            x = first
            for _ in range(steps):
                value, x = step(x)
            return self.jax.block_until_ready((value, [x]))

        return run

    def hessian_vector(self, loss, constants, leaves):
        def product(vector, x):
            (value, _), (_, product) = self.jax.jvp(self.jax.value_and_grad(loss), (x,), (vector,))
            return value, [product]

        return self.call(product, [*constants, *leaves])


class Replayed:
    """gradmagic's derivatives of functions, recorded at the first call, which is not timed, and run as programs."""

    title, module, array, own, backend = (
        "gradmagic replay",
        "gradmagic",
        staticmethod(np.asarray),
        {},
        "numpy",
    )

    def __init__(self):
        import gradmagic as gm

        self.gm = gm
        self.ops = tapes.Gradmagic().ops

    def replay(self, f):
        return self.gm.replay(f, backend=self.backend)

    def gradient(self, loss, constants, leaves):
        after = range(len(constants), len(constants) + len(leaves))
        step = self.replay(self.gm.value_and_grad(loss, argnums=tuple(after)))
        return lambda: step(*constants, *leaves)

    def descent(self, loss, constants, leaves):
        """One step is a program, called from a loop in Python."""
        (steps, rate), (first,) = constants, leaves
        slope = self.gm.value_and_grad(loss)

        @self.replay
        def step(x):
            value, gradient = slope(x)
            return value, x - rate * gradient

        def run():
            x = first
            for _ in range(steps):
                value, x = step(x)
            return value, [x]

        return run

    def hessian_vector(self, loss, constants, leaves):
        slope, products = self.gm.value_and_grad(loss), self.gm.jvp

        @self.replay
        def product(x, vector):
            (value, _), (_, product) = products(slope, (x,), (vector,))
            return value, product

        def run():
            value, found = product(leaves[0], constants[0])
            return value, [found]

        return run


class Compiled(Replayed):
    """The same programs, compiled by numba where it is given them."""

    title, backend = "gradmagic replay, numba", "numba"

    def __init__(self):
        import numba  # noqa: F401  (without it there is nothing to measure)

        super().__init__()

    def descent(self, loss, constants, leaves):
        """The steps are one call."""
        (steps, rate), (first,) = constants, leaves
        slope = self.gm.value_and_grad(loss)
        step = self.replay(lambda x: x - rate * slope(x)[1])

        def run():
            x = self.gm.loop(step, first, steps)
            return None, [x]

        return run


class Autograd:
    title, module, array, own = "autograd {}", "autograd", staticmethod(np.asarray), {}

    def __init__(self):
        import autograd
        from autograd import numpy as anp
        from autograd.scipy.signal import convolve
        from autograd.scipy.special import logsumexp

        self.autograd = autograd

        def softmax(x):
            e = anp.exp(x - anp.max(x, axis=-1, keepdims=True))
            return e / anp.sum(e, axis=-1, keepdims=True)

        def layer_norm(x, gain, shift):
            x = x - anp.mean(x, axis=-1, keepdims=True)
            return x / anp.sqrt(anp.mean(x * x, axis=-1, keepdims=True) + 1e-5) * gain + shift

        def conv2d(x, kernel, bias):
            """A convolution in the mathematical sense, with the kernel turned round."""
            axes = {"axes": ([2, 3], [2, 3]), "dot_axes": ([1], [1]), "mode": "valid"}
            return convolve(x, kernel[:, :, ::-1, ::-1], **axes) + anp.reshape(bias, (1, -1, 1, 1))

        def max_pool(x):
            batch, channels, height, width = x.shape
            windows = anp.reshape(x, (batch, channels, height // 2, 2, width // 2, 2))
            return anp.max(anp.max(windows, axis=5), axis=3)

        self.ops = SimpleNamespace(
            **{name: getattr(anp, name) for name in "sum mean tanh exp sin sqrt matmul".split()},
            relu=lambda x: anp.maximum(x, 0),
            softmax=softmax,
            layer_norm=layer_norm,
            cross_entropy=lambda z, y: anp.mean(logsumexp(z, axis=1) - z[np.arange(len(y)), y]),
            binary_cross_entropy=lambda z, target: anp.mean(anp.logaddexp(0.0, z) - z * target),
            conv2d=conv2d,
            max_pool=max_pool,
            transpose=lambda x: anp.swapaxes(x, -1, -2),
            flatten=lambda x: anp.reshape(x, (len(x), -1)),
        )

    def gradient(self, loss, constants, leaves):
        after = range(len(constants), len(constants) + len(leaves))
        value_and_grad = self.autograd.value_and_grad(loss, argnum=tuple(after))
        return lambda: value_and_grad(*constants, *leaves)

    def descent(self, loss, constants, leaves):
        (steps, rate), (first,) = constants, leaves
        value_and_grad = self.autograd.value_and_grad(loss)

        def run():
            x = first
            for _ in range(steps):
                value, slope = value_and_grad(x)
                x = x - rate * slope
            return value, [x]

        return run

    def hessian_vector(self, loss, constants, leaves):
        """Its own product gives no value, and none is asked of it."""
        product = self.autograd.hessian_vector_product(loss)
        return lambda: (None, [product(leaves[0], constants[0])])
