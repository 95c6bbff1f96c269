"""PyTorch's files of tensors and state dicts, read without running them, and written.

In: what `torch.save` has written. Out: tensors in the dicts and lists that held them. The file is a pickle, a program
that may call any function: here it may call the dozen that make tensors and dicts, and no other.
"""

from __future__ import annotations

import math
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO, ClassVar

import numpy as np

from ..engine.core import arrays
from ..engine.faces.torch.dtypes import DTYPES, Device, DType, Size
from ..engine.faces.torch.methods import PARAMETERS
from ..engine.faces.torch.tensor import Tensor
from ..language import tr
from ..nn import Parameter
from .safetensors import widened

_STORAGES = {
    "DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "LongStorage": "i8", "IntStorage": "i4",
    "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?", "ComplexFloatStorage": "c8",
    "ComplexDoubleStorage": "c16", "UntypedStorage": "u1", "BFloat16Storage": "bfloat16",
}  # fmt: skip
_NAMES = {np.dtype(kind): name for name, kind in _STORAGES.items() if kind not in ("u1", "bfloat16")}
_NAMES[np.dtype("u1")] = "ByteStorage"


class Storage:
    """The memory of some tensors: a flat array on the device where it belongs."""

    def __init__(self, array: Any) -> None:
        self.array = array


def _tensor(
    storage: Any, offset: int, size: Any, stride: Any, requires_grad: bool = False, *_: Any
) -> Tensor:
    flat = storage.array
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if min((offset, *size, *stride)) < 0 or (math.prod(size) and last >= flat.size):
        raise pickle.UnpicklingError(tr("a tensor lies outside of its memory: the file is broken."))
    if flat.size == 0 or not math.prod(size):
        view = flat[:0].reshape(size)
    else:
        steps = tuple(s * flat.dtype.itemsize for s in stride)
        view = arrays.module_of(flat).lib.stride_tricks.as_strided(flat[offset:], tuple(size), steps)
    return Tensor.wrap(view if view.ndim else view[()], None).requires_grad_(bool(requires_grad))


def _tensor_of(
    storage: Any, offset: int, size: Any, stride: Any, requires_grad: bool, hooks: Any, dtype: Any, *_: Any
) -> Tensor:  # fmt: skip
    return _tensor(Storage(storage.array.view(np.dtype(dtype))), offset, size, stride, requires_grad)


_MAY: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict, ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor, ("torch._utils", "_rebuild_tensor_v3"): _tensor_of,
    ("torch._utils", "_rebuild_parameter"): lambda data, requires_grad=True, *_: Parameter(data, requires_grad),
    ("torch", "Size"): Size, ("torch", "device"): Device, ("torch.nn.parameter", "Parameter"): Parameter,
    **{("torch", name): kind for name, kind in _STORAGES.items()},
    ("torch.storage", "UntypedStorage"): "u1", **{("torch", name): dtype for name, dtype in DTYPES.items()},
    **{(module, name): kind for module in ("builtins", "__builtin__")
       for name, kind in {"set": set, "frozenset": frozenset, "complex": complex}.items()},
}  # fmt: skip


class _Reader(pickle._Unpickler):  # the one in Python, whose steps can be forbidden
    """A reader that calls only what stands in the table, and gives attributes to nothing but an OrderedDict."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: Any, storage: Callable[..., Storage]) -> None:
        super().__init__(file, encoding="utf-8")
        self._storage, self._kept = storage, dict[str, Storage]()

    def load_build(self) -> None:
        if type(self.stack[-2]) is not OrderedDict or not isinstance(self.stack[-1], dict):  # type: ignore[attr-defined]
            raise pickle.UnpicklingError(tr(
                "Weights only load failed. The file sets attributes of what is no OrderedDict: gradmagic "
                "reads tensors, dicts, lists and numbers only.",
            ))  # fmt: skip
        super().load_build()  # type: ignore[misc]

    dispatch[pickle.BUILD[0]] = load_build

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _MAY:
            raise pickle.UnpicklingError(tr(
                "Weights only load failed. The file asks for {module}.{name}, and gradmagic reads tensors, "
                "dicts, lists and numbers only: write torch.save(model.state_dict(), f) where it is made.",
                module=module, name=name,
            ))  # fmt: skip
        return _MAY[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        _, kind, key, location, size, *_ = pid
        if key not in self._kept:
            self._kept[key] = self._storage(kind, key, location, size)
        return self._kept[key]


def _of_bytes(data: Any, kind: str, order: Any) -> Any:
    if kind == "bfloat16":
        return widened(np.frombuffer(data, f"{order}u2").astype("u2"))
    return np.frombuffer(data, np.dtype(kind).newbyteorder(order)).astype(
        kind
    )  # a copy, of this machine's order


def read(archive: zipfile.ZipFile, place: Callable[[Any, str], Any]) -> Any:
    """Read a file of today's PyTorch: a zip of a pickle and the memory of each storage."""
    (pickled,) = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
    root = pickled.removesuffix("data.pkl")
    names = set(archive.namelist())
    little = f"{root}byteorder" not in names or archive.read(f"{root}byteorder") == b"little"

    def storage(kind: Any, key: str, location: str, size: int) -> Storage:
        data = archive.read(f"{root}data/{key}")
        return Storage(place(_of_bytes(data, kind, "<" if little else ">"), location))

    with archive.open(pickled) as file:
        return _load(_Reader(file, storage))


