"""The names: which function of this room is a method of Tensor, which writes in place, which is a function only.

In: the tables of math.py, reductions.py, shapes.py and the others. Out: `FUNCTIONS` (functions that are methods too),
`FUNCTIONS_ONLY`, and the methods of `TorchMethods`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....missing import REFUSED, Refused
from ...dispatch.primitives import cast
from ...tape import memory
from ...tape.modes import OFF, mode_now
from ...tape.tracked import raw
from .. import inplace
from . import (
    counting,
    draws,
    indexing,
    matrices,
    parts,
    picking,
    pointwise,
    products,
    special,
    statistics,
    storage,
)
from . import math as torch_math
from . import reductions as torch_reductions
from . import shapes as torch_shapes
from .arguments import fits, shown
from .dtypes import ALIASES, DTYPES
from .methods import TorchMethods as TorchMethods

_MATH = "add sub div clamp round isclose allclose equal lerp".split()
MATH: dict[str, Callable[..., Any]] = {name: getattr(torch_math, name) for name in _MATH}
MATH |= {"divide": torch_math.div, "subtract": torch_math.sub, "clip": torch_math.clamp}
# Every function of PyTorch's that is a method too.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **torch_math.UNARY, **torch_math.BINARY, **matrices.PRODUCTS, **MATH, **torch_reductions.REDUCTIONS,
    **torch_shapes.SHAPES, **picking.PICKING, **pointwise.POINTWISE, **indexing.INDEXING, **statistics.STATISTICS,
    **counting.COUNTING, **products.PRODUCTS, **special.METHODS, **parts.PARTS,
}  # fmt: skip
# Whose first argument is a tensor, without a method.
FUNCTIONS_ONLY: dict[str, Callable[..., Any]] = {
    **pointwise.FUNCTIONS_ONLY, **statistics.FUNCTIONS_ONLY, **counting.FUNCTIONS_ONLY, **products.FUNCTIONS_ONLY,
}  # fmt: skip
METHODS: dict[str, Callable[..., Any]] = {
    **torch_shapes.METHODS, **picking.METHODS, **indexing.METHODS, **parts.METHODS, **draws.METHODS, **storage.METHODS,
}  # fmt: skip


def _copied(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def f(input: Any, *args: Any, **kwargs: Any) -> Any:
        made = function(input, *args, **kwargs)
        return tuple(picking.clone(m) for m in made) if isinstance(made, tuple) else picking.clone(made)

    return torch_math.titled(
        f, f"{name}_copy", f"As `torch.{name}_copy`: as `{name}`, with memory of its own."
    )


_LOOKING = (
    "as_strided diagonal expand narrow permute select split squeeze t transpose unbind unfold unsqueeze "
    "view_as_complex "
    "view_as_real view"
).split()
FUNCTIONS_ONLY |= {f"{n}_copy": _copied(n, (FUNCTIONS | METHODS)[n]) for n in _LOOKING}
FUNCTIONS_ONLY |= {"detach_copy": _copied("detach", lambda t: t.detach())}
FUNCTIONS_ONLY |= {
    name: torch_math.titled(f, name, f"As `torch.{name}`.")
    for name, f in {
        "real": lambda input: input.real, "imag": lambda input: input.imag,
        "is_complex": lambda input: input.is_complex(),
        "is_nonzero": lambda input: bool(input), "is_conj": lambda input: False,
    }.items()
}  # fmt: skip
# What PyTorch has with a trailing underscore, written into the tensor itself.
WRITING = (
    "abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr arccos arccosh arcsin arcsinh arctan2 arctan "
    "arctanh asin asinh atan2 atan atanh baddbmm bitwise_and bitwise_left_shift bitwise_not bitwise_or "
    "bitwise_right_shift bitwise_xor ceil clamp clamp_max clamp_min clip conj_physical copysign cos cosh cumprod "
    "cumsum "
    "deg2rad digamma div divide eq erf erfc erfinv exp2 exp expm1 fix float_power floor floor_divide fmod frac gcd ge "
    "greater greater_equal gt heaviside hypot i0 igamma igammac index_add index_copy index_fill index_put index_reduce "
    "lcm ldexp le lerp less less_equal lgamma log10 log1p log2 log logical_and logical_not logical_or logical_xor "
    "logit "
    "lt masked_scatter mul multiply mvlgamma nan_to_num ne neg negative nextafter not_equal polygamma pow put rad2deg "
    "reciprocal relu remainder renorm round rsqrt scatter scatter_add scatter_reduce sgn sigmoid sign sin sinc sinh "
    "sqrt square sub subtract tan tanh tril triu true_divide trunc xlogy"
).split()
# Those that only look at the memory in another shape: the tensor becomes the view.
_BECOMING = {  # PyTorch's names of those
    "SqueezeBackward0": "SqueezeBackward3", "SqueezeBackward1": "SqueezeBackward4",
    "SqueezeBackward2": "SqueezeBackward5",
    "UnsqueezeBackward0": "UnsqueezeBackward1", "TBackward0": "TBackward1", "TransposeBackward0": "TransposeBackward1",
}  # fmt: skip
RESHAPING = "squeeze unsqueeze t transpose swapaxes swapdims".split()


def _in_place(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Make `t.f_(...)` from `t.f(...)`: the result is written to t's own memory."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = function(self if mode_now() is OFF else self.as_value(), *args, **kwargs)
        fits(self, made)
        node = made.node
        if raw(made).dtype != self.array.dtype:
            made = cast(made, self.array.dtype) if self.array.dtype.kind in "fc" else made.detach()
        done = inplace.assign(self, Ellipsis, made, fresh=made is not self)
        if mode_now() is not OFF:
            shown(done, node.name() if node is not None else f"{name.title()[:-1].replace('_', '')}Backward0")
        return done

    text = f"As `torch.Tensor.{name}`: `{name[:-1]}`, written into the tensor itself."
    return torch_math.titled(method, name, text)


def _becoming(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if mode_now() is not OFF:
            self.as_value()  # a leaf says so
        made = function(self, *args, **kwargs)
        self.array, self.node = made.array, made.node
        if self.node is not None and mode_now() is not OFF:
            shown(self, _BECOMING.get(self.node.name(), self.node.name()))
        memory.shares(self, made)
        return self

    text = f"As `torch.Tensor.{name}`: the tensor itself becomes its `{name[:-1]}`, over the same memory."
    return torch_math.titled(method, name, text)


def _to(name: str) -> Callable[..., Any]:
    dtype = DTYPES[ALIASES.get(name, name)]

    def method(self: Any) -> Any:
        return self.to(dtype)

    return torch_math.titled(method, name, f"Give this tensor as {dtype!r}.")


for _name, _function in (FUNCTIONS | METHODS).items():
    setattr(TorchMethods, _name, _function)
for _name in ("mul", "multiply", "true_divide"):  # built-in functions do not bind
    setattr(TorchMethods, _name, lambda self, other, _f=torch_math.BINARY[_name]: _f(self, other))
for _name in WRITING:
    setattr(TorchMethods, _name + "_", _in_place(getattr(TorchMethods, _name), _name + "_"))
for _name in RESHAPING:
    setattr(TorchMethods, _name + "_", _becoming(getattr(TorchMethods, _name), _name + "_"))
for _name in ("float", "double", "half", "long", "int", "short", "bool", "cfloat", "cdouble"):
    setattr(TorchMethods, _name, _to(_name))
for _name, _dtype in {"byte": "uint8", "char": "int8"}.items():
    setattr(TorchMethods, _name, _to(_dtype))
for _names in REFUSED["Tensor"]:
    for _name in _names.split("|"):
        setattr(TorchMethods, _name, Refused(_name))
