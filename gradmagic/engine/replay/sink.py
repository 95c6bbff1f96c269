"""What only one choice of a `where` needs, moved to just before it: it is computed where some entry takes that choice.

In: a simplified program. Out: the same steps in another order, and which belong to which `where`. The derivative of
tanh has a formula for where 1 - y * y has lost its digits: most calls never come there.
"""

from __future__ import annotations

import numpy as np

from . import known
from .program import Program, Step

_LEAST = 3  # steps that compute; fewer cost less than the question whether any entry needs them


def sunk(program: Program) -> dict[int, Step]:
    """Move steps in place; give for the number of the first of a group the `where` that it belongs to."""
    steps = program.steps
    if not any(s.op is np.where for s in steps):
        return {}
    users: dict[int, list[Step | None]] = {}
    for step in steps:
        for s in step.needs():
            users.setdefault(id(s), []).append(step)
    for step in program.outputs:
        users.setdefault(id(step), []).append(None)
    groups: dict[int, list[Step]] = {}
    for step in steps:
        if step.op is np.where and step.kind == "call" and len(step.args) == 3:
            group = _only_for(step, users)
            if sum(s.op not in known.VIEWS for s in group.values()) >= _LEAST:
                groups[id(step)] = sorted(group.values(), key=lambda s: s.number)
    # An inner group lies within the outer one that its `where` lies in.
    inside = {id(s) for group in groups.values() for s in group}
    made: list[Step] = []

    def put(step: Step) -> None:
        if group := groups.get(id(step)):
            mine = {id(s) for s in group}
            nested = {id(s) for w in group if id(w) in groups for s in groups[id(w)]}
            for s in group:
                if id(s) in mine - nested:
                    put(s)
        made.append(step)

    for step in steps:
        if id(step) not in inside:
            put(step)
    program.steps = []
    for step in made:
        program.add(step)
    by_id = {id(step): step for step in made}
    return {min(s.number for s in group): by_id[key] for key, group in groups.items()}


def _only_for(where: Step, users: dict[int, list[Step | None]]) -> dict[int, Step]:
    """Give the steps that only the first choice of a `where` needs."""
    found: dict[int, Step] = {}
    first = where.args[1]
    mask = getattr(where.args[0], "dtype", None) == np.bool_
    if type(first) is not Step or not mask or where.args[0] is first or where.args[2] is first:
        return found
    stack = [first]
    while stack:
        step = max(stack, key=lambda s: s.number)  # its users have been looked at
        stack.remove(step)
        alone = all(u is not None and (u is where or id(u) in found) for u in users.get(id(step), [None]))
        if id(step) in found or step.kind != "call" or not alone or not step.pure:
            continue
        if any(s.storage.written for s in step.needs()):
            continue
        found[id(step)] = step
        stack += [s for s in step.needs() if s not in stack]
    if any(id(s) in found for i in (0, 2) for s in [where.args[i]] if type(s) is Step):
        return {}
    return found
