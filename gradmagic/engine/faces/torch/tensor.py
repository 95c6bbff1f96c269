"""`Tensor`, the tracked object as PyTorch users know it: `gm.tensor(...)`, `.backward()`, `.grad`.

In: data. Out: tensors whose operations are on the tape. Methods named as PyTorch names them stand in methods.py.
"""

from __future__ import annotations

import operator
import sys
import warnings
from collections.abc import Callable
from threading import RLock
from typing import Any
from weakref import finalize, ref

import numpy as np

from ....errors import ConversionError, GradmagicError, IntegerGradError, NoGradError, ShapeError
from ....language import tr
from ...core import arrays
from ...core.foreign import LIBRARIES
from ...core.frames import assigns_entry
from ...core.places import user_frame
from ...dispatch.non_numbers import outside
from ...dispatch.primitives import is_view
from ...rules.rule import CONSTANT
from ...sweeps.backward import sweep
from ...tape import memory
from ...tape.ends import leaf, seed
from ...tape.messages import blame
from ...tape.modes import OFF, mode_now, settings
from ...tape.nodes import HOOKS, WANTED, Leaf, Node, as_pytorch, aval_of, watchers
from ...tape.tracked import Tracked
from .. import inplace
from ..operators import Operators
from . import picking
from .arguments import fits, shown
from .operands import REFUSED
from .promotion import promoted
from .table import TorchMethods

_new = object.__new__


