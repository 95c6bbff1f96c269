"""Saving and loading: which kind of file it is, and where tensors go.

In: an object and a path, or a file opened for bytes. Out: a file, or the object.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO

from ..engine.core import arrays
from ..engine.faces.torch.dtypes import Device
from ..engine.faces.torch.tensor import Tensor
from ..errors import DeviceError, GradmagicError
from ..language import tr
from . import own, pytorch, safetensors

_WRITERS: dict[str, Callable[[Any, BinaryIO], None]] = {
    "gradmagic": own.write, "safetensors": safetensors.write, "pytorch": pytorch.write,
}  # fmt: skip


def save(
    obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = 2, *, format: str | None = None
) -> None:
    """Save tensors, state dicts, and what holds them: dicts, lists, tuples, numbers, text.

    Parameters
    ----------
    obj : object
        Anything else (a whole module) is saved too, but only `load(f, weights_only=False)` reads it.
    f : str, path or file
        Where to; a file must be opened for bytes.
    format : str, optional
        "gradmagic" (the default): a zip of arrays that `numpy.load` opens too, and their structure as JSON.
        "safetensors" (the default for names that end in it): a dict of tensors. "pytorch": what `torch.load` reads.

    Raises
    ------
    TypeError
        If the object holds what the format cannot.

    Examples
    --------
    >>> import io
    >>> import gradmagic as gm
    >>> file = io.BytesIO()
    >>> gm.save({"weight": gm.ones(2), "epoch": 3}, file)
    >>> _ = file.seek(0)
    >>> gm.load(file)
    {'weight': tensor([1., 1.]), 'epoch': 3}
    """
    is_path = isinstance(f, (str, os.PathLike))
    if format is None:
        format = "safetensors" if is_path and os.fspath(f).endswith(".safetensors") else "gradmagic"
    if format not in _WRITERS:
        raise ValueError(tr(
            "format={format!r} is unknown: write one of {names}.",
            format=format, names=", ".join(map(repr, _WRITERS)),
        ))  # fmt: skip
    made = io.BytesIO()  # whole before anything is written: a failure leaves the old file as it was
    _WRITERS[format](obj, made)
    if is_path:
        with open(f, "wb") as file:
            file.write(made.getbuffer())
    else:
        f.write(made.getbuffer())


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool = True,
    mmap: Any = None,
) -> Any:
    """Load what `save` has saved, a safetensors file, or tensors and state dicts that PyTorch has saved.

    Nothing in the file is run: of PyTorch's files only tensors, dicts, lists, numbers and text are read.

    Parameters
    ----------
    f : str, path or file
    map_location : str, device, dict or function, optional
        Where tensors go; None: where they were.
    weights_only : bool
        False: also objects that `gm.save` had to pickle. Their code runs: only for files of your own.

    Raises
    ------
    pickle.UnpicklingError
        If the file holds something else, or is no such file.
    DeviceError
        If it holds tensors of a device that is not here, and no `map_location` is given.
    """
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            return load(io.BytesIO(file.read()), map_location, weights_only=weights_only)
    place = _placer(map_location)
    try:
        return _read(f, place, weights_only)
    except (GradmagicError, pickle.UnpicklingError):
        raise
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError, NotImplementedError, struct.error) as e:
        raise pickle.UnpicklingError(tr(
            "the file is broken: {error}. Save it again where it was made, or copy it whole.", error=e,
        )) from e  # fmt: skip


def _read(f: Any, place: Any, weights_only: bool) -> Any:
    """Read a file by what it begins with."""
    start = f.tell()
    head = f.read(9)
    f.seek(start)
    if head[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(f) as archive:
            if own.STRUCTURE in archive.namelist():
                return own.read(archive, place, weights_only)
            if any(name.rpartition("/")[2] == "data.pkl" for name in archive.namelist()):
                return pytorch.read(archive, place)
    elif head[8:9] == b"{":
        return safetensors.read(f.read(), place)
    elif head[:1] == b"\x80":
        return pytorch.read_legacy(f, place)
    raise pickle.UnpicklingError(tr(
        "this is no file of gradmagic's, safetensors' or PyTorch's: load what gm.save or torch.save has "
        "written.",
    ))  # fmt: skip


def _placer(map_location: Any) -> Callable[[Any, str], Any]:
    """Give the function that brings an array to where it belongs, by where it was."""

    def place(array: Any, was: str) -> Any:
        if callable(map_location) and not isinstance(map_location, str):
            moved = map_location(Tensor.wrap(array, None), was)
            to = "cpu" if moved is None else str(moved.device)
        elif isinstance(map_location, dict):
            to = str(map_location.get(was, was))
        else:
            to = was if map_location is None else str(Device(map_location))
        try:
            return arrays.to_device(array, to)
        except DeviceError as e:
            if map_location is not None:
                raise
            raise DeviceError(tr(
                "Attempting to deserialize object on a {device} device but it is not here: write load(f, "
                'map_location="cpu"). {error}', device=to.partition(":")[0].upper(), error=e,
            )) from None  # fmt: skip

    return place
