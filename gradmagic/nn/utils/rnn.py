"""PyTorch's sequences of different lengths: padded to one tensor, or packed without the padding.

In: a list of sequences, or a padded tensor with the lengths. Out: one tensor, or a `PackedSequence`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...engine.core import arrays
from ...engine.faces.torch.math import OperandError
from ...engine.faces.torch.tensor import Tensor
from ...engine.tape.tracked import raw
from ...functions import as_tensor, full, stack
from ...language import tr


class PackedSequence(NamedTuple):
    """The steps of several sequences, the longest sequence first: all first steps, then all second ones ..."""

    data: Any
    batch_sizes: Any
    sorted_indices: Any = None
    unsorted_indices: Any = None


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:  # fmt: skip
    """Give sequences (length, ...) as one tensor, shorter ones filled up.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.nn.utils.rnn.pad_sequence([gm.tensor([1, 2]), gm.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    several = [as_tensor(s) for s in sequences]
    longest = max(len(s) for s in several)
    made = []
    for s in several:
        rim = [(0, longest - len(s))] if padding_side == "right" else [(longest - len(s), 0)]
        rim += [(0, 0)] * (s.ndim - 1)
        made.append(np.pad(s, rim, constant_values=padding_value))  # type: ignore[call-overload]
    return stack(made, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """Give the sequences that were padded."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [rows[i][:n] for i, n in enumerate(np.asarray(arrays.to_host(raw(lengths))).tolist())]


def _host(value: Any) -> Any:
    return np.asarray(arrays.to_host(raw(value)))


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> Any:
    """Give a padded tensor (length, batch, ...) without its padding.

    Raises
    ------
    OperandError
        If the lengths do not fall, and `enforce_sorted`.
    """
    input, lengths = as_tensor(input), _host(lengths)
    rows = input.transpose(0, 1) if batch_first else input
    order = None
    if enforce_sorted:
        if np.any(np.diff(lengths) > 0):
            raise OperandError(
                "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
                "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement."
            )
    else:
        order = np.argsort(-lengths, kind="stable")
        lengths, rows = lengths[order], rows[:, order]
    if np.any(lengths <= 0):
        raise OperandError(tr(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= "
            "0: leave out empty sequences.",
        ))  # fmt: skip
    sizes = np.sum(np.arange(int(lengths.max()))[:, None] < lengths, axis=1)
    steps, places = np.nonzero(np.arange(len(rows))[:, None] < lengths)
    data = rows[arrays.from_host(steps, input.array), arrays.from_host(places, input.array)]
    indices = [None, None] if order is None else [Tensor.wrap(arrays.from_host(i, input.array), None)
                                                  for i in (order, np.argsort(order))]  # fmt: skip
    return PackedSequence(data, Tensor.wrap(sizes, None), *indices)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, Any]:  # fmt: skip
    """Give a packed sequence padded, and the lengths."""
    sizes, data = _host(sequence.batch_sizes), sequence.data
    lengths = np.sum(np.arange(int(sizes[0])) < sizes[:, None], axis=0)
    steps, places = np.nonzero(np.arange(int(sizes[0])) < sizes[:, None])
    whole = (total_length or len(sizes), int(sizes[0]), *data.shape[1:])
    padded: Any = full(whole, padding_value, dtype=data.dtype, device=data.device)
    at = tuple(arrays.from_host(i, data.array) for i in (steps, places))
    padded = padded.index_put(tuple(Tensor.wrap(i, None) for i in at), data)
    if sequence.unsorted_indices is not None:
        back = _host(sequence.unsorted_indices)
        padded, lengths = padded[:, back], lengths[back]
    return (padded.transpose(0, 1) if batch_first else padded), Tensor.wrap(lengths, None)


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> Any:
    """Give a list of sequences packed."""
    lengths = [len(s) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), np.array(lengths), enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """Give the sequences of a packed one."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))
