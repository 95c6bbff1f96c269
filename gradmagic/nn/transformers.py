"""PyTorch's transformer: layers of encoder and decoder, stacks of them, and both together (A. Vaswani, 2017)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.faces.torch.defaults import float_dtype
from ..engine.faces.torch.tensor import Tensor
from ..functions import as_tensor
from ..language import tr
from . import functional as F
from . import init
from .attention import MultiheadAttention
from .containers import ModuleList
from .function_modules import FunctionModule
from .layers import Linear
from .modules import Module
from .normalization import LayerNorm

Dropout: Any = next(kind for kind in FunctionModule.__subclasses__() if kind.__name__ == "Dropout")


def _function(activation: Any) -> Callable[[Any], Any]:
    if callable(activation):
        return activation  # type: ignore[no-any-return]
    if activation not in ("relu", "gelu"):
        raise RuntimeError(tr(
            "activation should be relu/gelu, not {activation}: or give a function of your own.",
            activation=activation,
        ))  # fmt: skip
    return getattr(F, activation)  # type: ignore[no-any-return]


class _Layer(Module):
    """What layers of encoder and decoder share: attention and two linear layers, each added to what goes in."""

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1, activation: Any = "relu",
        layer_norm_eps: float = 1e-5, batch_first: bool = False, norm_first: bool = False, bias: bool = True,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        for name in self._attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first))
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias)
        self.norm_first = norm_first
        numbers = range(1, len(self._attentions) + 2)
        for k in numbers:
            setattr(self, f"norm{k}", LayerNorm(d_model, layer_norm_eps, bias=bias))
        for k in numbers:
            setattr(self, f"dropout{k}", Dropout(dropout))
        self.activation = _function(activation)
        if device is not None or dtype is not None:
            self.to(dtype=dtype, device=device)

    _attentions: tuple[str, ...]

    def _added(self, x: Any, k: int, part: Callable[[Any], Any]) -> Any:
        """Give x plus what `part` makes of it, normalised before or after."""
        norm, drop = getattr(self, f"norm{k}"), getattr(self, f"dropout{k}")
        return x + drop(part(norm(x))) if self.norm_first else norm(x + drop(part(x)))

    def _fed(self, x: Any) -> Any:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Attention of a sequence to itself, and two linear layers, each added to what goes in and normalised.

    Parameters
    ----------
    d_model, nhead, dim_feedforward : int
    dropout : float
    activation : {"relu", "gelu"} or function
    layer_norm_eps : float
    batch_first : bool
        (batch, length, size) for (length, batch, size).
    norm_first : bool
        Normalise before attention and linear layers, not after.

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic import nn
    >>> nn.TransformerEncoderLayer(4, 2, 8)(gm.ones(5, 1, 4)).shape
    torch.Size([5, 1, 4])
    """

    _attentions = ("self_attn",)

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Any:  # fmt: skip
        """Give the sequence after attention and linear layers."""
        masks = {"attn_mask": src_mask, "key_padding_mask": src_key_padding_mask, "is_causal": is_causal}
        x = self._added(as_tensor(src), 1, lambda y: self.self_attn(y, y, y, need_weights=False, **masks)[0])
        return self._added(x, 2, self._fed)


