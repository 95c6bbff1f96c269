"""PyTorch's recurrent networks: `nn.RNN`, `nn.LSTM`, `nn.GRU`, and one step of each as a cell.

In: sequences (length, batch, size), with `batch_first` (batch, length, size), (length, size), or packed.
Out: the outputs of the last layer, and the last states of all layers. A step is written once, for cells and networks.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..engine.faces.torch.math import OperandError
from ..engine.faces.torch.tensor import Tensor
from ..engine.tape.modes import settings
from ..engine.tape.observers import Step
from ..functions import as_tensor, cat, empty, stack, zeros
from ..language import tr
from . import functional as F
from . import init
from .modules import Module
from .parameters import Parameter
from .utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

# One step: (input's part of the gates, states, hidden weight and bias) -> new states. The first state is the output.


def _rnn(activation: Callable[[Any], Any]) -> Any:
    def step(x: Any, states: tuple[Any, ...], w: Any, b: Any) -> tuple[Any, ...]:
        return (activation(x + F.linear(states[0], w, b)),)

    return step


def _lstm(x: Any, states: tuple[Any, ...], w: Any, b: Any) -> tuple[Any, ...]:
    """Input, forget, cell and output gates (S. Hochreiter, J. Schmidhuber, 1997; F. Gers, 2000)."""
    h, c = states
    gates = x + F.linear(h, w, b)
    size = gates.shape[-1] // 4
    i, f, g = (gates[..., k * size : (k + 1) * size] for k in range(3))
    c = F.sigmoid(f) * c + F.sigmoid(i) * F.tanh(g)
    return F.sigmoid(gates[..., 3 * size :]) * F.tanh(c), c  # here, so that what gives h stands together


def _gru(x: Any, states: tuple[Any, ...], w: Any, b: Any) -> tuple[Any, ...]:
    """Reset and update gates, and the new value (K. Cho and others, 2014)."""
    h = states[0]
    (xr, xz, xn), (hr, hz, hn) = x.chunk(3, -1), F.linear(h, w, b).chunk(3, -1)
    r, z = F.sigmoid(xr + hr), F.sigmoid(xz + hz)
    n = F.tanh(xn + r * hn)
    return (n + z * (h - n),)


# name: how many gates, how many states, the step
_KINDS: dict[str, tuple[int, int, Any]] = {
    "RNN_TANH": (1, 1, _rnn(F.tanh)), "RNN_RELU": (1, 1, _rnn(F.relu)), "LSTM": (4, 2, _lstm), "GRU": (3, 1, _gru),
}  # fmt: skip


def _drawn(module: Any) -> None:
    """Draw all weights evenly within 1/sqrt(hidden_size), as PyTorch does."""
    bound = 1 / math.sqrt(module.hidden_size) if module.hidden_size > 0 else 0.0
    for p in module.parameters():
        init.uniform_(p, -bound, bound)


def _stepped(step: Step, gates: Callable[[], Any], *args: Any) -> tuple[Any, ...]:
    """Take a step, with what its input gives, and tell who watches that it is one."""
    observer, make = settings().observer, _KINDS[step.module.mode][2]
    if observer is None:
        return make(gates(), *args)  # type: ignore[no-any-return]
    observer.entered(step)
    try:
        new: tuple[Any, ...] = make(gates(), *args)
        step.gave(**dict(zip(("h", "c"), new, strict=False)))
        return new
    finally:
        observer.left(step)


class _Recurrent(Module):
    """A network of layers, each run forwards and, if `bidirectional`, backwards too."""

    mode: str

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        for name, value in (
            ("input_size", input_size),
            ("hidden_size", hidden_size),
            ("num_layers", num_layers),
        ):
            if value <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                f"num_layers greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                UserWarning,
                stacklevel=3,
            )
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, dropout
        self.bidirectional, self.proj_size = bidirectional, proj_size
        gates, out = _KINDS[self.mode][0] * hidden_size, proj_size or hidden_size
        for layer, end in self._runs():
            inputs = input_size if layer == 0 else out * (1 + bidirectional)
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, inputs), "weight_hh": (gates, out)}
            shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)} if bias else {}
            shapes |= {"weight_hr": (proj_size, hidden_size)} if proj_size else {}
            for name, shape in shapes.items():
                setattr(self, f"{name}_{end}", Parameter(empty(shape, dtype=dtype, device=device)))
        self.reset_parameters()

    def _runs(self) -> list[tuple[int, str]]:
        """Give layer and ending of the names of each run, forwards and backwards."""
        ends = ("", "_reverse") if self.bidirectional else ("",)
        return [(layer, f"l{layer}{end}") for layer in range(self.num_layers) for end in ends]

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        _drawn(self)

    def flatten_parameters(self) -> None:
        """Do nothing: PyTorch lays the weights out for cuDNN here."""

    @property
    def all_weights(self) -> list[list[Any]]:
        """The weights of each run."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
        every = [[self._parameters.get(f"{n}_{end}") for n in names] for _, end in self._runs()]
        return [[w for w in run if w is not None] for run in every]

    def _started(self, hx: Any, batch: int, alone: bool, like: Any) -> list[Any]:
        """Give the first states, each (runs, batch, size)."""
        number, runs = _KINDS[self.mode][1], len(self._runs())
        sizes = [self.proj_size or self.hidden_size, self.hidden_size][:number]
        if hx is None:
            return [zeros((runs, batch, n), dtype=like.dtype, device=like.device) for n in sizes]
        given = list(hx) if isinstance(hx, (tuple, list)) else [hx]
        wanted = 2 if alone else 3
        for h, n, word in zip(given, sizes, ("hidden", "cell")[:number], strict=True):
            if h.ndim != wanted:
                kind = "unbatched 2-D" if alone else "batched 3-D"
                raise OperandError(tr(
                    "For {kind} input, hx should also be {wanted}-D but got {ndim}-D tensor: give it the "
                    "shape {shape}.",
                    kind=kind, wanted=wanted, ndim=h.ndim, shape=(runs, n) if alone else (runs, batch, n),
                ))  # fmt: skip
            shape = (runs, n) if alone else (runs, batch, n)
            if tuple(h.shape) != shape:
                raise OperandError(tr(
                    "Expected {state} size {shape}, got {given}: it has a row for each layer and direction.",
                    state=word, shape=shape, given=list(h.shape),
                ))  # fmt: skip
        return [h.unsqueeze(1) for h in given] if alone else given

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Give the outputs of the last layer, and the last states of all.

        Parameters
        ----------
        input : Tensor or PackedSequence
            (length, batch, input_size), with `batch_first` (batch, length, input_size), or (length, input_size).
        hx : Tensor, or pair of Tensor for LSTM, optional
            (layers * directions, batch, size); zeros if it is left out.
        """
        packed = input if isinstance(input, PackedSequence) else None
        lengths = None
        if packed is not None:
            input, lengths = pad_packed_sequence(packed._replace(sorted_indices=None, unsorted_indices=None))
            if hx is not None and packed.sorted_indices is not None:
                hx = _each(hx, lambda h: h.index_select(1, packed.sorted_indices))
        input = as_tensor(input)
        if input.ndim not in (2, 3):
            raise ValueError(tr(
                "{kind}: Expected input to be 2D or 3D, got {ndim}D instead: (length, batch, n).",
                kind=type(self).__name__, ndim=input.ndim,
            ))  # fmt: skip
        if input.shape[-1] != self.input_size:
            raise OperandError(tr(
                "input.size(-1) must be equal to input_size. Expected {input_size}, got {size}: make the "
                "network with the size that its input has.", input_size=self.input_size, size=input.shape[-1],
            ))  # fmt: skip
        alone = input.ndim == 2
        x = (
            input.unsqueeze(1)
            if alone
            else input.transpose(0, 1)
            if self.batch_first and packed is None
            else input
        )
        states = self._started(hx, x.shape[1], alone, x)
        outputs, last = self._run(x, states, lengths)
        if packed is not None:
            enforced = pack_padded_sequence(outputs, lengths, enforce_sorted=True)
            outputs = packed._replace(data=enforced.data)
            if packed.unsorted_indices is not None:
                last = [h.index_select(1, packed.unsorted_indices) for h in last]
        elif alone:
            outputs, last = outputs.squeeze(1), [h.squeeze(1) for h in last]
        elif self.batch_first:
            outputs = outputs.transpose(0, 1)
        return outputs, (last[0] if len(last) == 1 else tuple(last))

    def _run(self, x: Any, states: list[Any], lengths: Any) -> tuple[Any, list[Any]]:
        ends: list[tuple[Any, ...]] = []
        here: list[Any] = []
        for number, (layer, end) in enumerate(self._runs()):
            out, last = self._through(x, [h[number] for h in states], end, lengths)
            here.append(out)
            ends.append(last)
            if len(here) == 1 + self.bidirectional:
                x = here[0] if len(here) == 1 else cat(here, -1)
                here = []
                if self.dropout and layer < self.num_layers - 1:
                    x = F.dropout(x, self.dropout, self.training)
        return x, [stack(every) for every in zip(*ends, strict=True)]

    def _through(self, x: Any, states: Any, end: str, lengths: Any) -> tuple[Any, tuple[Any, ...]]:
        """Run one layer in one direction; where a packed sequence has ended its states stay."""
        get = self._parameters.get
        weight, bias, projection = get(f"weight_hh_{end}"), get(f"bias_hh_{end}"), get(f"weight_hr_{end}")
        gates = F.linear(x, get(f"weight_ih_{end}"), get(f"bias_ih_{end}"))
        times = range(x.shape[0])
        outputs: list[Any] = [None] * x.shape[0]
        now = tuple(states)
        run = end if len(self._runs()) > 1 else ""
        for k, t in enumerate(reversed(times) if end.endswith("_reverse") else times):
            step = Step(self, run, k + 1, len(times))
            new = _stepped(step, partial(operator.getitem, gates, t), now, weight, bias)
            if projection is not None:
                new = (F.linear(new[0], projection), *new[1:])
            if lengths is not None:
                there = Tensor.wrap(np.less(t, lengths.array)[:, None], None)
                pairs = zip(new, now, strict=True)
                new = tuple(np.where(there, n, old) for n, old in pairs)  # type: ignore[call-overload]
            outputs[t], now = new[0], new
        return stack(outputs), now

    def extra_repr(self) -> str:
        """Name the sizes and what is not as usual."""
        silent = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
        }
        more = "".join(f", {k}={getattr(self, k)}" for k, v in silent.items() if getattr(self, k) != v)
        return f"{self.input_size}, {self.hidden_size}{more}"


def _each(hx: Any, f: Callable[[Any], Any]) -> Any:
    return tuple(map(f, hx)) if isinstance(hx, (tuple, list)) else f(hx)


def _nonlinear(nonlinearity: str) -> str:
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
    return f"RNN_{nonlinearity.upper()}"


class RNN(_Recurrent):
    """h' = tanh(W x + b + U h + c), or relu, in layers.

    Parameters
    ----------
    input_size, hidden_size, num_layers : int
    nonlinearity : {"tanh", "relu"}
    bias, batch_first : bool
    dropout : float
        The part of each layer's outputs but the last's that is dropped while training.
    bidirectional : bool

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic import nn
    >>> outputs, last = nn.RNN(3, 4)(gm.ones(5, 2, 3))
    >>> outputs.shape, last.shape
    (torch.Size([5, 2, 4]), torch.Size([1, 2, 4]))
    """

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", *args: Any,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        self.__dict__["mode"], self.__dict__["nonlinearity"] = _nonlinear(nonlinearity), nonlinearity
        super().__init__(input_size, hidden_size, num_layers, *args, **kwargs)


class LSTM(_Recurrent):
    """Long short-term memory, in layers; its states are a pair (S. Hochreiter, J. Schmidhuber, 1997).

    The settings are those of `RNN`, and `proj_size`, to which outputs are projected.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic import nn
    >>> outputs, (h, c) = nn.LSTM(3, 4, batch_first=True)(gm.ones(2, 5, 3))
    >>> outputs.shape, h.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    mode = "LSTM"


