"""What the tests of the cell share: running a text with and without the magic, and comparing what is left."""

import contextlib
import io
import linecache
import types
from collections import namedtuple

import numpy as np

import gradmagic as gm
from gradmagic.cell.hosts.host import text_source
from gradmagic.cell.options import Options
from gradmagic.cell.run import Run

OURS = ("__builtins__", "__name__")


def fresh(setup: str = "") -> dict:
    """A namespace in which `setup` ran."""
    namespace = {"__name__": "__main__", "np": np, "gm": gm}
    filename = f"<earlier cell {hash(setup)}>"  # with its source, as a notebook keeps it
    linecache.cache[filename] = (len(setup), None, setup.splitlines(keepends=True), filename)
    exec(compile(setup, filename, "exec", dont_inherit=True), namespace)
    return namespace


def traced(text: str, namespace: dict, names: str = "", **options):
    """Run `text` as a cell `%%grad names` and give its trace."""
    cell = text_source(text, "<cell of a test>", "In [1]")
    return Run(cell, namespace, Options(tuple(names.split()), **options)).execute()


def printed(function, *args) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        function(*args)
    return out.getvalue()


def differences(a, b, where: str = "", seen: dict | None = None) -> list[str]:
    """Where the plain `a` and `b`, which the traced run left, differ in type, value or structure."""
    seen = {} if seen is None else seen
    if id(a) in seen:
        return [] if seen[id(a)][1] is b else [f"{where}: one object without the magic, two with it"]
    if type(a) is not type(b) and type(a).__qualname__ != type(b).__qualname__:
        return [f"{where}: {type(a)} became {type(b)}"]
    if isinstance(
        a,
        (
            types.ModuleType,
            types.BuiltinFunctionType,
            classmethod,
            property,
            types.MemberDescriptorType,
            type(namedtuple("P", "u").u),
        ),
    ):
        return []
    if isinstance(a, np.ndarray) or hasattr(a, "__dict__") or isinstance(a, (list, dict, set)):
        seen[id(a)] = (a, b)  # kept alive: an id is given away again

    def each(pairs) -> list[str]:
        return [d for where, x, y in pairs for d in differences(x, y, where, seen)]

    if isinstance(a, dict):
        if list(a) != list(b) or [type(k) for k in a] != [type(k) for k in b]:
            return [f"{where}: keys {list(a)} became {list(b)}"]
        return each((f"{where}[{k!r}]", a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)) or type(a).__name__ == "deque":
        if len(a) != len(b):
            return [f"{where}: {len(a)} entries became {len(b)}"]
        return each((f"{where}[{i}]", x, y) for i, (x, y) in enumerate(zip(a, b, strict=True)))
    if isinstance(a, np.ma.MaskedArray):
        return each([(f"{where}.data", a.data, b.data), (f"{where}.mask", a.mask, b.mask)])
    if isinstance(a, np.ndarray):
        if a.dtype == object:
            return each((f"{where}[{i}]", x, y) for i, (x, y) in enumerate(zip(a.flat, b.flat, strict=True)))
        same = (
            a.dtype == b.dtype
            and a.shape == b.shape
            and a.strides == b.strides
            and a.tobytes() == b.tobytes()
        )
        return [] if same else [f"{where}: {a!r} {a.strides} became {b!r} {b.strides}"]
    if hasattr(a, "to_dict") and hasattr(a, "dtypes"):  # a table of pandas
        same = (
            repr(a) == repr(b) and repr(a.dtypes) == repr(b.dtypes) and repr(a.to_dict()) == repr(b.to_dict())
        )
        return [] if same else [f"{where}: {a!r} of {a.dtypes} became {b!r} of {b.dtypes}"]
    if hasattr(a, "toarray"):  # a sparse matrix
        return each([(where, a.toarray(), b.toarray())])
    if isinstance(a, types.FunctionType):
        cells = [
            (f"{where} closure", x.cell_contents, y.cell_contents)
            for x, y in zip(a.__closure__ or (), b.__closure__ or (), strict=True)
        ]
        return each(
            [
                *cells,
                (f"{where} defaults", a.__defaults__, b.__defaults__),
                (f"{where} kw", a.__kwdefaults__, b.__kwdefaults__),
            ]
        )
    if isinstance(a, types.MethodType):
        return each([(f"{where}.__self__", a.__self__, b.__self__)])
    if type(a).__name__ == "partial":
        return each([(f"{where}.args", a.args, b.args), (f"{where}.keywords", a.keywords, b.keywords)])
    if isinstance(a, types.GeneratorType):
        if a.gi_frame is None or b.gi_frame is None:
            return [] if a.gi_frame is b.gi_frame else [f"{where}: one has ended, the other has not"]
        return each([(f"{where} frame", dict(a.gi_frame.f_locals), dict(b.gi_frame.f_locals))])
    if isinstance(a, BaseException):
        parts = ("args", "__cause__", "__context__", "__notes__")
        return each((f"{where}.{n}", getattr(a, n, None), getattr(b, n, None)) for n in parts)
    if isinstance(a, gm.Tensor):
        facts = [(t.requires_grad, t.is_leaf, repr(t), repr(t.grad)) for t in (a, b)]
        return [] if facts[0] == facts[1] else [f"{where}: {facts[0]} became {facts[1]}"]
    if isinstance(a, type):
        mine = [{k: v for k, v in vars(t).items() if not k.startswith("__")} for t in (a, b)]
        return each([(where, *mine)])
    if hasattr(type(a), "__slots__") and not hasattr(a, "__dict__") and type(a).__module__ == "__main__":
        return each((f"{where}.{n}", getattr(a, n), getattr(b, n)) for n in type(a).__slots__)
    if type(a).__module__ == "__main__":
        return each([(where, vars(a), vars(b))])
    if type(a).__module__.startswith("numpy.random"):
        return []
    return [] if a == b or (a != a and b != b) else [f"{where}: {a!r} became {b!r}"]


def left_behind(plain: dict, with_magic: dict) -> list[str]:
    """Differences between two namespaces, name by name."""
    return differences(
        {k: v for k, v in plain.items() if k not in OURS},
        {k: v for k, v in with_magic.items() if k not in OURS},
        "",
    )