class Tensor(TorchMethods, Operators):
    """An array with a gradient, with PyTorch's methods, printing and promotion.

    Make one with `gm.tensor`. NumPy's functions work on it too: `np.exp(t)`, `np.einsum("ij->i", t)`.
    """

    __slots__ = ("_grad",)
    soft = False

    # -- leaves ----------------------------------------------------------------------------------
    @property
    def requires_grad(self) -> bool:
        """Whether a gradient flows to this tensor."""
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        self.requires_grad_(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for this leaf's gradient, or no longer; in place.

        Raises
        ------
        IntegerGradError
            If the dtype is neither floating point nor complex.
        """
        if not requires_grad:
            if self.node is not None and not isinstance(self.node, Leaf):
                raise NoGradError(tr(
                    "you can only change requires_grad flags of leaf variables. Write t.detach() for a "
                    "tensor that carries no gradient.",
                ))  # fmt: skip
            collected = self.grad
            self.node = None
            self.grad = collected
        elif self.node is None:
            if self.array.dtype.kind not in "fc":
                raise IntegerGradError(tr(
                    "only Tensors of floating point dtype can require gradients: this one is {dtype}. Write "
                    "t.float() first, or make it of numbers with a decimal point (1.0).",
                    dtype=self.array.dtype,
                ))  # fmt: skip
            collected = self.grad
            self.node = leaf(self.array)
            self.grad = collected
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this tensor."""
        return self.node is None or self.node.rule is None

    @property
    def grad_fn(self) -> Node | None:
        """The node of the operation that made this tensor, None for a leaf."""
        return as_pytorch(self.node) if self.node is not None and self.node.rule is not None else None

    @property
    def grad(self) -> Any:
        """The gradient that `backward` collected: a Tensor of this one's shape and dtype, or None."""
        node = self.node
        if type(node) is Leaf:
            return node.grad
        try:
            return self._grad
        except AttributeError:
            asked = sys._getframe(1).f_globals.get("__name__", "")
            if node is not None and node.rule is not None and not asked.startswith("gradmagic."):
                warnings.warn(tr(
                    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad "
                    "attribute won't be populated during autograd.backward(). Write t.retain_grad() before "
                    "backward() to have it.",
                ), UserWarning, stacklevel=2)  # fmt: skip
            return None

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got {type(value).__name__}."
                )
            if np.shape(value.array) != np.shape(self.array):
                raise ShapeError(tr(
                    "assigned grad has shape {shape}, the tensor {own}: assign a gradient of the "
                    "tensor's own shape.", shape=tuple(np.shape(value.array)),
                    own=tuple(np.shape(self.array)),
                ))  # fmt: skip
        if type(self.node) is Leaf:
            self.node.grad = value
        else:
            self._grad = value

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was asked of this intermediate result."""
        return not self.is_leaf and hasattr(self, "_grad")

    def retain_grad(self) -> None:
        """Keep the gradient of this intermediate result in `.grad` at the next `backward`."""
        if self.node is None:
            raise NoGradError(tr(
                "can't retain_grad on Tensor that has requires_grad=False: make it with requires_grad=True.",
            ))  # fmt: skip
        if self.node.rule is not None and not self.retains_grad:
            me = ref(
                self
            )  # the tape holds its hooks: one that held the tensor would keep tensor and node for ever

            self._grad = self.grad  # there from now on, if only as None

            def keep(g: Tensor) -> None:
                if (tensor := me()) is not None:
                    tensor._grad = g if tensor.grad is None else tensor.grad + g

            self.register_hook(keep)
            HOOKS[self.node.number][-1].keeps = True  # type: ignore[attr-defined]

    def register_hook(self, hook: Callable[[Tensor], Any]) -> Callable[[], None]:
        """Call `hook(gradient)` when this tensor's gradient is ready; a result that is not None replaces it.

        Returns
        -------
        function
            Call it (or its `.remove()`) to take the hook away.
        """
        if self.node is None:
            raise NoGradError(tr(
                "cannot register a hook on a tensor that doesn't require gradient: ask for it first.",
            ))  # fmt: skip

        def run(g: Any) -> Any:
            changed = hook(g if isinstance(g, Tensor) else Tensor.of(g))
            return changed.array if isinstance(changed, Tensor) and not isinstance(g, Tracked) else changed

        number = self.node.number
        hooks = HOOKS.setdefault(number, [])
        last = len(hooks) - sum(
            hasattr(h, "keeps") for h in hooks
        )  # what is kept is what all others have made of it
        hooks.insert(last, run)

        def remove() -> None:
            if run in HOOKS.get(number, ()):
                HOOKS[number].remove(run)
            if not HOOKS.get(number):
                HOOKS.pop(number, None)

        remove.remove = remove  # type: ignore[attr-defined]
        finalize(self.node, HOOKS.pop, number, None)
        return remove

    # -- backward --------------------------------------------------------------------------------
    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Compute the gradient of this tensor with respect to the leaves and add it to their `.grad`.

        Parameters
        ----------
        gradient : array_like, optional
            What each entry of this tensor counts; of its shape. A single number needs none.
        retain_graph : bool, optional
            Keep what the graph has saved, for another `backward`.
        create_graph : bool
            Record the sweep, so that the gradients can be differentiated again.
        inputs : Tensor or sequence of Tensor, optional
            Collect only in these leaves.

        Raises
        ------
        NoGradError
            If nothing that this tensor depends on requires a gradient.
        NonScalarError
            If it has several entries and `gradient` is not given.
        FreedError
            If the graph was walked before without `retain_graph`.

        Examples
        --------
        >>> import gradmagic as gm
        >>> x = gm.tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4., 6.])
        """
        node = self.node
        if node is None:
            raise NoGradError(tr(
                "element 0 of tensors does not require grad and does not have a grad_fn. Make the input with "
                "gm.tensor(..., requires_grad=True), and compute outside no_grad().",
            ) if mode_now() is OFF else tr(
                "element 0 of tensors does not require grad and does not have a grad_fn. Make the input with "
                "gm.tensor(..., requires_grad=True).",
            ))  # fmt: skip
        g = (
            node.aval.one
            if gradient is None and type(self.array) is node.aval.dtype.type and node.aval.real
            else seed(self, gradient)
        )
        if inputs is not None:
            inputs = [inputs.node] if isinstance(inputs, Tensor) else [t.node for t in inputs]
        nodes, cotangents, owned = sweep(node, g, inputs, bool(retain_graph), create_graph)
        with _collecting:
            for found in nodes:
                if type(found) is Leaf:
                    _collect(found, cotangents[found.number], found.number in owned, create_graph)

    # -- values ----------------------------------------------------------------------------------
    @property
    def data(self) -> Tensor:
        """A detached tensor over the same memory: writing to it changes this one, unseen by the tape."""
        return self.detach()

    @data.setter
    def data(self, value: Any) -> None:
        array = value.array if isinstance(value, Tracked) else np.asarray(value)
        if self.node is not None and aval_of(array) is not self.node.aval:
            array = np.broadcast_to(array, np.shape(array)).astype(self.node.aval.dtype)
            if array.shape != self.node.aval.shape:
                self.node = leaf(array)
        self.array = array

    def detach(self) -> Tensor:
        """Give the same values over the same memory, without a gradient."""
        if self.node is not None and settings().observer is not None:
            settings().observer.detached(self.node)
        return Tensor.wrap(memory.materialise(self), None)

    def numpy(self, *, force: bool = False) -> Any:
        """Give the values as a NumPy array over the same memory; `force`: of any tensor, copied from a device.

        Raises
        ------
        ConversionError
            If the tensor requires a gradient (write `t.detach().numpy()`), or lives on a GPU (`t.cpu().numpy()`).
        """
        if force:
            return arrays.to_host(memory.materialise(self))
        if self.node is not None and not self.lent("asarray"):
            raise ConversionError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        return self.on_host()

    def item(self) -> Any:
        """Give the value of a tensor with one entry as a Python number.

        Raises
        ------
        ShapeError
            If it has more entries, or none.
        """
        value = arrays.to_host(self.array)
        self.lent("item")
        if np.size(value) != 1:
            raise ShapeError(tr(
                "a Tensor with {n} elements cannot be converted to Scalar: write t.tolist() for all of "
                "them, or t.sum().item().", n=np.size(value),
            ))  # fmt: skip
        return value.item()

    def __float__(self) -> float:
        self._warn_scalar()
        return float(self.item())

    def __int__(self) -> int:
        self._warn_scalar()
        return int(self.item())

    def __complex__(self) -> complex:
        self._warn_scalar()
        return complex(self.item())

    def __bool__(self) -> bool:
        if np.size(self.array) != 1:
            raise ShapeError(tr(
                "Boolean value of Tensor with more than one value is ambiguous: write (t > 0).all() or (t > "
                "0).any().",
            ))  # fmt: skip
        return bool(self.item())

    def __index__(self) -> int:
        if np.size(self.array) != 1 or self.array.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index.")
        return int(self.item())

    def _warn_scalar(self) -> None:
        if self.node is not None and mode_now() is not OFF and not self.lent("float"):
            if assigns_entry(sys._getframe(2)):
                self.leave(
                    tr("an assignment into a plain array"),
                    tr("np.stack([...]) of the tensors, or t.item() for the number"),
                )
            warnings.warn(
                "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\n"
                "Consider using tensor.detach() first.",
                UserWarning,
                stacklevel=3,
            )

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not np.ndim(self.array) else object.__format__(self, spec)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.node is not None and mode_now() is not OFF and not self.lent("asarray"):
            noun = tr("a Tensor that requires grad")
            raise ConversionError(tr(
                "{value} was asked to become a plain array: its gradient would be lost. Write "
                "t.detach(){cpu}.numpy() for the values, or gm.stack([...]) and NumPy's functions on the "
                "tensors themselves.", value=blame(self, noun), cpu=".cpu()" * self.is_cuda,
            ))  # fmt: skip
        array = self.on_host()
        return np.array(array, dtype, copy=copy) if dtype is not None or copy else array

    def leave(self, how: str, strict_text: str = "") -> Any:
        """A Tensor does not become a plain value without a word."""
        if self.lent(how):
            return self.array
        noun, instead = tr("a Tensor that requires grad"), strict_text or tr("t.detach() there")
        raise ConversionError(tr(
            "{value}, would lose its gradient in {how}: write {instead}.",
            value=blame(self, noun), how=how, instead=instead,
        ))  # fmt: skip

    def lent(self, how: str) -> bool:
        """Tell whether only inputs of a cell make it require grad, so that it does not without the magic.

        The cell is told that the value is asked for as a plain one.
        """
        observer = settings().observer
        if self.node is None or observer is None or mode_now() is OFF:
            return False
        asked = watchers(self.node)
        if asked - {None, WANTED}:
            observer.cut(self, how, user_frame(sys._getframe(2)))
        return asked.isdisjoint({None, WANTED})

    # -- writing ---------------------------------------------------------------------------------
    def __setitem__(self, index: Any, value: Any) -> None:
        try:
            if type(index) is tuple and (parts := picking.in_turn(index)) is not None:
                inplace.assign(self[parts[0]], parts[1], value)
                return
            inplace.assign(self, index, value)
        except IndexError as error:
            raise IndexError(picking.said_of_index(error, self, index)) from None
        except ValueError as error:
            if isinstance(error, GradmagicError):
                raise
            raise ShapeError(picking.said_of_value(error, self, index, value)) from None
        if self.node is not None and not is_view(index):
            shown(self, "IndexPutBackward0")

    def assign(self, index: Any, value: Any) -> Tensor:
        """Write `value` to `self[index]` in place and give this tensor."""
        return inplace.assign(self, index, value)  # type: ignore[return-value]

    def _in_place(name: str) -> Any:  # type: ignore[misc]
        def method(self: Tensor, other: Any) -> Tensor:
            made = getattr(type(self), name)(self.as_value(), other)
            if made is NotImplemented:
                return NotImplemented  # type: ignore[return-value]
            if made.array.dtype is not self.array.dtype:
                fits(self, made)
            return inplace.assign(self, Ellipsis, made, fresh=True)  # type: ignore[return-value]

        return method

    (
        __iadd__,
        __isub__,
        __imul__,
        __itruediv__,
        __ipow__,
        __ifloordiv__,
        __imod__,
        __iand__,
        __ior__,
        __ixor__,
    ) = map(
        _in_place,
        "__add__ __sub__ __mul__ __truediv__ __pow__ __floordiv__ __mod__ __and__ __or__ __xor__".split(),
    )

    def as_value(self) -> Tensor:
        """Give this tensor's present value, whatever is written to it later."""
        if self.node is not None and type(self.node) is Leaf and mode_now() is not OFF:
            inplace.assign(self, Ellipsis, self)  # a leaf cannot be written while recording: says so
        return Tensor.wrap(np.copy(self.array), self.node) if self.node is not None else self

    def operate(self, rule: Any, op: Callable[..., Any], args: tuple[Any, ...], shown: Any = None) -> Any:
        try:
            cast = promoted(op, args)
        except ValueError:  # a list of rows of different lengths
            cast = NotImplemented
        if cast is NotImplemented:
            other = args[1] if args[0] is self else args[0]
            module = type(other).__module__
            if rule is not CONSTANT and (
                other is None or module in _NOT_NUMBERS or module.partition(".")[0] in LIBRARIES
            ):
                names = " and ".join(repr(type(a).__name__) for a in args)
                sign = _SIGNS.get(op, op.__name__)
                return outside(f"unsupported operand type(s) for {sign}: {names}: {rule.name}", args, None)
            return NotImplemented
        if op in REFUSED:
            REFUSED[op](op, args, cast)
        return super().operate(rule, op, cast, args)

    def __reduce__(self) -> Any:
        return _restored, (arrays.to_host(memory.materialise(self)), self.node is not None and self.is_leaf)

    def __deepcopy__(self, memo: Any) -> Tensor:
        if not self.is_leaf:
            raise NoGradError(tr(
                "Only leaf Tensors can be copied by copy.deepcopy: write t.detach().clone().",
            ))  # fmt: skip
        return Tensor.wrap(np.copy(self.array), None if self.node is None else leaf(self.array))


