"""Text that is run as code, and code that other threads run.

In: `exec`, `eval`, `compile`, `thread.start()`. Out: the same, with hooks in the code, and the membrane around it.
"""

from __future__ import annotations

import re
import sys
from threading import Thread
from types import CodeType
from typing import Any

from ....engine.core.interpreter import parse
from ....engine.core.places import user_frame
from ..enter import FUTURES
from ..membrane import Membrane
from ..table import joined
from ..tree import instrument


def executed(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`eval(text)`, `exec(text)`: the text gets hooks as the cell has them."""
    frame = user_frame(sys._getframe(1))
    source, *spaces = args
    names = dict(zip(("globals", "locals"), spaces, strict=False)) | kwargs
    if names.get("globals") is None:
        names = {"globals": frame.f_globals, "locals": names.get("locals", frame.f_locals)}
    if isinstance(source, CodeType):
        known = m.sources.get(id(source))
        code = known[1] if known is not None else source
    else:
        code = (
            _with_hooks(source, "<string>", "eval" if function is eval else "exec", frame.f_code.co_flags)
            or source
        )
    given = [names[k] for k in ("globals", "locals") if names.get(k) is not None]
    out = function(code, *given, **{k: v for k, v in kwargs.items() if k == "closure"})
    marks = m.table.marks((source,))
    return m.taint(out, joined(marks)) if marks else out


def compiled(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`compile(text, name, mode)`: what it makes is the user's; `exec` will find the same with hooks."""
    code = function(*args, **kwargs)
    if isinstance(code, CodeType) and isinstance(args[0], str) and len(args) >= 3:
        hooked = _with_hooks(args[0], args[1], args[2], sys._getframe(2).f_code.co_flags)
        if hooked is not None:
            m.sources[id(code)] = code, hooked
    return code


def _with_hooks(source: Any, filename: str, mode: str, flags: int) -> CodeType | None:
    if not isinstance(source, str):
        return None
    futures = flags & FUTURES
    try:
        text = source.lstrip(" \t") if mode == "eval" else source
        tree = parse(text, filename, mode, futures)
        return compile(instrument(tree), filename, mode, futures, dont_inherit=True)
    except (SyntaxError, ValueError, NotImplementedError):
        return None  # Python itself says what is wrong


def in_a_thread(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """What another thread is to run, it runs under the same membrane: `pool.submit(f, x)`, `thread.start()`."""
    owner = function.__self__
    if isinstance(owner, Thread):
        carried = m.carried(owner.run)

        def run() -> None:
            del owner.run
            carried()

        owner.run = run  # type: ignore[method-assign]
        return function(*args, **kwargs)
    rest = (
        args[1:]
        if function.__name__ in ("submit", "apply", "apply_async")
        else tuple(map(m.entries, args[1:]))
    )
    return function(m.carried(m.called(args[0])), *rest, **kwargs)


def line_magic(m: Membrane, function: Any, args: Any, kwargs: Any) -> Any:
    """`%time k = a * 2`: IPython looks so many frames up for variables; hooks do not reach what it runs."""
    frame: Any = sys._getframe(0)
    depth = 1
    caller = user_frame(frame)
    while frame is not caller:
        frame, depth = frame.f_back, depth + 1
    names, words = function.__self__.user_ns, set(re.findall(r"\w+", " ".join(map(str, args))))
    before = dict(names)
    out = function(*args, **{"_stack_depth": depth, **kwargs})
    if any(m.table.marks(v for n, v in before.items() if n in words)):
        cuts = frozenset({m.cut(None, "magic")})
        for name, value in list(names.items()):
            if before.get(name, names) is not value and not name.startswith("_"):
                names[name] = m.taint(value, cuts)
    return out
