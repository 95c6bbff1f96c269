"""The errors of gradmagic: each class's docstring is its help page, with the wrong and the right program.

Every class derives from `GradmagicError` and from the built-in exception that a NumPy or PyTorch user expects.
The first sentence of a message is one a PyTorch user recognises where there is one; the second says what to write.
"""

from __future__ import annotations


class GradmagicError(Exception):
    """The base of all errors that gradmagic raises itself; catch it to catch them all."""


class NoGradError(GradmagicError, RuntimeError):
    """Nothing that the result depends on requires a gradient.

    Wrong::

        x = gm.tensor([1.0, 2.0])
        x.sum().backward()

    Right::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        x.sum().backward()
    """


class NonScalarError(GradmagicError, RuntimeError):
    """`backward()` without `gradient=` starts from a single number.

    Wrong::

        y = 2 * x
        y.backward()

    Right, either of::

        y.sum().backward()
        y.backward(gradient=gm.ones_like(y))
    """


class IntegerGradError(GradmagicError, RuntimeError):
    """Whole numbers have no neighbours to differ from: only floating point and complex tensors can have gradients.

    Wrong::

        gm.tensor([1, 2, 3], requires_grad=True)

    Right::

        gm.tensor([1.0, 2.0, 3.0], requires_grad=True)
    """


class FreedError(GradmagicError, RuntimeError):
    """The graph was walked backward before, and what it had saved was given back.

    Wrong::

        z = (x * x).sum()
        z.backward()
        z.backward()

    Right: compute `z` again before each `backward()`, or keep the graph::

        z.backward(retain_graph=True)
        z.backward()
    """


class LeafWriteError(GradmagicError, RuntimeError):
    """A leaf that requires a gradient was written in place while recording.

    Wrong::

        x = gm.tensor([1.0, 2.0], requires_grad=True)
        x += 1

    Right: make a new tensor, or update the data without recording::

        y = x + 1
        with gm.no_grad():
            x += 1
    """


class StaleError(GradmagicError, RuntimeError):
    """A value that the backward sweep needs was changed in place after it was used.

    Wrong::

        y = x * x
        z = y * y          # keeps y for the way back
        y += 1             # ... and y is another value now
        z.sum().backward()

    Right: make a new tensor instead of changing the old one::

        y = y + 1
    """


class RecomputeError(GradmagicError, RuntimeError):
    """A function under `gm.checkpoint` gave other values when it was computed again for the backward sweep.

    Wrong::

        rng = np.random.default_rng()
        gm.checkpoint(lambda x: x * rng.normal(size=3))(x)

    Right: draw outside, or make the generator inside, so that it draws the same again::

        noise = rng.normal(size=3)
        gm.checkpoint(lambda x: x * noise)(x)
    """


class ConversionError(GradmagicError, TypeError):
    """A tracked tensor was asked to become a plain array or number, where its gradient would be lost without a word.

    Wrong::

        np.asarray(t)
        a[0] = t           # a is a NumPy array

    Right::

        t.detach().numpy()
        a = np.stack([t, u])
    """


class UnknownFunctionError(GradmagicError, TypeError):
    """A NumPy function for which gradmagic has no derivative was called on a tracked value.

    Wrong::

        np.busday_count(t)

    Right: compute it outside the gradient::

        np.busday_count(t.detach().numpy())
    """


class ArgumentError(GradmagicError, TypeError):
    """An argument has a form that the derivative rule of this function does not cover; the message names it."""


class ShapeError(GradmagicError, ValueError):
    """Shapes do not fit each other: of two operands, or of a `gradient=` and its result."""


class DeviceError(GradmagicError, RuntimeError):
    """The device that was asked for cannot be used here, or two devices met in one operation.

    Right: `gm.tensor(data, device="cuda")` on a machine with an NVIDIA GPU, its driver and CuPy
    (`pip install "gradmagic[cuda13]"`), and all operands on the same device (`t.to("cuda")`).
    """


class NameOnLineError(GradmagicError, NameError):
    """A name on the `%%grad` line is neither defined nor assigned in the cell.

    Wrong::

        %%grad xx
        y = (x * x).sum()

    Right::

        %%grad x
        y = (x * x).sum()
    """


class NotLiftableError(GradmagicError, TypeError):
    """A name on the `%%grad` line is something that no gradient can be taken by: a string, a list of numbers, a module.

    Wrong::

        x = [1.0, 2.0]

        %%grad x
        y = np.sum(np.square(x))

    Right::

        x = np.array([1.0, 2.0])
    """


class NoResultError(GradmagicError, RuntimeError):
    """The cell computed nothing that depends on what the gradient is to be taken by.

    Right: assign the result to a name, end the cell with it, or say which one it is::

        %%grad x --of loss
        loss = np.sum((x - 1)**2)
    """


class AnomalyError(GradmagicError, RuntimeError):
    """Within `gm.detect_anomaly()` an operation made NaN or infinity, forward or on the way back; the message names it.

    Wrong::

        y = np.where(x > 0, np.log(x), 0.0)       # log(0) is computed all the same

    Right: keep such entries out before the operation, not after it::

        ok = x > 0
        y = np.where(ok, np.log(np.where(ok, x, 1.0)), 0.0)

    Or leave the value as it is, and let `gm.guard_where()` (`%%grad --guard`) count 0 * inf as 0 on the way back.
    """


class TapeLimitError(GradmagicError, MemoryError):
    """What the tape keeps for the way back has passed its limit; the message names the lines that keep the most.

    Nothing is lost: every name has the value that it had, and the operation that was stopped can be run again.

    Wrong::

        for step in range(10**6):
            h = np.tanh(w @ h)              # a million steps, each kept for the way back
        loss.backward()

    Right: go back after a part of the steps, keep less, or allow more::

        h = h.detach()                      # the gradient of the next part begins here
        h = gm.checkpoint(layer, h)         # computed again in the sweep instead of kept
        gm.set_tape_limit("32GB")
    """


class CheckError(GradmagicError, AssertionError):
    """`gm.check_grads` found a derivative that numerical differences contradict; the message shows the first entry.

    Wrong::

        cube = gm.custom(lambda x: x**3, vjp=lambda g, y, x: (2 * x**2 * g,))
        gm.check_grads(cube, (np.array([1.0, 2.0]),))

    Right::

        cube = gm.custom(lambda x: x**3, vjp=lambda g, y, x: (3 * x**2 * g,))
    """


class MaskedWarning(UserWarning):
    """Within `gm.guard_where()` a gradient of 0 met a derivative that is not finite, and 0 was passed on, not NaN.

    Right, where the warning is not wanted: keep such entries out before the operation::

        ok = x > 0
        y = np.where(ok, np.sqrt(np.where(ok, x, 1.0)), 0.0)
    """


class NotDifferentiableWarning(UserWarning):
    """`gm.check_grads` met a point where the function has no derivative: differences from the two sides disagree.

    What gradmagic gives there is a convention (|x| at 0: 0), and nothing that numbers could confirm.

    Right: check at another point::

        gm.check_grads(np.abs, (np.array([-1.0, 0.5]),))
    """