_SIGNS: dict[Any, str] = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.pow: "** or pow()",
    operator.floordiv: "//", operator.mod: "%", operator.matmul: "@",
}  # fmt: skip
# Modules of types that know nothing of tensors: Python need not ask them how to go on.
_NOT_NUMBERS = ("builtins", "numpy", "numpy.ma", "datetime", "decimal", "fractions")


def _restored(array: Any, wanted: bool) -> Tensor:
    return Tensor.wrap(array, leaf(array) if wanted else None)


_collecting = (
    RLock()
)  # one thread at a time adds to `.grad`: 60 ns a backward. In PyTorch a shared leaf may lose some


def _collect(node: Leaf, c: Any, owned: bool, create_graph: bool) -> None:
    """Add a cotangent to `.grad`; `owned`: a buffer that the sweep made, which `.grad` may take over.

    With `create_graph` the sum is a new Tensor, as in PyTorch: the old one may stand in a graph.
    """
    old = node.grad
    if isinstance(c, Tracked) or (create_graph and old is not None):
        new = Tensor.of(c)
        node.grad = new if old is None else old + new
    elif old is None:
        node.grad = Tensor.wrap(c if owned or type(c) not in arrays.KINDS else np.copy(c), None)
    elif type(old.array) in arrays.KINDS and old.node is None:
        old.array += c
    else:
        old.array = old.array + c
