"""Files of safetensors: a JSON header that says where in the bytes behind it each tensor lies.

In: a dict of tensors. Out: a file; and from a file, the dict. The format is
https://github.com/huggingface/safetensors#format; nothing needs to be installed for it.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch.tensor import Tensor
from ..language import tr

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1", "U64": "<u8",
    "U32": "<u4", "U16": "<u2", "U8": "|u1", "BOOL": "|b1", "C64": "<c8",
}  # fmt: skip
_NAMES = {np.dtype(kind): name for name, kind in _DTYPES.items()}


def write(obj: Any, file: BinaryIO) -> None:
    """Write the file.

    Raises
    ------
    TypeError
        If it is no dict of tensors, or a dtype has no name there.
    """
    tensors: dict[Any, Any] = (
        {name: getattr(t, "array", t) for name, t in obj.items()} if isinstance(obj, dict) else {}
    )
    odd = [
        n for n, a in tensors.items() if not (isinstance(n, str) and arrays.is_typed(a) and a.dtype in _NAMES)
    ]
    if odd or not isinstance(obj, dict):
        raise TypeError(
            tr("safetensors holds one dict of tensors by name, such as model.state_dict(), and not what stands at "
               "{name!r}.", name=odd[0])
            if odd
            else tr("safetensors holds one dict of tensors by name, such as model.state_dict().")
        )  # fmt: skip
    header, parts, end = {}, [], 0
    for name, array in tensors.items():
        data = (
            np.ascontiguousarray(arrays.to_host(array))
            .astype(_DTYPES[_NAMES[array.dtype]], copy=False)
            .tobytes()
        )
        header[name] = {
            "dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [end, end + len(data)],
        }  # fmt: skip
        parts.append(data)
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text + b"".join(parts))


def read(data: bytes, place: Callable[[Any, str], Any]) -> dict[str, Any]:
    """Read the file."""
    start = 8 + int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8:start])
        header.pop("__metadata__", None)
        return {
            name: Tensor.wrap(place(_array(data, start, part), "cpu"), None) for name, part in header.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise pickle.UnpicklingError(tr(
            "this is no safetensors file, or a broken one: {error}.", error=e,
        )) from None  # fmt: skip


def _array(data: bytes, start: int, part: Any) -> Any:
    a, b = part["data_offsets"]
    kind, shape = part["dtype"], part["shape"]
    if kind == "BF16":
        return widened(np.frombuffer(data[start + a : start + b], "<u2")).reshape(shape)
    return np.frombuffer(data[start + a : start + b], _DTYPES[kind]).reshape(shape).copy()


def widened(words: Any) -> Any:
    """Give bfloat16 numbers, which NumPy does not have, as float32: the same numbers."""
    return (words.astype(np.uint32) << np.uint32(16)).view(np.float32)
