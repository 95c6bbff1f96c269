"""`gm.autograd.functional`, by PyTorch's names and arguments: jacobian, hessian, vjp, jvp, hvp of a function at inputs.

In: a function of tensors and its inputs, one tensor or a tuple. Out: tensors, or tuples of them where a tuple came in.
`gm.jacobian(f)` and its kin (engine/transforms/) make functions instead, of arrays, numbers and containers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.core.trees import leaves, rebuilt
from ..engine.faces.torch.tensor import Tensor
from ..engine.transforms import matrices
from ..engine.transforms import of_functions as transforms


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """Give every derivative of `func` at `inputs`: shape (output's shape + input's shape).

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.autograd.functional.jacobian(lambda x: x * x, gm.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    numbers, args = _arguments(inputs)
    return _as_asked(matrices.jacobian(func, numbers)(*args), create_graph)


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False) -> Any:
    """Give every second derivative of `func`, which gives one number, at `inputs`.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.autograd.functional.hessian(lambda x: (x**3).sum(), gm.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    numbers, args = _arguments(inputs)
    return _as_asked(matrices.hessian(func, numbers)(*args), create_graph)


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> tuple[Any, Any]:
    """Give (output, v times the Jacobian); without `v` the output must be one number.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.autograd.functional.vjp(lambda x: x * x, gm.tensor([1.0, 2.0]), gm.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    numbers, args = _arguments(inputs)
    value, pull = transforms.vjp(func, *args)
    found = pull(_ones(value) if v is None else v)
    return _as_asked((value, found if isinstance(numbers, tuple) else found[0]), create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> tuple[Any, Any]:
    """Give (output, the Jacobian times v); without `v` the input must be one number.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.autograd.functional.jvp(lambda x: x * x, gm.tensor([1.0, 2.0]), gm.ones(2))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    _, args = _arguments(inputs)
    along = _ones(inputs) if v is None else v
    return _as_asked(
        transforms.jvp(func, args, along if isinstance(inputs, tuple) else (along,)), create_graph
    )


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False) -> tuple[Any, Any]:
    """Give (output, the Hessian times v) of `func`, which gives one number.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.autograd.functional.hvp(lambda x: (x**3).sum(), gm.tensor([1.0, 2.0]), gm.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    _, args = _arguments(inputs)
    along = _ones(inputs) if v is None else v
    product = matrices.hvp(func, args if isinstance(inputs, tuple) else args[0], along)
    return _as_asked((func(*args), product), create_graph)


vhp = hvp  # the Hessian of a real function is symmetric


def _arguments(inputs: Any) -> tuple[int | tuple[int, ...], tuple[Any, ...]]:
    return (tuple(range(len(inputs))), inputs) if isinstance(inputs, tuple) else (0, (inputs,))


def _ones(value: Any) -> Any:
    return rebuilt(value, [Tensor.wrap(np.ones_like(t.array), None) for t in leaves(value)])


def _as_asked(value: Any, create_graph: bool) -> Any:
    """Give tensors; detached, as PyTorch gives them, unless they are to be differentiated again."""
    return value if create_graph else rebuilt(value, [t.detach() for t in leaves(value)])
