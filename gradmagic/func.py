"""PyTorch's `torch.func`: transforms of functions (`grad`, `vmap`, `jacrev` ...); modules with other parameters.

In: functions of Tensors, nested in dicts, lists and tuples. Out: functions that give derivatives, or treat batches. The
transforms are those of engine/transforms under PyTorch's names and arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

from .engine.core.trees import leaves, rebuilt
from .engine.faces.torch.tensor import Tensor
from .engine.transforms import matrices, of_functions
from .errors import ArgumentError, ShapeError
from .functions import as_tensor, get_rng_state, set_rng_state, stack
from .language import tr
from .missing import missing

Numbers = int | Sequence[int]


def grad(func: Callable[..., Any], argnums: Numbers = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Make a function that gives the gradient of `func`, or (gradient, aux).

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.func.grad(lambda x: (x**3).sum())(gm.tensor([1.0, 2.0]))
    tensor([ 3., 12.])
    """
    return of_functions.grad(func, argnums, has_aux)


def grad_and_value(
    func: Callable[..., Any], argnums: Numbers = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make a function that gives (gradient, value) of `func`, or (gradient, (value, aux))."""
    both = of_functions.value_and_grad(func, argnums, has_aux)

    @wraps(func)
    def turned(*args: Any, **kwargs: Any) -> Any:
        value, found = both(*args, **kwargs)
        return found, value

    return turned


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Give the value of `func` and a function that pulls a cotangent back, a tuple with one for each argument.

    Examples
    --------
    >>> import gradmagic as gm
    >>> value, pull = gm.func.vjp(gm.sin, gm.tensor([0.0]))
    >>> pull(gm.ones(1))
    (tensor([1.]),)
    """
    return of_functions.vjp(func, *primals, has_aux=has_aux)


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> Any:
    """Give the value of `func` and its derivative along `tangents`; both are tuples, one for each argument."""
    return of_functions.jvp(func, tuple(primals), tuple(tangents), has_aux=has_aux)


def _jacobian(name: str, mode: str) -> Callable[..., Any]:
    def f(
        func: Callable[..., Any], argnums: Numbers = 0, has_aux: bool = False, **_: Any
    ) -> Callable[..., Any]:
        if not has_aux:
            return matrices.jacobian(func, argnums, mode)
        kept: list[Any] = []

        @wraps(func)
        def without(*args: Any, **kwargs: Any) -> Any:
            value, aux = func(*args, **kwargs)
            kept[:] = [rebuilt(aux, [v.detach() if isinstance(v, Tensor) else v for v in leaves(aux)])]
            return value

        every = matrices.jacobian(without, argnums, mode)

        @wraps(func)
        def both(*args: Any, **kwargs: Any) -> Any:
            return every(*args, **kwargs), kept[0]

        return both

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"Make a function that gives every derivative of every entry of `func`, by {mode} mode."
    return f


jacrev, jacfwd = _jacobian("jacrev", "reverse"), _jacobian("jacfwd", "forward")


def hessian(func: Callable[..., Any], argnums: Numbers = 0) -> Callable[..., Any]:
    """Make a function that gives every second derivative of `func`."""
    return jacfwd(jacrev(func, argnums), argnums)  # type: ignore[no-any-return]


# ---- modules ----------------------------------------------------------------------------------------------------


@contextmanager
def _with(module: Any, values: dict[str, Any]) -> Iterator[None]:
    """Put other tensors in the place of a module's parameters and buffers, for a while."""
    before = []
    try:
        for name, value in values.items():
            path, _, own = name.rpartition(".")
            inner = module.get_submodule(path)
            held = next((d for d in (inner._parameters, inner._buffers) if own in d), None)
            if held is None:
                raise AttributeError(tr(
                    "{kind} has no attribute `{name}`: names are those of named_parameters().",
                    kind=type(inner).__name__, name=own,
                ))  # fmt: skip
            before.append((held, own, held[own]))
            held[own] = value
        yield
    finally:
        for held, own, value in reversed(before):
            held[own] = value


def functional_call(
    module: Any, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """Call a module with other parameters and buffers, which stand in for its own.

    Parameters
    ----------
    module : Module
    parameter_and_buffer_dicts : dict, or tuple of dict
        Tensors by the names that `named_parameters()` gives.
    args : tuple, or one argument
    kwargs : dict, optional
    strict : bool
        All names must be there.

    Examples
    --------
    >>> import gradmagic as gm
    >>> model = gm.nn.Linear(2, 1, bias=False)
    >>> gm.func.functional_call(model, {"weight": gm.tensor([[1.0, 2.0]])}, gm.ones(2))
    tensor([3.])
    """
    several = parameter_and_buffer_dicts
    values: dict[str, Any] = {}
    for one in [several] if isinstance(several, dict) else several:
        values |= one
    if strict and set(values) != set(
        mine := [*dict(module.named_parameters()), *dict(module.named_buffers())]
    ):
        odd = sorted(set(values) ^ set(mine))
        raise RuntimeError(tr(
            "Unexpected or missing key(s): {keys}. Give every parameter and buffer its value.",
            keys=", ".join(odd),
        ))  # fmt: skip
    given = args if isinstance(args, tuple) else () if args is None else (args,)
    with _with(module, values):
        return module(*given, **(kwargs or {}))


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the parameters and the buffers of several modules of one kind, stacked along a new first dim."""
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    made = []
    for kind in ("named_parameters", "named_buffers"):
        every = [dict(getattr(m, kind)()) for m in models]
        found = {k: stack([one[k] for one in every]).detach() for k in every[0]}
        made.append({k: v.requires_grad_(every[0][k].requires_grad) for k, v in found.items()})
    return made[0], made[1]


# ---- batches ----------------------------------------------------------------------------------------------------


def _dims(dims: Any, tree: Any) -> list[int | None]:
    """Give the dim of each leaf: `dims` is one for all, or nested as the tree (a number stands for all beneath it)."""
    if dims is None or isinstance(dims, int):
        return [dims] * len(leaves(tree))
    if isinstance(tree, dict):
        return [d for k in tree for d in _dims(dims[k], tree[k])]
    if isinstance(tree, (list, tuple)) and len(dims) == len(tree):
        return [d for inner, part in zip(dims, tree, strict=True) for d in _dims(inner, part)]
    raise ValueError(tr(
        "vmap: in_dims is not compatible with the structure of inputs: give one number, or one for each "
        "argument.",
    ))  # fmt: skip


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: Any = None
) -> Callable[..., Any]:  # fmt: skip
    """Make a function that treats a batch: `func` is called for each example, and the results are stacked.

    The examples are taken one after the other, so that every operation works, in every transform around and within; it
    takes as long as a loop.

    Parameters
    ----------
    func : function
        Of tensors without the batch.
    in_dims : int, None, or nested as the arguments
        The dim of the batch; None: the same for all examples.
    out_dims : int, or tuple of int
    randomness : {"error", "different", "same"}
        Whether `func` may draw, and whether each example gets other numbers.

    Raises
    ------
    ValueError
        If the batches are of different sizes, or there is none.
    RuntimeError
        If `func` draws random numbers, and `randomness` does not say how.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.func.vmap(gm.dot)(gm.ones(3, 2), gm.ones(3, 2))
    tensor([2., 2., 2.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}."
        )

    @wraps(func)
    def of_batch(*args: Any, **kwargs: Any) -> Any:
        flat, dims = leaves(args), _dims(tuple(in_dims) if isinstance(in_dims, list) else in_dims, args)
        for v, d in zip(flat, dims, strict=True):
            if d is not None and not -(n := as_tensor(v).ndim) <= d < n:
                raise ValueError(tr(
                    "vmap: Got in_dim={in_dim} for some input, but that input is a Tensor of dimensionality "
                    "{n} so expected in_dim to satisfy -{n} <= in_dim < {n}. Write None for what all "
                    "examples share.", in_dim=d, n=n,
                ))  # fmt: skip
        sizes = {as_tensor(v).shape[d] for v, d in zip(flat, dims, strict=True) if d is not None}
        if len(sizes) != 1:
            raise ValueError(tr(
                "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                "{sizes} for the mapped dimension: give at least one, and all of one length.",
                sizes=sorted(sizes),
            ))  # fmt: skip
        (number,) = sizes
        if number == 0:
            raise ArgumentError(tr(
                "vmap: the batch is empty, and nothing tells what func would give: give one example.",
            ))  # fmt: skip
        start, results = get_rng_state(), []
        for i in range(number):
            if randomness == "same":
                set_rng_state(start)
            one = [v if d is None else as_tensor(v).select(d, i) for v, d in zip(flat, dims, strict=True)]
            results.append(func(*rebuilt(args, one), **kwargs))
        if randomness == "error" and not bool((get_rng_state() == start).all()):
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
                "'different' randomness flags on vmap or perform the randomness operation out of vmap"
            )
        return _stacked(results, out_dims)

    return of_batch


def _stacked(results: list[Any], out_dims: Any) -> Any:
    first = leaves(results[0])
    if not all(isinstance(v, Tensor) for v in first):
        kinds = ", ".join(type(v).__name__ for v in first if not isinstance(v, Tensor))
        raise ValueError(tr(
            "vmap: must only return Tensors, got type {kinds}: give tensors, or tuples and dicts of them.",
            kinds=kinds,
        ))  # fmt: skip
    columns = list(zip(*map(leaves, results), strict=True))
    if isinstance(out_dims, (tuple, list)) and len(out_dims) != len(columns):
        raise ShapeError(tr(
            "vmap: out_dims has {entries} entries for {results} results: give one for each.",
            entries=len(out_dims), results=len(columns),
        ))  # fmt: skip
    dims = list(out_dims) if isinstance(out_dims, (tuple, list)) else [out_dims] * len(columns)
    made = [c[0] if d is None else stack(c, d) for c, d in zip(columns, dims, strict=True)]
    return rebuilt(results[0], made)


__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "stack_module_state", "vjp",
    "vmap",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    raise missing("func", name, __all__)