def _load(reader: _Reader) -> Any:
    try:
        return reader.load()
    except pickle.UnpicklingError:
        raise
    except Exception as e:
        raise pickle.UnpicklingError(tr(
            "the file is broken, or holds what gradmagic does not read: {error}.", error=e,
        )) from None  # fmt: skip


_MAGIC = 0x1950A86A20F9469CFC6C


def read_legacy(file: Any, place: Callable[[Any, str], Any]) -> Any:
    """Read a file of PyTorch before 1.6: pickles one after the other, then the memory of each storage."""
    kinds: dict[str, tuple[Any, str]] = {}
    filled: dict[str, Storage] = {}

    def storage(kind: Any, key: str, location: str, size: int) -> Storage:
        kinds[key] = kind, location
        return filled[key] if key in filled else Storage(np.zeros(size, "f4" if kind == "bfloat16" else kind))

    def following() -> Any:
        return _load(_Reader(file, storage))

    if following() != _MAGIC or following() != 1001:
        raise pickle.UnpicklingError(tr(
            "this is a pickle, and none of PyTorch's: gradmagic runs no pickles.",
        ))  # fmt: skip
    following()
    start = file.tell()
    following()  # only to know what memory there is: it comes last
    for key in following():
        kind, location = kinds[key]
        (count,) = struct.unpack("<q", file.read(8))
        data = file.read(count * (2 if kind == "bfloat16" else np.dtype(kind).itemsize))
        filled[key] = Storage(place(_of_bytes(data, kind, "<"), location))
    file.seek(start)
    return following()


# ---- writing ------------------------------------------------------------------------------------------------------


def write(obj: Any, file: BinaryIO) -> None:
    """Write what `torch.load` reads: a zip of a pickle and the memory of each tensor.

    Raises
    ------
    TypeError
        If there is something else than tensors, dicts, lists, numbers and text.
    """
    memory: list[Any] = []
    text = b"\x80\x02" + _pickled(obj, memory) + b"."
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", text)
        archive.writestr("archive/byteorder", sys.byteorder)
        for i, array in enumerate(memory):
            archive.writestr(f"archive/data/{i}", np.ascontiguousarray(arrays.to_host(array)).tobytes())
        archive.writestr("archive/version", "3\n")


def _global(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def _pickled(x: Any, memory: list[Any]) -> bytes:
    """Give the opcodes of a pickle (protocol 2) that makes `x` under PyTorch."""

    def several(values: Any) -> bytes:
        return b"(" + b"".join(_pickled(v, memory) for v in values)

    kind = type(x)
    if x is None or kind is bool:
        return {None: b"N", True: b"\x88", False: b"\x89"}[x]
    if kind is int:
        data = x.to_bytes(x.bit_length() // 8 + 1, "little", signed=True)
        return b"\x8a" + bytes([len(data)]) + data
    if kind is float:
        return b"G" + struct.pack(">d", x)
    if kind is str:
        data = x.encode()
        return b"X" + struct.pack("<I", len(data)) + data
    if kind is tuple:
        return several(x) + b"t"
    if kind is Size:
        return _global("torch", "Size") + several([tuple(x)]) + b"tR"
    if kind is list:
        return b"]" + several(x) + b"e"
    if kind in (dict, OrderedDict):
        start = b"}" if kind is dict else _global("collections", "OrderedDict") + b")R"
        return start + several(v for pair in x.items() for v in pair) + b"u"
    if kind is DType:
        return _global("torch", x.name)
    if kind is Tensor and x.array.dtype in _NAMES:
        return _pickled_tensor(x, memory)
    raise TypeError(tr(
        'format="pytorch" holds tensors, dicts, lists, numbers and text, and not {kind!r}: save '
        "model.state_dict().", kind=kind.__name__,
    ))  # fmt: skip


def _pickled_tensor(x: Any, memory: list[Any]) -> bytes:
    array = x.array
    key = next((i for i, old in enumerate(memory) if old is array), len(memory))
    if key == len(memory):
        memory.append(array)
    size = tuple(int(n) for n in array.shape)
    stride = tuple(math.prod(size[i + 1 :]) for i in range(len(size)))
    where = [_pickled(v, memory) for v in (str(key), str(x.device), int(array.size))]
    storage = (
        b"(" + _pickled("storage", memory) + _global("torch", _NAMES[array.dtype]) + b"".join(where) + b"tQ"
    )
    empty = _global("collections", "OrderedDict") + b")R"
    parameter = PARAMETERS.get(id(x)) is x
    inner = b"".join(_pickled(v, memory) for v in (0, size, stride, x.requires_grad and not parameter))
    made = _global("torch._utils", "_rebuild_tensor_v2") + b"(" + storage + inner + empty + b"tR"
    if parameter:
        flag = _pickled(x.requires_grad, memory)
        made = _global("torch._utils", "_rebuild_parameter") + b"(" + made + flag + empty + b"tR"
    return made
