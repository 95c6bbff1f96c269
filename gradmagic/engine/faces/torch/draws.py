"""PyTorch's methods that fill a tensor with random numbers: `t.uniform_(-1, 1)`, `t.normal_()`, `t.random_(10)`.

In: a tensor, and the settings of a distribution. Out: the tensor, filled in the order of its memory, as PyTorch does:
the numbers depend on how it is laid out, not on where it lives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....language import mark, tr
from ...core import arrays, rejection
from ...core.generator import Stream, narrowed, stream
from .dtypes import SPOKEN


def stream_of(generator: Any) -> Stream:
    """Give the stream of a Generator; the common one for None."""
    if generator is None:
        return stream()
    found = getattr(generator, "stream", None)
    if not isinstance(found, Stream):
        raise TypeError(tr(
            "argument 'generator' must be Generator, not {kind}: write gm.Generator().",
            kind=type(generator).__name__,
        ))  # fmt: skip
    return found


def _layout(like: Any) -> tuple[tuple[int, ...], list[int] | None]:
    """Give the shape of `like`, and its axes in the order of its memory; None for NumPy's usual order."""
    shape = np.shape(like)
    if not shape or like.flags.c_contiguous:
        return shape, None
    return shape, sorted(range(len(shape)), key=lambda d: -abs(like.strides[d]))


def _as_laid_out(flat: Any, shape: tuple[int, ...], order: list[int] | None) -> Any:
    """Give numbers in a shape, one after the other in the order of memory."""
    if order is None:
        return flat.reshape(shape)
    return flat.reshape([shape[d] for d in order]).transpose(np.argsort(order).tolist())


def drawn(like: Any, draw: Callable[[Stream, int], Any], generator: Any = None) -> Any:
    """Fill an array of the shape, the order in memory and the device of `like` with what `draw(stream, n)` gives."""
    source, n = stream_of(generator), int(np.size(like))
    shape, order = _layout(like)
    make = lambda: _as_laid_out(draw(source, n), shape, order)
    now = arrays.RECORDING.get()
    return arrays.from_host(make(), like) if now is None else now.draw(make)


def beside(array: Any, dtype: Any = None) -> Any:
    """Give an array of the host, not filled, as `array` is laid out."""
    flat = np.empty(int(np.size(array)), array.dtype if dtype is None else np.dtype(dtype))
    return _as_laid_out(flat, *_layout(array))


def of_floats(kernel: str, dtype: Any, draw: Callable[[Any], Any]) -> Any:
    """Draw numbers with a fraction: `draw(dtype, per entry)`; a complex one is two of them.

    Raises
    ------
    NotImplementedError
        If the dtype has no fraction.
    """
    if dtype.kind not in "fc":
        raise NotImplementedError(tr(
            '"{kernel}" not implemented for {dtype!r}: draw into a float tensor, or write randint for whole '
            "numbers.", kernel=kernel, dtype=SPOKEN.get(dtype.name, dtype.name),
        ))  # fmt: skip
    if dtype.kind == "f":
        return draw(dtype)
    return lambda s, n: draw(np.dtype(f"f{dtype.itemsize // 2}"))(s, 2 * n).view(dtype)


def refuse(wrong: bool, sentence: str, /, **fields: Any) -> None:
    """Raise PyTorch's RuntimeError if `wrong`, saying `sentence`."""
    if wrong:
        raise RuntimeError(tr(sentence, **fields))


def uniform(like: Any, low: float = 0.0, high: float = 1.0, generator: Any = None) -> Any:
    """Draw evenly from `low` up to but not including `high`."""
    draw = of_floats(
        "check_uniform_bounds", like.dtype, lambda kind: lambda s, n: s.uniform(n, kind, low, high)
    )
    refuse(
        low > high,
        mark(
            "uniform_ expects to return a [from, to) range, but found from={low} > to={high}: exchange the two."
        ),
        low=low,
        high=high,
    )
    return drawn(like, draw, generator)


