"""The errors of gradmagic: each class's docstring is its help page, with the wrong and the right program.

Every class derives from `GradmagicError` and from the built-in exception that a NumPy or PyTorch user expects.
The first sentence of a message is one a PyTorch user recognises where there is one; the second says what to write.
The programs run as they stand after `import numpy as np` and `import gradmagic as gm`; those that begin with `%%grad`
are cells, the lines before them an earlier cell.
"""

from __future__ import annotations

from .language import tr


class GradmagicError(Exception):
    """The base of all errors that gradmagic raises itself; catch it to catch them all."""


class NoGradError(GradmagicError, RuntimeError):
    """Nothing that the result depends on requires a gradient.

    Why: a tensor is recorded only if it asks for it, so that everything else costs nothing.

    Wrong::

        x = gm.tensor([1.0, 2.0])
        x.sum().backward()

    Right::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        x.sum().backward()
    """


class NonScalarError(GradmagicError, RuntimeError):
    """`backward()` without `gradient=` starts from a single real number, and the result has several, or is complex.

    Why: the gradient of several numbers is a matrix; a sweep gives one row of it, or a weighted sum of rows. A complex
    number is two: take `np.real(...)` or `np.abs(...)` of it.

    Wrong::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        y = 2 * x
        y.backward()

    Right, either of::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        y = 2 * x
        y.sum().backward(retain_graph=True)
        y.backward(gradient=gm.ones_like(y))
    """


class IntegerGradError(GradmagicError, RuntimeError):
    """A gradient was asked for by whole numbers.

    Why: whole numbers have no neighbours to differ from; only floating point and complex tensors have gradients.

    Wrong::

        gm.tensor([1, 2, 3], requires_grad=True)

    Right::

        gm.tensor([1.0, 2.0, 3.0], requires_grad=True)
    """


class FreedError(GradmagicError, RuntimeError):
    """The graph was walked backward before, and what it had saved was given back.

    Why: the values that the way back needs are most of a program's memory; a sweep frees them as it goes.

    Wrong::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        z = (x * x).sum()
        z.backward()
        z.backward()

    Right: compute `z` again before each `backward()`, or keep the graph::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        z = (x * x).sum()
        z.backward(retain_graph=True)
        z.backward()
    """


class StateError(GradmagicError, RuntimeError):
    """A state does not fit the module that is to take it over.

    Why: a parameter can only take values of its own shape, and a name that is missing would keep its random start.

    Wrong::

        small, large = gm.nn.Linear(2, 1), gm.nn.Linear(3, 1)
        large.load_state_dict(small.state_dict())

    Right: make the module as it was when its state was saved::

        small, again = gm.nn.Linear(2, 1), gm.nn.Linear(2, 1)
        again.load_state_dict(small.state_dict())
    """


class LeafWriteError(GradmagicError, RuntimeError):
    """A leaf that requires a gradient was written in place while recording.

    Why: the gradient is with respect to the value that the leaf had; after the write it would be nobody's.

    Wrong::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        x += 1

    Right: make a new tensor, or update the data without recording::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        y = x + 1
        with gm.no_grad():
            x += 1
    """


class StaleError(GradmagicError, RuntimeError):
    """A value that the backward sweep needs was changed in place after it was used.

    Why: a derivative is taken at the value that was used; with another value it would be wrong, without a word.

    Wrong::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        y = x * x
        z = y * y          # keeps y for the way back
        y += 1             # ... and y is another value now
        z.sum().backward()

    Right: make a new tensor instead of changing the old one::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        y = x * x
        z = y * y
        y = y + 1
        z.sum().backward()
    """


class RecomputeError(GradmagicError, RuntimeError):
    """A function under `gm.checkpoint` gave other values when it was computed again for the backward sweep.

    Why: what is not kept is computed again on the way back, and must come out the same.

    Wrong::

        rng = np.random.default_rng(0)
        x = gm.tensor([1.0, 2.0, 3.0], requires_grad=True)
        gm.checkpoint(lambda x: x * rng.normal(size=3))(x).sum().backward()

    Right: draw outside, or make the generator inside, so that it draws the same again::

        rng = np.random.default_rng(0)
        x = gm.tensor([1.0, 2.0, 3.0], requires_grad=True)
        noise = rng.normal(size=3)
        gm.checkpoint(lambda x: x * noise)(x).sum().backward()
    """


