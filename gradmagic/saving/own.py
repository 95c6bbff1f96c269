"""Our own file: a zip of NumPy's arrays, which `numpy.load` opens by their names, and `structure.json`, which says what
holds them.

In: tensors in dicts, lists and the like. Out: a file; and from a file, the same again. Tensors that are one part of
memory stay one. What JSON cannot say is pickled as a whole, and read only when asked for.
"""

from __future__ import annotations

import base64
import json
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch.dtypes import DTYPES, Device, DType, Size
from ..engine.faces.torch.methods import PARAMETERS
from ..engine.faces.torch.tensor import Tensor
from ..language import tr
from ..nn import Parameter

STRUCTURE, _PICKLE = "structure.json", "object.pkl"
_SEQUENCES: dict[str, Callable[[Any], Any]] = {
    "list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "torch.Size": Size,
}  # fmt: skip
_DICTS: dict[str, Callable[[Any], Any]] = {"dict": dict, "OrderedDict": OrderedDict}
_KINDS = {kind: name for name, kind in (_SEQUENCES | _DICTS).items()}


class _Other(Exception):
    """There is something that JSON has no word for."""


def write(obj: Any, file: BinaryIO) -> None:
    """Write the file."""
    kept: dict[Any, tuple[str, Any]] = {}
    try:
        structure: Any = _encode(obj, "", kept)
    except _Other:
        kept, structure = {}, {"pickle": _PICKLE}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(STRUCTURE, json.dumps({"gradmagic": 1, "object": structure}))
        if not kept and structure == {"pickle": _PICKLE}:
            archive.writestr(_PICKLE, _pickled(obj))
        for name, array in kept.values():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as out:
                np.lib.format.write_array(out, np.asanyarray(arrays.to_host(array)), allow_pickle=False)


def _pickled(obj: Any) -> bytes:
    try:
        return pickle.dumps(obj)
    except Exception as e:
        raise TypeError(tr(
            "gm.save: {kind!r} cannot be saved as it is ({error}): save model.state_dict(), or dicts and "
            "lists of tensors and numbers.", kind=type(obj).__name__, error=e,
        )) from None  # fmt: skip


def _encode(x: Any, path: str, kept: dict[Any, tuple[str, Any]]) -> Any:
    kind = type(x)
    if x is None or kind in (bool, int, float, str):
        return x
    if kind is Tensor:
        marks = {"requires_grad": x.requires_grad, "parameter": PARAMETERS.get(id(x)) is x}
        found = {"tensor": _name(x.array, path, kept), "device": str(x.device)}
        return found | {word: True for word, holds in marks.items() if holds}
    if kind is np.ndarray and x.dtype.kind in "biufc":
        return {"array": _name(x, path, kept)}
    if isinstance(x, np.generic) and x.dtype.kind in "biufc":
        return {"scalar": _name(x, path, kept)}
    if kind in (list, tuple, set, frozenset, Size):
        return {_KINDS[kind]: [_encode(v, f"{path}/{i}" if path else str(i), kept) for i, v in enumerate(x)]}
    if kind in (dict, OrderedDict):
        inner = [
            [_encode(k, "", kept), _encode(v, f"{path}/{k}" if path else str(k), kept)] for k, v in x.items()
        ]
        return {_KINDS[kind]: inner}
    if kind is complex:
        return {"complex": [x.real, x.imag]}
    if kind is bytes:
        return {"bytes": base64.b64encode(x).decode()}
    if kind is DType:
        return {"dtype": x.name}
    if kind is Device:
        return {"device": str(x)}
    raise _Other


def _name(array: Any, path: str, kept: dict[Any, tuple[str, Any]]) -> str:
    """Give the name that an array is kept under; what is the same part of memory is kept once."""
    if isinstance(array, np.ndarray) and array.size:
        key: Any = (arrays.address(array), array.shape, array.strides, array.dtype.str)
    else:
        key = len(kept)
    taken = {name for name, _ in kept.values()}
    name = path or "value"
    while name in taken:
        name += "_"
    return kept.setdefault(key, (name, array))[0]


def read(archive: zipfile.ZipFile, place: Callable[[Any, str], Any], weights_only: bool) -> Any:
    """Read the file."""
    structure = json.loads(archive.read(STRUCTURE))["object"]
    if isinstance(structure, dict) and structure.get("pickle") == _PICKLE:
        if weights_only:
            raise pickle.UnpicklingError(tr(
                "Weights only load failed. The file holds a whole Python object, whose code would run: if "
                "it is your own, write load(f, weights_only=False); better, save model.state_dict().",
            ))  # fmt: skip
        return pickle.loads(archive.read(_PICKLE))
    made: dict[str, Any] = {}

    def array(name: str) -> Any:
        if name not in made:
            with archive.open(f"{name}.npy") as file:
                made[name] = np.lib.format.read_array(file, allow_pickle=False)
        return made[name]

    def decode(x: Any) -> Any:
        if not isinstance(x, dict):
            return x
        word, value = next(iter(x.items()))
        if word == "tensor":
            kept = place(array(value), x["device"])
            kept = kept if kept.ndim else kept[()]  # NumPy scalars inside: see Tracked
            wanted = bool(x.get("requires_grad"))
            if x.get("parameter"):
                return Parameter(Tensor.wrap(kept, None), wanted)
            return Tensor.wrap(kept, None).requires_grad_(wanted)
        if word in _SEQUENCES:
            return _SEQUENCES[word]([decode(v) for v in value])
        if word in _DICTS:
            return _DICTS[word]([(decode(k), decode(v)) for k, v in value])
        return _VALUES[word](array(value) if word in ("array", "scalar") else value)

    return decode(structure)


_VALUES: dict[str, Callable[[Any], Any]] = {
    "array": lambda a: a, "scalar": lambda a: a[()], "complex": lambda v: complex(*v), "bytes": base64.b64decode,
    "dtype": DTYPES.__getitem__, "device": Device,
}  # fmt: skip
