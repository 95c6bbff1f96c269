"""Modules that are a function with settings: activations, losses, dropouts, rearranging. One table, a row for each.

In: settings, in PyTorch's order and with its defaults. Out: modules whose call is the function in functional.py.
"""

from __future__ import annotations

from typing import Any

from ..language import tr
from . import functional as F
from .distances import old_words
from .modules import Module


class FunctionModule(Module):
    """A function with its settings; `_row` is what the table says of it."""

    _function: str
    _settings: dict[str, Any]
    _shown: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        name, settings = type(self).__name__, self._settings
        given = dict(zip(settings, args, strict=False)) | kwargs
        unknown = set(given) - set(settings)
        if unknown or len(args) > len(settings):
            known = ", ".join(settings) or tr("none")
            raise TypeError(
                tr("{kind}.__init__() got an unexpected keyword argument {unknown!r}: its settings are {settings}.",
                   kind=name, unknown=min(unknown), settings=known)
                if unknown
                else tr("{kind}.__init__() got {n} settings: its settings are {settings}.",
                        kind=name, n=len(args), settings=known)
            )  # fmt: skip
        made = settings | given
        if missing := [k for k, v in made.items() if v is REQUIRED]:
            raise TypeError(f"{name}.__init__() missing 1 required positional argument: {missing[0]!r}")
        if "reduction" in made:
            old = made.pop("size_average", None), made.pop("reduce", None)
            made["reduction"] = old_words(*old, made["reduction"])
        if "Dropout" in name and not 0 <= made["p"] <= 1:
            raise ValueError(tr(
                "dropout probability has to be between 0 and 1, but got {p}: write the part that is dropped.",
                p=made["p"],
            ))  # fmt: skip
        for k, v in made.items():
            if k in ("weight", "pos_weight"):
                self.register_buffer(k, v)
            else:
                setattr(self, k, v)
        self._names = tuple(made)

    def forward(self, *inputs: Any) -> Any:
        """Call the function."""
        words = {k: getattr(self, k) for k in self._names}
        if "inplace" in words and not words["inplace"]:
            del words["inplace"]
        if self._function in _TRAINING:
            words["training"] = self.training
        return getattr(F, self._function)(*inputs, **words)

    def extra_repr(self) -> str:
        """Name the settings that PyTorch names."""
        parts = [self._shown.format(**{k: getattr(self, k) for k in self._names})] if self._shown else []
        if getattr(self, "inplace", False) and "inplace" not in self._shown:
            parts.append("inplace=True")
        return ", ".join(parts)


REQUIRED = object()
_TRAINING = {
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "rrelu",
}  # fmt: skip


def _table(rows: dict[str, tuple[str, dict[str, Any], str]], named: dict[str, Any]) -> list[str]:
    for name, (function, settings, shown) in rows.items():
        body = {"_function": function, "_settings": settings, "_shown": shown, "__module__": __name__,
                "__doc__": f"`F.{function}` as a module."}  # fmt: skip
        named[name] = type(name, (FunctionModule,), body)
    return list(rows)


def _loss(
    function: str, *before: Any, after: dict[str, Any] | None = None
) -> tuple[str, dict[str, Any], str]:
    """Give the row of a loss: settings before PyTorch's old words, those words, the reduction, settings after it."""
    first: dict[str, Any] = {}
    for b in before:
        first |= b
    if "ignore_index" in first:  # it stands between the old words
        words = {"weight": None, "size_average": None, "ignore_index": -100, "reduce": None}
    else:
        words = first | {"size_average": None, "reduce": None}
    return function, words | {"reduction": "mean"} | (after or {}), ""


