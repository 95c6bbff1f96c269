"""PyTorch's generators of random numbers: `gm.manual_seed(0)`, `gm.Generator().manual_seed(0)`, `gm.get_rng_state()`.

In: a seed, or a state. Out: where the streams of core/generator.py are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ....language import mark, tr
from ...core import arrays
from ...core.generator import Stream, chance, stream
from ...tape.tracked import raw
from . import draws
from .dtypes import Device
from .tensor import Tensor


class Generator:
    """A stream of random numbers of one's own: `gm.rand(3, generator=g)`.

    Its numbers are PyTorch's of the CPU, whatever `device` it is made for.

    Examples
    --------
    >>> import gradmagic as gm
    >>> g = gm.Generator().manual_seed(0)
    >>> gm.rand(2, generator=g)
    tensor([0.4963, 0.7682])
    """

    def __init__(self, device: Any = "cpu") -> None:
        arrays.to_device(np.zeros(0), device)  # says what a device that is not there needs
        self._device, self._stream = Device(str(device)), Stream() if type(self) is Generator else None

    @property
    def stream(self) -> Stream:
        """The numbers themselves, as arrays."""
        assert self._stream is not None
        return self._stream

    @property
    def device(self) -> Device:
        """The device that it was made for."""
        return self._device

    def manual_seed(self, seed: Any) -> Generator:
        """Begin anew with this seed: a whole number of 64 bits, negative ones too.

        Raises
        ------
        ValueError
            If it has more bits.
        """
        value = int(seed)
        if not -(2**63) <= value < 2**64:
            raise ValueError(tr(
                "Overflow when unpacking long long: a seed has 64 bits, and {value} has more.", value=value,
            ))  # fmt: skip
        self.stream.start(value)
        return self

    def seed(self) -> int:
        """Begin anew with a seed from the machine's entropy, and give it."""
        self.stream.start(found := chance())
        return found

    def initial_seed(self) -> int:
        """Give the seed that it began with."""
        return self.stream.seed

    def get_state(self) -> Tensor:
        """Give where it is: a tensor of 5,056 bytes, laid out as PyTorch's."""
        return Tensor.wrap(self.stream.state(), None)

    def set_state(self, new_state: Any) -> Generator:
        """Go on from where a state was taken.

        Raises
        ------
        TypeError
            If the state is no tensor of bytes.
        RuntimeError
            If it is none of a generator of the CPU.
        """
        state = raw(new_state)
        if getattr(state, "dtype", None) != np.uint8:
            raise TypeError(tr("RNG state must be a torch.ByteTensor: give what get_state() gave."))
        draws.refuse(
            state.size != 5056,
            mark(
                "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size to be {size}: "
                "give what get_state() gave."
            ),
            size=state.size,
        )
        self.stream.go_to(arrays.to_host(state))
        return self

    def clone_state(self) -> Generator:
        """Give another generator that is where this one is."""
        return Generator(self.device).set_state(self.get_state())

    def __reduce__(self) -> Any:
        return _again, (str(self.device), self.stream.state())


class _Common(Generator):
    """The generator that is drawn from if none is named; made at the first draw."""

    @property
    def stream(self) -> Stream:
        return stream()

    def __reduce__(self) -> str:
        return "default_generator"


def _again(device: str, state: Any) -> Generator:
    return Generator(device).set_state(state)


default_generator = _Common()


def manual_seed(seed: Any) -> Generator:
    """Start the random numbers anew: those of PyTorch on a CPU after the same seed. NumPy's own are not touched.

    Examples
    --------
    >>> import gradmagic as gm
    >>> _ = gm.manual_seed(0)
    >>> gm.randn(3)
    tensor([ 1.5410, -0.2934, -2.1788])
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Start the random numbers anew with a seed from the machine's entropy, and give it."""
    return default_generator.seed()


def initial_seed() -> int:
    """Give the seed that the random numbers began with."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Give where the random numbers are, for `set_rng_state`."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Let the random numbers go on from where `get_rng_state` was called."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, **_: Any) -> Iterator[None]:
    """Draw within as one likes: afterwards the random numbers go on as if nothing had been drawn."""
    before = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(before)