class ConversionError(GradmagicError, TypeError, RuntimeError):
    """A tracked value was asked to become a plain array or number, where its gradient would be lost without a word.

    Why: what NumPy makes of a plain copy cannot be followed back to the tensor.

    Wrong::

        t = gm.tensor([1.0, 2.0], requires_grad=True)
        a = np.zeros(2)
        a[:] = t

    Right: the values without a gradient, or an array made by a function that keeps it::

        t = gm.tensor([1.0, 2.0], requires_grad=True)
        a = np.zeros(2)
        a[:] = t.detach().numpy()
        b = np.stack([t[0], t[1] * 2])
    """


class UnknownFunctionError(GradmagicError, TypeError):
    """A NumPy function for which gradmagic has no derivative was called on a tracked value.

    Why: what it computes is not known to gradmagic, or nobody has declared its derivative yet.

    Wrong::

        t = gm.tensor([1.0, 2.0], requires_grad=True)
        double = np.frompyfunc(lambda v: 2 * v, 1, 1)
        double(t)

    Right: functions that have one, a derivative of your own (`gm.custom`), or no gradient::

        t = gm.tensor([1.0, 2.0], requires_grad=True)
        2 * t
        gm.custom(lambda v: 2 * v, vjp=lambda g, y, v: (2 * g,))(t)
        np.frompyfunc(lambda v: 2 * v, 1, 1)(t.detach().numpy())
    """


class ArgumentError(GradmagicError, TypeError):
    """An argument is none that a derivative goes through: a masked array, a Series, text, None, or a form without rule.

    Why: what the function does with it is not known to the rule (which entries a mask leaves out, what an object
    computes); the message names the value, the line, and what to write.

    Wrong::

        t = gm.tensor([1.0, 2.0], requires_grad=True)
        m = np.ma.array([1.0, 2.0], mask=[False, True])
        t + m

    Right: numbers, and their places as an array of truth values::

        t = gm.tensor([1.0, 2.0], requires_grad=True)
        m = np.ma.array([1.0, 2.0], mask=[False, True])
        np.where(np.ma.getmaskarray(m), 0.0, t + m.filled(0))
    """


class ShapeError(GradmagicError, ValueError, RuntimeError):
    """Shapes do not fit each other: of two operands, or of a `gradient=` and its result.

    Why: axes are matched from the right, and must be equal or 1; the message names both operands and their shapes.

    Wrong::

        t = gm.tensor([1.0, 2.0], requires_grad=True)
        t + np.ones((2, 3))

    Right::

        t = gm.tensor([1.0, 2.0], requires_grad=True)
        t[:, None] + np.ones((2, 3))
    """


class DimensionError(GradmagicError, IndexError, ValueError):
    """A dim was named that the tensor has not.

    Why: a tensor of n dims counts them from 0 to n - 1, or from the back from -1 to -n.

    Wrong::

        gm.ones(2, 3).sum(dim=2)

    Right::

        gm.ones(2, 3).sum(dim=1)
    """

    def __init__(self, dim: object, ndim: int = 0) -> None:
        if not isinstance(dim, str):
            dim = tr(
                "Dimension out of range (expected to be in range of [{first}, {last}], but got {dim}): the dims are "
                "counted from 0 to {last}, or from the back from -1 to {first}.", first=-ndim, last=ndim - 1, dim=dim,
            )  # fmt: skip
        super().__init__(dim)


class DTypeError(GradmagicError, NotImplementedError, TypeError):
    """A function has no values for numbers of this dtype: no larger of two complex numbers, no bits of a fraction.

    Why: PyTorch has none either, or NumPy has none; the message names the dtypes.

    Wrong::

        gm.tensor([1.5]) & 1

    Right::

        gm.tensor([1.5]).long() & 1
    """


class DeviceError(GradmagicError, RuntimeError):
    """The device that was asked for cannot be used here, or two devices met in one operation.

    Why: "cuda" needs an NVIDIA GPU, its driver and CuPy (`pip install "gradmagic[cuda13]"`), and an operation computes
    where all of its operands are (`t.to("cuda")`).

    Wrong::

        gm.tensor([1.0], device="tpu")

    Right::

        gm.tensor([1.0], device="cpu")
    """