_IN: dict[str, Any] = {"inplace": False}
_DROP: dict[str, Any] = {"p": 0.5, "inplace": False}
_W: dict[str, Any] = {"weight": None}
_PLAIN = {"reduction": "mean"}
_ROWS: dict[str, tuple[str, dict[str, Any], str]] = {
    # activations
    "CELU": ("celu", {"alpha": 1.0} | _IN, "alpha={alpha}"), "ELU": ("elu", {"alpha": 1.0} | _IN, "alpha={alpha}"),
    "GELU": ("gelu", {"approximate": "none"}, "approximate={approximate!r}"), "GLU": ("glu", {"dim": -1}, "dim={dim}"),
    "Hardshrink": ("hardshrink", {"lambd": 0.5}, "{lambd}"), "Hardsigmoid": ("hardsigmoid", _IN, ""),
    "Hardswish": ("hardswish", _IN, ""),
    "Hardtanh": ("hardtanh", {"min_val": -1.0, "max_val": 1.0} | _IN, "min_val={min_val}, max_val={max_val}"),
    "LeakyReLU": ("leaky_relu", {"negative_slope": 0.01} | _IN, "negative_slope={negative_slope}"),
    "LogSigmoid": ("logsigmoid", {}, ""), "LogSoftmax": ("log_softmax", {"dim": None}, "dim={dim}"),
    "Mish": ("mish", _IN, ""),
    "RReLU": ("rrelu", {"lower": 1 / 8, "upper": 1 / 3} | _IN, "lower={lower}, upper={upper}"),
    "ReLU": ("relu", _IN, ""), "ReLU6": ("relu6", _IN, ""), "SELU": ("selu", _IN, ""), "SiLU": ("silu", _IN, ""),
    "Sigmoid": ("sigmoid", {}, ""), "Softmax": ("softmax", {"dim": None}, "dim={dim}"),
    "Softmin": ("softmin", {"dim": None}, "dim={dim}"),
    "Softplus": ("softplus", {"beta": 1.0, "threshold": 20.0}, "beta={beta}, threshold={threshold}"),
    "Softshrink": ("softshrink", {"lambd": 0.5}, "{lambd}"), "Softsign": ("softsign", {}, ""),
    "Tanh": ("tanh", {}, ""), "Tanhshrink": ("tanhshrink", {}, ""),
    "Threshold": ("threshold", {"threshold": REQUIRED, "value": REQUIRED} | _IN,
                  "threshold={threshold}, value={value}"),
    # dropouts
    **{f"Dropout{n}": (f"dropout{n}", _DROP, "p={p}, inplace={inplace}") for n in ("", "1d", "2d", "3d")},
    "AlphaDropout": ("alpha_dropout", _DROP, "p={p}, inplace={inplace}"),
    "FeatureAlphaDropout": ("feature_alpha_dropout", _DROP, "p={p}, inplace={inplace}"),
    # rearranging
    "ChannelShuffle": ("channel_shuffle", {"groups": REQUIRED}, "groups={groups}"),
    "PixelShuffle": ("pixel_shuffle", {"upscale_factor": REQUIRED}, "upscale_factor={upscale_factor}"),
    "PixelUnshuffle": ("pixel_unshuffle", {"downscale_factor": REQUIRED}, "downscale_factor={downscale_factor}"),
    "LocalResponseNorm": ("local_response_norm", {"size": REQUIRED, "alpha": 1e-4, "beta": 0.75, "k": 1.0},
                          "{size}, alpha={alpha}, beta={beta}, k={k}"),
    # losses
    "BCELoss": _loss("binary_cross_entropy", _W),
    "BCEWithLogitsLoss": _loss("binary_cross_entropy_with_logits", _W, after={"pos_weight": None}),
    "CosineEmbeddingLoss": _loss("cosine_embedding_loss", {"margin": 0.0}),
    "CrossEntropyLoss": _loss("cross_entropy", _W, {"ignore_index": -100}, after={"label_smoothing": 0.0}),
    "GaussianNLLLoss": ("gaussian_nll_loss", {"full": False, "eps": 1e-6} | _PLAIN, ""),
    "HingeEmbeddingLoss": _loss("hinge_embedding_loss", {"margin": 1.0}),
    "HuberLoss": ("huber_loss", _PLAIN | {"delta": 1.0}, ""),
    "KLDivLoss": _loss("kl_div", after={"log_target": False}), "L1Loss": _loss("l1_loss"), "MSELoss": _loss("mse_loss"),
    "MarginRankingLoss": _loss("margin_ranking_loss", {"margin": 0.0}),
    "MultiLabelMarginLoss": _loss("multilabel_margin_loss"),
    "MultiLabelSoftMarginLoss": _loss("multilabel_soft_margin_loss", _W),
    "MultiMarginLoss": _loss("multi_margin_loss", {"p": 1, "margin": 1.0, "weight": None}),
    "NLLLoss": _loss("nll_loss", _W, {"ignore_index": -100}),
    "PoissonNLLLoss": ("poisson_nll_loss", {"log_input": True, "full": False, "size_average": None, "eps": 1e-8,
                                            "reduce": None} | _PLAIN, ""),
    "SmoothL1Loss": _loss("smooth_l1_loss", after={"beta": 1.0}), "SoftMarginLoss": _loss("soft_margin_loss"),
    "TripletMarginLoss": ("triplet_margin_loss", {"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False,
                                                  "size_average": None, "reduce": None} | _PLAIN, ""),
    "TripletMarginWithDistanceLoss": ("triplet_margin_with_distance_loss", {"distance_function": None, "margin": 1.0,
                                                                            "swap": False} | _PLAIN, ""),
}  # fmt: skip
MODULES = _table(_ROWS, globals())


class Softmax2d(Module):
    """`F.softmax` over the channels of images."""

    def forward(self, input: Any) -> Any:
        """Give shares that sum to 1 in every place."""
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.ndim}D instead")
        return F.softmax(input, -3)


MODULES.append("Softmax2d")