def normal(like: Any, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Any:
    """Draw from a normal distribution; of a complex one `std` is that of both parts together."""
    together = not np.ndim(like) or bool(like.flags.c_contiguous)
    part = std / 2**0.5 if like.dtype.kind == "c" else std
    refuse(
        std < 0, mark("normal expects std >= 0.0, but found std {std}: a deviation is not negative."), std=std
    )
    draw = of_floats(
        "normal_kernel_cpu", like.dtype, lambda kind: lambda s, n: s.normal(n, kind, mean, part, together)
    )
    return drawn(like, draw, generator)


_LONG = (-(2**63), 2**63 - 1)


def whole(like: Any, *bounds: Any, low: Any = None, high: Any = None, generator: Any = None) -> Any:
    """Draw whole numbers from `low` (0) up to but not including `high`; without the two, whatever the dtype holds."""
    if bounds:
        low, high = (0, *bounds) if len(bounds) == 1 else bounds
    kind = like.dtype
    least, most = (
        _LONG
        if kind.kind == "f"
        else (0, 1)
        if kind.kind == "b"
        else (np.iinfo(kind).min, np.iinfo(kind).max)
    )
    if low is None and high is None:
        return drawn(like, lambda s, n: s.whole_of(n, kind), generator)
    start = 0 if low is None else int(low)
    if high is None:
        high = 2 ** {"e": 11, "f": 24, "d": 53}[kind.char] + 1 if kind.kind == "f" else most + 1
    end = int(high)
    refuse(
        start >= end,
        mark(
            "random_ expects 'from' to be less than 'to', but got from={start} >= to={end}: the end is not drawn "
            "itself."
        ),
        start=start,
        end=end,
    )
    for name, value in (("from", start), ("to - 1", end - 1)):
        refuse(
            not least <= value <= most,
            f"{name} is out of bounds for {_C_NAMES.get(kind.name, kind.name)}: {value}.",
        )
    return drawn(like, lambda s, n: s.whole(n, kind, start, end), generator)


_C_NAMES = {
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long int",
}


def bernoulli(like: Any, p: Any = 0.5, generator: Any = None) -> Any:
    """Draw 1 with probability `p`, a number or an array that broadcasts to `like`, else 0."""
    if arrays.is_typed(p):
        if p.dtype.kind != "f":
            of_floats("bernoulli_tensor_cpu_p_", p.dtype, lambda kind: None)
        chances = np.broadcast_to(arrays.to_host(p), np.shape(like))
        refuse(
            not bool(np.all((chances >= 0) & (chances <= 1))),
            mark(
                "Expected p_in >= 0 && p_in <= 1 to be true, but got false: a probability lies between 0 and 1."
            ),
        )
        kind = chances.dtype
        even = drawn(np.empty_like(arrays.to_host(like)), lambda s, n: s.even(n, kind), generator)
        return arrays.from_host(np.reshape((even < chances).astype(like.dtype), np.shape(like)), like)
    refuse(not 0 <= p <= 1, f"bernoulli_ expects p to be in [0, 1], but got p={p}.")
    kind = like.dtype
    return drawn(like, lambda s, n: s.bernoulli(n, p).astype(kind), generator)


def exponential(like: Any, lambd: float = 1.0, generator: Any = None) -> Any:
    """Draw waiting times of rate `lambd`."""
    _continuous("Exponential", like.dtype)
    refuse(lambd <= 0, f"exponential_ expects lambda > 0.0, but found lambda={lambd}.")
    kind = like.dtype
    return drawn(like, lambda s, n: narrowed(s.exponential(n, lambd), kind), generator)


def cauchy(like: Any, median: float = 0.0, sigma: float = 1.0, generator: Any = None) -> Any:
    """Draw from the Cauchy distribution."""
    _continuous("Cauchy", like.dtype)
    refuse(sigma <= 0, f"cauchy_ expects sigma > 0.0, but found sigma={sigma}.")
    kind = like.dtype
    return drawn(like, lambda s, n: narrowed(s.cauchy(n, median, sigma), kind), generator)


def _continuous(name: str, dtype: Any) -> None:
    spoken = SPOKEN.get(dtype.name, dtype.name)
    refuse(
        dtype.kind != "f",
        f"{name} distribution is a continuous probability distribution. "
        f"dtype must be a floating point but you specified {spoken}",
    )


def log_normal(like: Any, mean: float = 1.0, std: float = 2.0, generator: Any = None) -> Any:
    """Draw numbers whose logarithms are normal."""
    of_floats("log_normal_cpu", like.dtype, lambda kind: None)
    refuse(std <= 0, f"log_normal_ expects std > 0.0, but found std={std}.")
    kind = like.dtype
    one_by_one = lambda s, n: narrowed(np.exp(s.normal(n, np.float64, mean, std, False)), kind)
    return drawn(like, one_by_one, generator)


def geometric(like: Any, p: float, generator: Any = None) -> Any:
    """Draw how many trials of probability `p` it takes until the first succeeds."""
    refuse(not 0 < p < 1, f"geometric_ expects p to be in (0, 1), but got p={p}.")
    kind = like.dtype
    return drawn(like, lambda s, n: narrowed(s.geometric(n, p), kind), generator)


def poisson(input: Any, generator: Any = None) -> Any:
    """Draw counts of events with these rates."""
    of_floats("poisson_cpu", input.dtype, lambda kind: None)
    rates = np.asarray(arrays.to_host(input))
    refuse(
        bool(np.any(rates < 0)),
        mark("invalid Poisson rate, expected rate to be non-negative: a rate is 0 or more."),
    )
    return _one_by_one(rejection.poisson, generator, rates)


def binomial(count: Any, prob: Any, generator: Any = None) -> Any:
    """Draw how many of `count` trials of probability `prob` succeed."""
    n, p = (np.asarray(arrays.to_host(a)) for a in (count, prob))
    refuse(
        n.dtype.kind != "f" or n.dtype != p.dtype,
        "binomial only supports floating-point dtypes for count and prob.",
    )
    return _one_by_one(rejection.binomial, generator, *np.broadcast_arrays(n, p))


def standard_gamma(input: Any, generator: Any = None) -> Any:
    """Draw from gamma distributions of rate 1 with these shapes."""
    of_floats("gamma_cpu", input.dtype, lambda kind: None)
    made = _one_by_one(rejection.gamma, generator, np.asarray(arrays.to_host(input)))
    return np.maximum(made, np.finfo(made.dtype).tiny)


def _one_by_one(draw: Callable[..., Any], generator: Any, *parameters: Any) -> Any:
    flat = [p.astype(np.float32 if p.dtype.char == "e" else p.dtype).reshape(-1) for p in parameters]
    return narrowed(draw(stream_of(generator), *flat), parameters[0].dtype).reshape(parameters[0].shape)


def multinomial(input: Any, num_samples: int, replacement: bool = False, generator: Any = None) -> Any:
    """Draw numbers of columns with the weights of each row, on the host."""
    weights = np.asarray(arrays.to_host(input))
    _check_weights(weights, num_samples, replacement)
    rows = weights.reshape(-1, weights.shape[-1])
    if replacement and num_samples > 1:
        steps = np.cumsum(rows, axis=1, dtype=rows.dtype)
        steps /= steps[:, -1:]
        steps[:, -1] = 1
        at = stream_of(generator).even(len(rows) * num_samples).reshape(len(rows), -1)
        made = np.stack([np.searchsorted(step.astype(float), u) for step, u in zip(steps, at, strict=True)])
    else:  # a race of clocks whose rates are the weights: the first to ring
        with np.errstate(divide="ignore", invalid="ignore"):
            early = (weights / exponential(beside(weights), generator=generator)).reshape(rows.shape)
        made = np.argmax(early, 1)[:, None] if num_samples == 1 else np.argsort(-early, 1, kind="stable")
    return made[:, :num_samples].astype(np.int64).reshape(*weights.shape[:-1], num_samples)


def _check_weights(weights: Any, n: int, replacement: bool) -> None:
    refuse(
        weights.dtype.kind != "f",
        f"multinomial only supports floating-point dtypes for input, got: {weights.dtype}.",
    )
    refuse(
        weights.ndim not in (1, 2),
        mark("prob_dist must be 1 or 2 dim: one row of weights, or one for each draw."),
    )
    refuse(n <= 0, mark("cannot sample n_sample <= 0 samples: ask for one at least."))
    refuse(
        not replacement and n > weights.shape[-1],
        mark(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement: write replacement=True."
        ),
    )
    odd = (
        "invalid multinomial distribution (encountering probability entry < 0)"
        if replacement and n > 1
        else None
    )
    refuse(
        not bool(np.all((weights >= 0) & np.isfinite(weights))),
        odd
        or mark(
            "probability tensor contains either `inf`, `nan` or element < 0: weights are finite and not negative."
        ),
    )
    refuse(
        bool(np.any(np.sum(weights, -1) <= 0)),
        mark(
            "invalid multinomial distribution (sum of probabilities <= 0): one weight at least is positive."
        ),
    )


def _method(name: str, fill: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, generator: Any = None, **kwargs: Any) -> Any:
        words = {_WORDS.get(k, k): v for k, v in kwargs.items()}
        values = [getattr(a, "array", a) for a in args]
        return self.assign(Ellipsis, fill(self.array, *values, generator=generator, **words))

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"As `torch.Tensor.{name}`. {fill.__doc__}"
    return method


_WORDS = {"from": "low", "from_": "low", "to": "high", "a": "low", "b": "high"}
_FILLS: dict[str, Callable[..., Any]] = {
    "uniform_": uniform, "normal_": normal, "random_": whole, "bernoulli_": bernoulli, "exponential_": exponential,
    "cauchy_": cauchy, "log_normal_": log_normal, "geometric_": geometric,
}  # fmt: skip
METHODS: dict[str, Callable[..., Any]] = {name: _method(name, fill) for name, fill in _FILLS.items()}


def _new(name: str, made: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self.wrap(arrays.from_host(made(self.array, *args, **kwargs), self.array), None)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"As `torch.Tensor.{name}`. {made.__doc__}"
    return method


def chances(array: Any, p: Any = None, generator: Any = None) -> Any:
    """Draw 1 with the probability that each entry says, or with `p` everywhere, else 0."""
    return bernoulli(np.empty(np.shape(array), array.dtype), array if p is None else p, generator)


METHODS |= {"bernoulli": _new("bernoulli", chances), "multinomial": _new("multinomial", multinomial)}