class GRU(_Recurrent):
    """Gated recurrent units, in layers (K. Cho and others, 2014). The settings are those of `RNN`."""

    mode = "GRU"


class _Cell(Module):
    mode: str

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:  # fmt: skip
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        gates = _KINDS[self.mode][0] * hidden_size
        shapes = {
            "weight_ih": (gates, input_size),
            "weight_hh": (gates, hidden_size),
            "bias_ih": (gates,),
            "bias_hh": (gates,),
        }
        for name, shape in shapes.items():
            wanted = bias or name.startswith("weight")
            made = Parameter(empty(shape, dtype=dtype, device=device)) if wanted else None
            self.register_parameter(name, made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        _drawn(self)

    def forward(self, input: Any, hx: Any = None) -> Any:
        """Give the state after one step; (batch, size) or (size,)."""
        input = as_tensor(input)
        name, number = type(self).__name__, _KINDS[self.mode][1]
        if input.ndim not in (1, 2):
            raise ValueError(tr(
                "{name}: Expected input to be 1D or 2D, got {ndim}D instead: (batch, size) or (size,).",
                name=name, ndim=input.ndim,
            ))  # fmt: skip
        alone = input.ndim == 1
        x = input.unsqueeze(0) if alone else input
        if hx is None:
            zero = zeros((x.shape[0], self.hidden_size), dtype=x.dtype, device=x.device)
            states = (zero,) * number
        else:
            given = tuple(hx) if isinstance(hx, (tuple, list)) else (hx,)
            states = tuple(h.unsqueeze(0) for h in given) if alone else given
        gates = partial(F.linear, x, self.weight_ih, self.bias_ih)
        new = _stepped(Step(self), gates, states, self.weight_hh, self.bias_hh)
        new = tuple(h.squeeze(0) for h in new) if alone else new
        return new if number > 1 else new[0]

    def extra_repr(self) -> str:
        """Name the sizes and what is not as usual."""
        more = ", bias=False" if not self.bias else ""
        relu = ", nonlinearity=relu" if self.mode == "RNN_RELU" else ""
        return f"{self.input_size}, {self.hidden_size}{more}{relu}"


class RNNCell(_Cell):
    """One step of `RNN`."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        self.__dict__["mode"], self.__dict__["nonlinearity"] = _nonlinear(nonlinearity), nonlinearity
        super().__init__(input_size, hidden_size, bias, device, dtype)


class LSTMCell(_Cell):
    """One step of `LSTM`: it gives the pair (h, c)."""

    mode = "LSTM"


class GRUCell(_Cell):
    """One step of `GRU`."""

    mode = "GRU"


MODULES = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNCell"]
