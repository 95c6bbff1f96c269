"""The text of a rule: its formula, read from its own source, and its names in NumPy and in PyTorch.

In: a partial, which is a lambda of the tables, or a NumPy function. Out: strings.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Callable, Mapping
from typing import Any

from ...language import tr


class Words(str):
    """A derivative in words, where it is no formula: English, with the rule's own names, by which rules are told apart.

    In: a sentence, and in its fields the rule's names, or numbers. `said` says it in the reader's language and names.

    Examples
    --------
    >>> found = Words("grad, correlated with {x}", x="x")
    >>> found, found.said({"x": "image"})
    ('grad, correlated with x', 'grad, correlated with image')
    """

    sentence: str
    fields: dict[str, Any]

    def __new__(cls, sentence: str, **fields: Any) -> Words:
        made = super().__new__(cls, sentence.format(**fields))
        made.sentence, made.fields = sentence, fields
        return made

    def said(self, names: Mapping[str, str]) -> str:
        """Say it, with the reader's names in place of the rule's."""
        return tr(self.sentence, **{k: names.get(v, v) if isinstance(v, str) else v for k, v in self.fields.items()})


def body_of(function: Callable[..., Any], of_complex: bool = False) -> str:
    """Give the source text of a lambda's body, exactly, from its code positions; or what it says that it reads as.

    Examples
    --------
    >>> body_of(lambda y, _x: 1 - y*y)
    '1 - y*y'
    """
    if hasattr(function, "text"):
        of = getattr(function, "of_complex", "") if of_complex else ""
        return _for_readers(str(of or function.text))
    code = function.__code__
    spans: list[Any] = [p for p in code.co_positions() if None not in p]
    spans = [p for p in spans if p[0] >= code.co_firstlineno]
    spans = [p for p in spans if (p[2], p[3]) != (0, 0)]
    start, end = min((p[0], p[2]) for p in spans), max((p[1], p[3]) for p in spans)
    lines = linecache.getlines(code.co_filename)[start[0] - 1 : end[0]]
    if not lines:
        return ""
    lines[-1] = lines[-1].encode()[: end[1]].decode()
    lines[0] = lines[0].encode()[start[1] :].decode()
    text = " ".join(line.strip() for line in lines)
    if function.__name__ != "<lambda>":  # a function of several statements is no formula
        only = re.fullmatch(r"return (.*)", text)
        text = only[1] if only and " return " not in text else ""
    return _for_readers(text) if function.__module__.startswith("gradmagic.") else text


def _for_readers(text: str) -> str:
    for computed, read in _READ:
        text = re.sub(computed, read, text)
    return text


# What the code says for speed or for the odd entry, and what a textbook says.
_READ = (
    (r"\b(\w+) \+ \1\b", r"2 * \1"),  # x + x takes half of the time of 2 * x: 360 against 750 ns
    (r"\bover\((\w+), (\w+)\)", r"\1 / \2"),
    (r"^over\(1, (.+)\)$", r"1 / (\1)"),
    (r"nonzero\((\w+)\)", r"\1"),
    (r"nonzero\(", "("),
    (r"beats\((\w+), (\w+)\)", r"\1 > \2"),
    (r"\ble\((\w+), (\w+)\)", r"(\1 <= \2)"),
    (r"\blt\((\w+), (\w+)\)", r"(\1 < \2)"),
    (r"holds\((\w+)\)", r"\1"),
    (r"inside\((\w+), (\w+), (\w+)\)", r"\2 <= \1 <= \3"),
    (r"between\((\w+), (\w+), (\w+)\)", r"\2 < \1 < \3"),
    (r"positive\((\w+)\)", r"(\1 > 0)"),
    (r"\breal\((\w+), \"\w+\"\)", r"\1"),
    (r"\b(?:nw|sp|special)\.(?=\w+\()", ""),
    (r"SQRT_PI", "sqrt(pi)"),
    (r"SQRT_2PI", "sqrt(2*pi)"),
    # As the reader can write it, and no name of a value.
    (r"(?<![\w.])((?:exp|log|log1p|sqrt|cos|sign|tanh)(?=\()|pi\b)", r"np.\1"),
)


def parameters_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Give the names of the positional parameters."""
    code = function.__code__
    return tuple(code.co_varnames[: code.co_argcount])


def keywords_of(function: Callable[..., Any]) -> frozenset[str] | None:
    """Give the names that the function takes as keywords, without a leading underscore; None if it takes any."""
    code = function.__code__
    if code.co_flags & 0x08:  # **kwargs
        return None
    return frozenset(
        name.lstrip("_") for name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    )


def name_of(function: Any, unnamed: str = "") -> str:
    """Give the name that the table of rules shows for a function; `unnamed` for a lambda."""
    name = getattr(function, "__name__", unnamed or str(function))
    if unnamed and name == "<lambda>":
        return unnamed
    return {"amax": "max", "amin": "min"}.get(name, name)


def torch_name(name: str, torch: str) -> str:
    """Give PyTorch's name of the rule: from `torch` if there is one, else made of the name as PyTorch makes it."""
    torch = torch or "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    if "Backward" in torch or torch == "CopySlices":  # the one name of PyTorch's without it
        return torch
    return f"{torch}Backward{'' if torch[-1:].isdigit() else '0'}"