class MissingError(GradmagicError, AttributeError, NotImplementedError):
    """A name of PyTorch's that is not here, or needs a library that is not installed.

    Why: gradmagic has what shows where gradients come from; the message names the nearest thing that there is.

    Wrong::

        gm.stft(gm.ones(8), 4)

    Right::

        gm.fft.rfft(gm.ones(8))
    """


class NameOnLineError(GradmagicError, NameError):
    """A name on the `%%grad` line is neither defined nor assigned in the cell.

    Why: the gradient is taken by what the name holds, when the cell begins or when the cell assigns it.

    Wrong::

        x = np.array([1.0, 2.0])

        %%grad xx
        y = (x * x).sum()

    Right::

        x = np.array([1.0, 2.0])

        %%grad x
        y = (x * x).sum()
    """


class NotLiftableError(GradmagicError, TypeError):
    """A name on the `%%grad` line is something that no gradient can be taken by: text, a list of numbers, a module.

    Why: a gradient has one number for each entry of an array; the message says how to make one of the value.

    Wrong::

        x = [1.0, 2.0]

        %%grad x
        y = np.sum(np.square(x))

    Right::

        x = np.array([1.0, 2.0])

        %%grad x
        y = np.sum(np.square(x))
    """


class NoResultError(GradmagicError, RuntimeError):
    """The cell computed nothing that depends on what the gradient is to be taken by.

    Why: the result is the last expression or assignment that depends on the names of the line.

    Wrong::

        x = np.array([1.0, 2.0])

        %%grad x
        loss = 3.0

    Right: assign the result to a name, end the cell with it, or say which one it is::

        x = np.array([1.0, 2.0])

        %%grad x --of loss
        loss = np.sum((x - 1)**2)
    """


class AnomalyError(GradmagicError, RuntimeError):
    """Within `gm.detect_anomaly()` an operation made NaN or infinity, forward or on the way back; the message names it.

    Why: a NaN goes through all that follows; the first operation that makes one is where to look.

    Wrong::

        x = gm.tensor([0.0, 1.0], requires_grad=True)
        with gm.detect_anomaly(), np.errstate(divide="ignore"):
            y = np.where(x > 0, np.log(x), 0.0)       # log(0) is computed all the same

    Right: keep such entries out before the operation, not after it::

        x = gm.tensor([0.0, 1.0], requires_grad=True)
        with gm.detect_anomaly():
            ok = x > 0
            y = np.where(ok, np.log(np.where(ok, x, 1.0)), 0.0)

    Or leave the value as it is, and let `gm.guard_where()` (`%%grad --guard`) count 0 * inf as 0 on the way back.
    """


class TapeLimitError(GradmagicError, MemoryError):
    """What the tape keeps for the way back has passed its limit; the message names the lines that keep the most.

    Nothing is lost: every name has the value that it had, and the operation that was stopped can be run again.

    Why: each operation keeps what its derivative needs, until the sweep; a long loop keeps that of every turn.

    Wrong::

        gm.set_tape_limit("1MB")
        h = gm.tensor(np.ones(10_000), requires_grad=True)
        for step in range(1000):
            h = np.tanh(h)                  # a thousand steps, each kept for the way back

    Right: go back after a part of the steps, keep less (`gm.checkpoint`), or allow more::

        gm.set_tape_limit("1MB")
        h = gm.tensor(np.ones(10_000), requires_grad=True)
        for step in range(1000):
            h = np.tanh(h).detach()         # the gradient of the next part begins here
        gm.set_tape_limit("32GB")
    """


class ClusterError(GradmagicError, RuntimeError):
    """A pass of `gm.distributed.loss` over the partitions was given up.

    Why: the client has lost its scheduler; or one partition has lost a worker after the other, most often because it
    needs more memory than they have, and is to be cut into smaller ones. A worker that dies once is no error: its
    partitions are computed again elsewhere.

    Wrong::

        import distributed
        client = distributed.Client(processes=False, n_workers=1, dashboard_address=":0")
        total = gm.distributed.loss(lambda w, X: np.sum(X @ w), [np.ones((2, 2))], client=client)
        client.close()
        total(np.ones(2))

    Right: the same loss, with a client that has a scheduler::

        import distributed
        total = gm.distributed.loss(lambda w, X: np.sum(X @ w), [np.ones((2, 2))])
        with distributed.Client(processes=False, n_workers=1, dashboard_address=":0"):
            total(np.ones(2))
    """


