"""PyTorch's random tensors: `gm.randn(3)`, `gm.randperm(10)`, `gm.multinomial(weights, 5)`.

In: sizes and settings. Out: Tensors with the numbers that PyTorch on a CPU draws after the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import ShapeError
from ....language import mark, tr
from ...core import arrays
from ...tape.ends import leaf, tell_of_device
from ...tape.tracked import Tracked, raw
from . import defaults, draws
from .arguments import into
from .generators import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .tensor import Tensor


def sizes(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    """Give `f(2, 3)` and `f((2, 3))` one form.

    Raises
    ------
    TypeError
        If a size is no whole number.
    RuntimeError
        If one is negative.
    """
    given = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    try:
        shape = tuple(n.__index__() for n in given)
    except (AttributeError, TypeError):
        kinds = ", ".join(type(n).__name__ for n in given)
        raise TypeError(tr(
            "{name}(): argument 'size' (position 1) must be tuple of ints, not {kinds}: write {name}(2, 3).",
            name=name, kinds=kinds,
        )) from None  # fmt: skip
    draws.refuse(
        any(n < 0 for n in shape),
        mark("Trying to create tensor with negative dimension {least}: {shape}: sizes are 0 or more."),
        least=min(shape, default=0),
        shape=list(shape),
    )
    return shape


def _made(array: Any, device: Any, requires_grad: bool, out: Any = None) -> Tensor:
    if out is not None:
        return into(out, Tensor.wrap(array, None), "out=", ())  # type: ignore[no-any-return]
    place = defaults.device() if device is None else device
    if place is not None:
        array = arrays.to_device(array, place)
        tell_of_device(array)
    return Tensor.wrap(array, leaf(array) if requires_grad else None)


def _kind(dtype: Any, default: Any) -> Any:
    return default if dtype is None else np.dtype(dtype)


def _fractions(name: str, fill: Callable[..., Any]) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    def function(
        *size: Any, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
        out: Any = None, layout: Any = None, pin_memory: bool = False, **named: Any,
    ) -> Tensor:  # fmt: skip
        shape = sizes(name, (named.pop("size"),) if "size" in named and not size else size)
        known(name, named)
        proto = np.empty(shape, _kind(dtype, defaults.float_dtype() if out is None else out.array.dtype))
        return _made(fill(proto, generator=generator), device, requires_grad, out)

    def like(
        input: Any, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
        layout: Any = None, pin_memory: bool = False, memory_format: Any = None,
    ) -> Tensor:  # fmt: skip
        array = raw(input)
        made = fill(draws.beside(array, dtype), generator=generator)
        return _made(made, arrays.device_of(array) if device is None else device, requires_grad)

    function.__name__ = function.__qualname__ = name
    like.__name__ = like.__qualname__ = f"{name}_like"
    function.__doc__ = f"As `torch.{name}`: a tensor of the given size. {fill.__doc__}"
    like.__doc__ = f"As `torch.{name}_like`: as `{name}`, of the size, dtype and device of `input`."
    return function, like


def known(name: str, words: dict[str, Any]) -> None:
    """Refuse keywords that a function does not have, as Python and PyTorch do."""
    if words:
        raise TypeError(tr(
            "{name}() got an unexpected keyword argument {argument!r}: leave it away, or spell it right.",
            name=name, argument=next(iter(words)),
        ))  # fmt: skip


rand, rand_like = _fractions("rand", draws.uniform)
randn, randn_like = _fractions("randn", draws.normal)


def randint(
    *bounds: Any, size: Any = None, low: Any = None, high: Any = None, generator: Any = None, dtype: Any = None,
    device: Any = None, requires_grad: bool = False, out: Any = None, layout: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """As `torch.randint`: whole numbers from `low` (0) up to but not including `high`, of a given size.

    Examples
    --------
    >>> import gradmagic as gm
    >>> _ = gm.manual_seed(0)
    >>> gm.randint(10, (5,)), gm.randint(3, 6, (2,))
    (tensor([4, 9, 3, 0, 3]), tensor([3, 4]))
    """
    given = list(bounds)
    if size is None and given:
        size = given.pop()
    if high is None and given:
        high = given.pop()
    if low is None:
        low = given.pop() if given else 0
    if given or high is None or not isinstance(size, (tuple, list)):
        raise TypeError(tr(
            "randint() received an invalid combination of arguments: write randint(low, high, size) with a "
            "tuple.",
        ))  # fmt: skip
    proto = np.empty(sizes("randint", (size,)), _kind(dtype, np.dtype(np.int64)))
    return _made(
        draws.whole(proto, *_whole_bounds(low, high), generator=generator), device, requires_grad, out
    )


def _whole_bounds(low: Any, high: Any) -> tuple[int, int]:
    for name, value in (("low", low), ("high", high)):
        if isinstance(value, float):
            raise TypeError(tr(
                "randint(): argument {argument!r} must be int, not float: write int({value}).", argument=name,
                value=value,
            ))  # fmt: skip
    return int(low), int(high)


def randint_like(input: Any, *bounds: Any, generator: Any = None, **options: Any) -> Tensor:
    """As `torch.randint_like`: whole numbers of the size, dtype and device of `input`."""
    words = [options.pop(k) for k in ("low", "high") if k in options]
    low, high = (0, *bounds, *words)[-2:]
    array = raw(input)
    made = draws.whole(
        draws.beside(array, options.pop("dtype", None)), *_whole_bounds(low, high), generator=generator
    )
    device = options.pop("device", None) or arrays.device_of(array)
    return _made(made, device, options.pop("requires_grad", False))


def randperm(
    n: Any, *, generator: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False,
    out: Any = None, layout: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """As `torch.randperm`: 0 ... n-1 in random order.

    Examples
    --------
    >>> import gradmagic as gm
    >>> _ = gm.manual_seed(0)
    >>> gm.randperm(4)
    tensor([0, 1, 3, 2])
    """
    (count,) = sizes("randperm", (n,))
    made = draws.stream_of(generator).permutation(count).astype(_kind(dtype, np.int64), copy=False)
    return _made(made, device, requires_grad, out)


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Any = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False, out: Any = None, layout: Any = None, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """As `torch.normal`: draws from normal distributions with these means and deviations.

    Parameters
    ----------
    mean, std : float or Tensor
        One for all, or one for each entry.
    size : tuple of int, optional
        If both are numbers.

    Raises
    ------
    RuntimeError
        If a deviation is negative.
    """
    m, s = raw(mean), raw(std)
    if size is not None:
        proto = np.empty(sizes("normal", (size,)), _kind(dtype, defaults.float_dtype()))
        return _made(draws.normal(proto, float(m), float(s), generator), device, requires_grad, out)
    known_size = [a for a in (mean, std) if isinstance(a, Tracked) or arrays.is_typed(a)]
    if not known_size:
        raise TypeError(tr(
            "normal() received an invalid combination of arguments: two numbers need size=(2, 3).",
        ))  # fmt: skip
    there = raw(known_size[0])
    m, s = arrays.to_host(m), arrays.to_host(s)
    draws.refuse(
        bool(np.any(np.less(s, 0))),
        mark("normal expects all elements of std >= 0.0: a deviation is not negative."),
    )
    try:
        shape = np.broadcast_shapes(np.shape(m), np.shape(s))
    except ValueError:
        raise ShapeError(tr(
            "The shapes of mean {mean} and std {std} do not broadcast.", mean=list(np.shape(m)),
            std=list(np.shape(s)),
        )) from None  # fmt: skip
    proto = np.empty(shape, there.dtype)
    if isinstance(std, Tracked) or arrays.is_typed(s):
        made = draws.normal(proto, generator=generator) * s.astype(there.dtype) + np.asarray(m, there.dtype)
    else:
        made = draws.normal(proto, 0.0, s, generator) + m
    return _made(made, arrays.device_of(there), requires_grad, out)


def bernoulli(input: Any, p: Any = None, *, generator: Any = None, out: Any = None) -> Tensor:
    """As `torch.bernoulli`: 1 with the probability that each entry says (or with `p` everywhere), else 0."""
    array = raw(input)
    return _made(draws.chances(array, raw(p), generator), arrays.device_of(array), False, out)


def multinomial(
    input: Any, num_samples: int, replacement: bool = False, *, generator: Any = None, out: Any = None
) -> Tensor:  # fmt: skip
    """As `torch.multinomial`: numbers of columns, drawn with the weights that each row gives.

    Parameters
    ----------
    input : Tensor
        (columns,) or (rows, columns), not negative; they need not sum to 1.
    num_samples : int
        How many draws for a row.
    replacement : bool
        Whether a column may be drawn again.

    Returns
    -------
    Tensor
        int64, (num_samples,) or (rows, num_samples).

    Raises
    ------
    RuntimeError
        If a weight is negative or not finite, all are 0, or there are too few columns.

    Examples
    --------
    >>> import gradmagic as gm
    >>> _ = gm.manual_seed(0)
    >>> gm.multinomial(gm.tensor([0.1, 0.2, 0.7]), 4, replacement=True)
    tensor([2, 2, 2, 2])
    """
    made = draws.multinomial(raw(input), num_samples, replacement, generator)
    return _made(made, arrays.device_of(raw(input)), False, out)


def poisson(input: Any, generator: Any = None) -> Tensor:
    """As `torch.poisson`: counts of events, of the shape and dtype of the rates."""
    return _made(draws.poisson(raw(input), generator), arrays.device_of(raw(input)), False)


def binomial(count: Any, prob: Any, generator: Any = None) -> Tensor:
    """As `torch.binomial`: how many of `count` trials succeed."""
    return _made(draws.binomial(raw(count), raw(prob), generator), arrays.device_of(raw(count)), False)


def standard_gamma(input: Any, generator: Any = None) -> Tensor:
    """Give draws of gamma distributions of rate 1 with these shapes: PyTorch's, without a gradient."""
    return _made(draws.standard_gamma(raw(input), generator), arrays.device_of(raw(input)), False)


def dropped(array: Any, p: float) -> Any:
    """Give what dropout multiplies `array` with: 0 with probability `p`, else 1 / (1 - p)."""
    kind = array.dtype.type
    mask = draws.bernoulli(draws.beside(array), 1 - p) if p < 1 else np.zeros(np.shape(array), kind)
    return arrays.from_host(np.reshape(mask / kind(1 - p), np.shape(array)) if p < 1 else mask, array)


FUNCTIONS = {
    f.__name__: f
    for f in (
        rand, rand_like, randn, randn_like, randint, randint_like, randperm, normal, bernoulli, multinomial, poisson,
        binomial, manual_seed, seed, initial_seed, get_rng_state, set_rng_state, Generator,
    )
} | {"_standard_gamma": standard_gamma, "default_generator": default_generator}  # fmt: skip
