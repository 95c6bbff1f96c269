"""`gm.distributed.loss`: a sum over partitions as one operation on the tape, with derivatives of every order.

In: a function of parameters and a partition's data, and the data. Out: a function of the parameters. Where it is
recorded, the pass that computes its value computes its gradient too; a derivative of that is a pass of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.core.foreign import of_library
from ..engine.core.trees import leaves, rebuilt
from ..engine.dispatch.calls import face_of
from ..engine.faces.torch.tensor import Tensor
from ..engine.following.switch import unfollowed
from ..engine.tape.modes import OFF, mode_now
from ..engine.tape.tracked import Tracked, raw, raws, tracked_in
from ..engine.transforms.custom import custom
from ..errors import ArgumentError
from ..language import get_language, tr
from .cluster import one, total
from .partitions import Partitions, partitions_of
from .worker import Work

_ONE = np.float64(1.0)  # the cotangent of the value; typed, so that a worker takes it to its device


class Loss:
    """What `gm.distributed.loss` gives: call it with the parameters.

    Attributes
    ----------
    chosen : tuple of int
        The partitions that it adds up, in this order.
    """

    def __init__(
        self, f: Callable[..., Any], partitions: Partitions, chosen: tuple[int, ...], **options: Any
    ) -> None:
        self.f, self.chosen = f, chosen
        self.__name__ = getattr(f, "__name__", "loss")
        self._partitions, self._options = partitions, options

    def __len__(self) -> int:
        return len(self.chosen)

    def __repr__(self) -> str:
        return tr(
            "<gm.distributed.loss of {name} over {count} partitions>", name=self.__name__, count=len(self)
        )

    def __call__(self, *params: Any) -> Any:
        """Compute the loss at the parameters: a number, on the tape where they are."""
        found = leaves(params)
        for leaf in found:
            if (words := of_library(leaf)) is not None:
                raise ArgumentError(tr(
                    "{name} got {what} among its parameters: data are given once, when the loss is made, "
                    "gm.distributed.loss(f, X). {advice}.", name=self.__name__, what=words,
                    advice=words.advice(),
                ))  # fmt: skip
            if callable(getattr(leaf, "parameters", None)):
                raise ArgumentError(tr(
                    "{name} got a module, whose parameters live in this process: give them by name, "
                    "dict(net.named_parameters()), and write gm.func.functional_call(net, params, X) in the "
                    "function.", name=self.__name__,
                ))  # fmt: skip
        places = tuple(i for i, v in enumerate(found) if isinstance(v, Tracked) and v.node is not None)
        device = self._options["device"] or ("cuda" if any(map(arrays.on_device, map(raw, found))) else "")
        work = Work(
            self.f,
            rebuilt(params, map(_sent, found)),
            places,
            frozenset(i for i, v in enumerate(found) if isinstance(v, Tensor)),
            (),
            "value",
            self._options["reduce"] == "mean",
            device,
            get_language(),
        )
        if mode_now() is OFF or not places:
            work = replace(work, places=())
            (value,) = self._pass(work, "value", ())
            return face_of(params).wrap(value, None) if tracked_in(list(found)) else value
        work = replace(
            work, params=rebuilt(params, [None if i in places else _sent(v) for i, v in enumerate(found)])
        )
        return self._recorded(work, [found[i] for i in places])

    def partition(self, i: int) -> tuple[Any, ...]:
        """Fetch the data of partition `i`, as the function is given them."""
        return one(self._partitions, self.chosen[i], self._options["client"], self._options["retries"])

    def batches(self, size: int, seed: int, epoch: int = 0) -> Iterator[Loss]:
        """Give the losses over mini-batches: `size` partitions each, every partition once, in an order that is drawn.

        Parameters
        ----------
        size : int
            Partitions of a batch; the last may have fewer.
        seed, epoch : int
            They alone decide the order: an epoch can be taken up again from any batch.

        Yields
        ------
        Loss
            A sum stands for that of all partitions: it is multiplied by their number over the batch's.
        """
        order = np.random.default_rng([seed, epoch]).permutation(self.chosen)
        for k in range(0, len(order), size):
            batch = tuple(map(int, order[k : k + size]))
            yield Loss(self.f, self._partitions, batch, **self._options)

    # ---- on the tape -------------------------------------------------------------------------------------------------

    def _recorded(self, work: Work, args: list[Any]) -> Any:
        """Record the loss by the value and the gradient of one pass."""
        value, *gradient = self._pass(work, "gradient", raws(args))

        def by(at: tuple[Any, ...]) -> Any:
            """Give the gradient; tracked, where the sweep is recorded itself."""
            return self._gradient(work, tuple(gradient))(*at) if tracked_in(list(at)) else gradient

        def computed(*_at: Any) -> Any:
            return value

        computed.__name__ = self.__name__
        return custom(
            computed,
            vjp=lambda g, _out, *at: tuple(g * c for c in by(at)),
            jvp=lambda tangents, _out, *at: sum(
                np.sum(np.real(np.conj(c) * t)) for c, t in zip(by(at), tangents, strict=True)
            ),
        )(*args)

    def _gradient(self, work: Work, gradient: tuple[Any, ...]) -> Any:
        """Give the gradient as an operation: its value is known, its derivatives are Hessian products."""
        n = len(gradient)
        return custom(
            lambda *_at: gradient,
            vjp=lambda g, _out, *at: self._derived(work, "vv")(*at, _ONE, *g)[:n],
            jvp=lambda tangents, _out, *at: self._derived(work, "vj")(*at, _ONE, *tangents, 0 * _ONE),
        )

    def _derived(self, work: Work, steps: str) -> Any:
        """Give a pass of derivatives as an operation, whose derivatives are passes with a step more."""
        return custom(
            lambda *args: self._pass(work, steps, args),
            vjp=lambda g, _out, *args: self._derived(work, steps + "v")(*args, *g),
            jvp=lambda tangents, _out, *args: self._derived(work, steps + "j")(*args, *tangents),
        )

    def _pass(self, work: Work, steps: str, args: Any) -> tuple[Any, ...]:
        """Run one pass over the partitions; what comes back lies where the arguments do."""
        work = replace(work, steps=steps, args=tuple(map(arrays.to_host, args)))
        o = self._options
        with unfollowed():
            share = total(self._partitions, self.chosen, work, o["client"], o["retries"], o["progress"])
        scale = share.rows if work.mean else len(self.chosen) / len(self._partitions.plans)
        values = share.values if scale == 1 else tuple(v / scale for v in share.values)
        like = next((a for a in args if arrays.on_device(a)), None)
        return values if like is None else tuple(arrays.from_host(np.asarray(v), like) for v in values)


def _sent(leaf: Any) -> Any:
    return arrays.to_host(raw(leaf)) if arrays.is_typed(raw(leaf)) else raw(leaf)


def loss(
    f: Callable[..., Any],
    *data: Any,
    reduce: str = "sum",
    load: Callable[[Any], Any] | None = None,
    client: Any = None,
    retries: int = 3,
    progress: bool = True,
    device: str | None = None,
) -> Loss:
    """Make a loss over data that lie on many machines, as one operation on the tape.

    `loss(f, X, y)(w)` is the sum of `f(w, Xi, yi)` over the partitions. Each is computed in a worker, with its
    gradient, and all are added in pairs in their order: the same bits, whichever worker is first or dies.

    Parameters
    ----------
    f : function
        `f(*params, *data)` of the parameters, and of one partition's data as NumPy arrays, lists or what `load` gives;
        it gives one number. It travels to the workers with what it reads; what it draws should have a seed.
    *data : dask arrays, bags, data frames, xarray's arrays, or lists
        Partitions are the chunks of rows (other chunks are joined), a bag's or frame's partitions, or the entries of a
        list: delayed parts, futures, files (with `load`). A part that is a tuple is several arguments. They are made
        anew in each pass; `X.persist()` keeps them in the workers' memory.
    reduce : {"sum", "mean"}
        "mean": `f` gives a mean over its rows, and so does the loss: partitions count by their rows.
    load : function, optional
        Gives the data of one entry of a list, such as a file, in the worker.
    client : distributed.Client, optional
        The cluster. Left out: the client that is there, or else a cluster of this machine's processes (in a script
        below `if __name__ == "__main__":`).
    retries : int
        How often a partition that raises is tried again. One that loses its worker always is.
    progress : bool
        Show Dask's bar for a pass of more than three seconds.
    device : str, optional
        "cuda": each worker computes on its GPU. By default where the parameters are.

    Returns
    -------
    Loss
        A function of the parameters (arrays, tensors, numbers, containers of them), for `gm.value_and_grad`,
        `gm.optim`, `gm.hvp`, `%%grad` and whatever else differentiates. It has `.partition(i)`, the data of one, and
        `.batches(size, seed, epoch)`, losses over some partitions at a time.

    Raises
    ------
    ArgumentError
        If the data have no partitions, or `f` reads a value that is traced.
    ShapeError
        If they have different numbers of rows or partitions.
    ClusterError
        In a pass, if a partition has lost several workers, or the client its scheduler.

    Examples
    --------
    >>> import dask.array as da, distributed, numpy as np
    >>> import gradmagic as gm
    >>> X = da.ones((6, 2), chunks=(2, 2))
    >>> squares = lambda w, rows: np.sum((rows @ w) ** 2)
    >>> with distributed.Client(processes=False, n_workers=1, dashboard_address=":0"):
    ...     total = gm.distributed.loss(squares, X)
    ...     print(gm.value_and_grad(lambda w: total(w) + w @ w)(np.array([1.0, 2.0])))
    (59.0, array([38., 40.]))
    """
    if reduce not in ("sum", "mean"):
        raise ArgumentError(tr('reduce={reduce!r} is unknown: write "sum" or "mean".', reduce=reduce))
    partitions = partitions_of(data, load)
    return Loss(
        f,
        partitions,
        tuple(range(len(partitions.plans))),
        reduce=reduce,
        client=client,
        retries=retries,
        progress=progress,
        device=device,
    )
