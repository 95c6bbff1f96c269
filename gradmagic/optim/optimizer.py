"""What all optimisers share: groups of parameters with their settings, what is kept of each, `zero_grad`.

In: Tensors, or groups of them. Out: `param_groups`, `state`, and a `step` for those who write an optimiser themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..engine.core import arrays
from ..engine.core.handles import RemovableHandle
from ..engine.faces.torch.tensor import Tensor
from ..functions import as_tensor
from ..language import tr


class Optimizer:
    """Groups of parameters, what has collected for each, and `zero_grad`; a subclass adds `step`.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        The tensors to move, or groups `{"params": [...], "lr": ...}` with settings of their own.
    defaults : dict
        The settings of groups that say nothing else.
    """

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError(tr(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                "a Tensor: write [x] for one tensor.",
            ))  # fmt: skip
        groups = list(params)
        if not groups:
            raise ValueError(tr("optimizer got an empty parameter list: give it model.parameters() or [x]."))
        self.defaults = defaults
        self.state: dict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._hooks: dict[str, dict[int, Callable[..., Any]]] = {"pre": {}, "post": {}}
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Move these parameters too.

        Raises
        ------
        TypeError
            If one is no Tensor.
        ValueError
            If one is the result of an operation, whose `.grad` stays None, or stands in another group already.
        """
        params = param_group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        named = [p for p in params if isinstance(p, tuple)]
        if named:
            param_group = {**param_group, "param_names": [name for name, _ in named]}
            params = [p for _, p in named]
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}."
                )
            if not p.is_leaf:
                raise ValueError(tr(
                    "can't optimize a non-leaf Tensor: give the tensor made with requires_grad=True, not "
                    "one computed from it.",
                ))  # fmt: skip
        if {id(p) for p in params} & {id(p) for group in self.param_groups for p in group["params"]}:
            raise ValueError(tr(
                "some parameters appear in more than one parameter group: give each tensor to one group "
                "only.",
            ))  # fmt: skip
        self.param_groups.append({"params": params} | self.defaults | param_group | {"params": params})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, so that the next `backward()` starts from nothing; or set them to 0."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    node = p.node
                    if node is not None:
                        node.grad = None
                    elif p.grad is not None:  # frozen since
                        p.grad = None
                elif p.grad is not None:
                    p.grad = Tensor.wrap(np.zeros_like(p.grad.array), None)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter once; each optimiser says how."""
        raise NotImplementedError(tr(
            "{kind} has no step(): define it, or use one of gm.optim's optimisers.", kind=type(self).__name__,
        ))  # fmt: skip

    # -- saving and loading ----------------------------------------------------------------------------
    def _every(self) -> list[Any]:
        return [p for group in self.param_groups for p in group["params"]]

    def state_dict(self) -> dict[str, Any]:
        """Give the settings and what has collected, by the numbers of the parameters."""
        number = {id(p): i for i, p in enumerate(self._every())}
        groups = [
            {**{k: v for k, v in g.items() if k != "params"}, "params": [number[id(p)] for p in g["params"]]}
            for g in self.param_groups
        ]
        state = {number[id(p)]: _saved(kept) for p, kept in self.state.items() if id(p) in number}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` gave, also that of a PyTorch optimiser.

        Raises
        ------
        ValueError
            If the groups are not as many, or not as long.
        """
        saved, every = state_dict["param_groups"], self._every()
        if len(saved) != len(self.param_groups):
            raise ValueError(tr(
                "loaded state dict has a different number of parameter groups: {saved}, not {here}. Make "
                "the optimizer with the groups that were saved.",
                saved=len(saved), here=len(self.param_groups),
            ))  # fmt: skip
        if any(len(s["params"]) != len(g["params"]) for s, g in zip(saved, self.param_groups, strict=True)):
            raise ValueError(tr(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                "group: make the optimizer with the parameters that were saved.",
            ))  # fmt: skip
        order = [i for group in saved for i in group["params"]]
        of = dict(zip(order, every, strict=True))
        self.state = defaultdict(dict)
        for i, kept in state_dict["state"].items():
            self.state[of[i]] = {k: _loaded(k, v, of[i].array) for k, v in kept.items()}
        for group, s in zip(self.param_groups, saved, strict=True):
            group.update({k: v for k, v in s.items() if k != "params"})

    # -- hooks and printing ----------------------------------------------------------------------------
    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Any:
        """Call `hook(optimizer, args, kwargs)` before every step. The handle's `remove()` takes it away."""
        return RemovableHandle(self._hooks["pre"], hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Any:
        """Call `hook(optimizer, args, kwargs)` after every step. The handle's `remove()` takes it away."""
        return RemovableHandle(self._hooks["post"], hook)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [*([""] if i else []), f"Parameter Group {i}"]
            lines += [f"    {k}: {group[k]}" for k in sorted(group) if k not in ("params", "param_names")]
        return "\n".join([*lines, ")"])


def _saved(kept: dict[str, Any]) -> dict[str, Any]:
    """Give what has collected for one parameter; on a device, where steps write it in place, copies."""
    made = {}
    for k, v in kept.items():
        if isinstance(v, Tensor):
            v = Tensor.wrap(np.copy(v.array) if arrays.on_device(v.array) else v.array, None)
        made[k] = as_tensor(np.asarray(v, np.float32)) if k == "step" and isinstance(v, int) else v
    return made


def _loaded(name: str, value: Any, beside: Any) -> Any:
    if name == "step" and np.ndim(getattr(value, "array", 0)) == 0:
        return int(value)
    if name == "mu_product":
        return float(value)
    if isinstance(value, Tensor) or arrays.is_array(value):
        array = arrays.beside(getattr(value, "array", value), beside)
        return Tensor.wrap(np.copy(array) if arrays.on_device(array) else array, None)
    return value