class CheckError(GradmagicError, AssertionError):
    """`gm.check_grads` found a derivative that numerical differences contradict; the message shows the first entry.

    Why: a rule of one's own is a claim; differences of the function itself are the proof.

    Wrong::

        cube = gm.custom(lambda x: x**3, vjp=lambda g, y, x: (2 * x**2 * g,))
        gm.check_grads(cube, (np.array([1.0, 2.0]),), order=1, modes=("rev",))

    Right::

        cube = gm.custom(lambda x: x**3, vjp=lambda g, y, x: (3 * x**2 * g,))
        gm.check_grads(cube, (np.array([1.0, 2.0]),), order=1, modes=("rev",))
    """


class MinimizeError(GradmagicError, ValueError):
    """A fit cannot begin: the method, an option or the start is not what `gm.minimize` takes.

    Why: a method takes what its mathematics has a place for: bounds, a step length, Hessians.

    Wrong::

        gm.minimize(lambda x: np.sum((x - 3.0) ** 2), np.array([0.5, 0.5]), "adam", bounds=(0.0, 1.0))

    Right::

        gm.minimize(lambda x: np.sum((x - 3.0) ** 2), np.array([0.5, 0.5]), "L-BFGS-B", bounds=(0.0, 1.0))
    """


class DivergedWarning(RuntimeWarning):
    """A fit ended where its loss or a gradient was no longer a finite number; it gave the best point before.

    Why: a step that is too long lands where the loss is larger, and the next one is longer still.

    Wrong::

        gm.minimize(lambda x: np.sum(x**4), np.array([3.0]), "sgd", lr=10.0)

    Right::

        gm.minimize(lambda x: np.sum(x**4), np.array([3.0]), "sgd", lr=0.001)
    """


class MaskedWarning(UserWarning):
    """Within `gm.guard_where()` a gradient of 0 met a derivative that is not finite, and 0 was passed on, not NaN.

    Why: `np.where` computes both sides; the side that is not taken sends back 0, and 0 * inf is NaN.

    Wrong::

        x = gm.tensor([0.0, 1.0], requires_grad=True)
        with gm.guard_where():
            np.where(x > 0, np.sqrt(x), 0.0).sum().backward()

    Right, where the warning is not wanted: keep such entries out before the operation::

        x = gm.tensor([0.0, 1.0], requires_grad=True)
        ok = x > 0
        np.where(ok, np.sqrt(np.where(ok, x, 1.0)), 0.0).sum().backward()
    """


class ReplayWarning(UserWarning):
    """A function under `gm.replay` runs as it is: the message says what a program cannot hold, and where.

    Why: a program is a list of NumPy's calls. A number that is asked for on the way, or drawn at random, would stand in
    it as it was once.

    Wrong::

        gm.replay(lambda x: x / float(np.sum(x)))(np.array([1.0, 3.0]))

    Right: the value itself::

        gm.replay(lambda x: x / np.sum(x))(np.array([1.0, 3.0]))
    """


class ConversionWarning(UserWarning):
    """Inside a function that `gm.grad` differentiates a value became a plain number, whose gradient is lost.

    Why: `float(x)` is there to be printed, or to be computed with; only you know which.

    Wrong::

        gm.grad(lambda x: float(x) * x)(3.0)

    Right: the value itself::

        gm.grad(lambda x: x * x)(3.0)
    """


class NotDifferentiableWarning(UserWarning):
    """`gm.check_grads` met a point where the function has no derivative: differences from the two sides disagree.

    Why: what gradmagic gives there is a convention (|x| at 0: 0), and nothing that numbers could confirm. A sweep says
    it too, where it has to give NaN: vectors of equal eigenvalues, second derivatives of a length of 0.

    Wrong::

        gm.check_grads(np.abs, (np.array([0.0, 0.5]),))

    Right: check at another point::

        gm.check_grads(np.abs, (np.array([-1.0, 0.5]),))
    """