class TransformerDecoderLayer(_Layer):
    """Attention of a sequence to itself, then to an encoder's, and two linear layers.

    The settings are those of `TransformerEncoderLayer`.
    """

    _attentions = ("self_attn", "multihead_attn")

    def forward(
        self, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None, tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None, tgt_is_causal: bool = False, memory_is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """Give the sequence after both attentions and linear layers."""
        own = {"attn_mask": tgt_mask, "key_padding_mask": tgt_key_padding_mask, "is_causal": tgt_is_causal}
        other = {
            "attn_mask": memory_mask,
            "key_padding_mask": memory_key_padding_mask,
            "is_causal": memory_is_causal,
        }
        x = self._added(as_tensor(tgt), 1, lambda y: self.self_attn(y, y, y, need_weights=False, **own)[0])
        x = self._added(
            x, 2, lambda y: self.multihead_attn(y, memory, memory, need_weights=False, **other)[0]
        )
        return self._added(x, 3, self._fed)


def _copies(layer: Module, number: int) -> ModuleList:
    return ModuleList([copy.deepcopy(layer) for _ in range(number)])


def _is_triangle(mask: Any) -> bool:
    """Tell whether a mask is the one that hides what comes later."""
    if mask is None or mask.ndim != 2 or mask.shape[0] != mask.shape[1]:
        return False
    return bool((mask == Transformer.generate_square_subsequent_mask(len(mask)).to(mask.device)).all())


class TransformerEncoder(Module):
    """Encoder layers, one after the other: copies of the one that is given."""

    def __init__(
        self, encoder_layer: Any, num_layers: int, norm: Any = None, enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        self.layers, self.num_layers, self.norm = _copies(encoder_layer, num_layers), num_layers, norm

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool | None = None
    ) -> Any:  # fmt: skip
        """Give the sequence after all layers."""
        causal = _is_triangle(mask) if is_causal is None else is_causal
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=causal)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Decoder layers, one after the other: copies of the one that is given."""

    def __init__(self, decoder_layer: Any, num_layers: int, norm: Any = None) -> None:
        super().__init__()
        self.layers, self.num_layers, self.norm = _copies(decoder_layer, num_layers), num_layers, norm

    def forward(
        self, tgt: Any, memory: Any, tgt_mask: Any = None, memory_mask: Any = None, tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None, tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """Give the sequence after all layers."""
        causal = _is_triangle(tgt_mask) if tgt_is_causal is None else tgt_is_causal
        masks = (
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            causal,
            memory_is_causal,
        )
        for layer in self.layers:
            tgt = layer(tgt, memory, *masks)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder and a decoder that looks at what it gives.

    Parameters
    ----------
    d_model, nhead, num_encoder_layers, num_decoder_layers, dim_feedforward : int
    dropout : float
    activation : {"relu", "gelu"} or function
    custom_encoder, custom_decoder : Module, optional
    layer_norm_eps : float
    batch_first, norm_first, bias : bool

    Examples
    --------
    >>> import gradmagic as gm
    >>> from gradmagic import nn
    >>> nn.Transformer(4, 2, 1, 1, 8)(gm.ones(5, 1, 4), gm.ones(3, 1, 4)).shape
    torch.Size([3, 1, 4])
    """

    def __init__(
        self, d_model: int = 512, nhead: int = 8, num_encoder_layers: int = 6, num_decoder_layers: int = 6,
        dim_feedforward: int = 2048, dropout: float = 0.1, activation: Any = "relu", custom_encoder: Any = None,
        custom_decoder: Any = None, layer_norm_eps: float = 1e-5, batch_first: bool = False, norm_first: bool = False,
        bias: bool = True, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        settings = (
            d_model,
            nhead,
            dim_feedforward,
            dropout,
            activation,
            layer_norm_eps,
            batch_first,
            norm_first,
            bias,
        )
        norm = lambda: LayerNorm(d_model, layer_norm_eps, bias=bias)
        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(*settings), num_encoder_layers, norm()
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(*settings), num_decoder_layers, norm()
        )
        for p in self.parameters():
            if p.ndim > 1:
                init.xavier_uniform_(p)
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        if device is not None or dtype is not None:
            self.to(dtype=dtype, device=device)

    def forward(
        self, src: Any, tgt: Any, src_mask: Any = None, tgt_mask: Any = None, memory_mask: Any = None,
        src_key_padding_mask: Any = None, tgt_key_padding_mask: Any = None, memory_key_padding_mask: Any = None,
        src_is_causal: bool | None = None, tgt_is_causal: bool | None = None, memory_is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """Give the decoded sequence."""
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(tr(
                "the feature number of src and tgt must be equal to d_model: the last dims are {src} and "
                "{tgt}, and d_model is {d_model}.",
                src=src.shape[-1], tgt=tgt.shape[-1], d_model=self.d_model,
            ))  # fmt: skip
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        masks = (
            tgt_mask,
            memory_mask,
            tgt_key_padding_mask,
            memory_key_padding_mask,
            tgt_is_causal,
            memory_is_causal,
        )
        return self.decoder(tgt, memory, *masks)

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Any:
        """Give the mask that hides what comes later: -inf above the diagonal, 0 elsewhere."""
        made = Tensor.wrap(np.triu(np.full((sz, sz), -np.inf, np.dtype(dtype or float_dtype())), 1), None)
        return made if device is None else made.to(device)


MODULES = [
    "Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder", "TransformerEncoderLayer",
]  # fmt: skip
