"""What gpu.py times: CuPy by hand, gradmagic on CuPy, and PyTorch, each on one device.

In: a row of the workloads. Out: `run(work)`, the call that issues one step and gives value and gradients without
waiting, and `wait()`. Each is made in the process that measures it, which is where CUDA and the libraries are loaded.
"""

import importlib
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from tests.benchmarks.workloads import Workload, large
from tests.benchmarks.workloads.training import OPTIMIZERS_BY_HAND, RATE, Training

from . import Result, Run, prepare
from .tapes import Gradmagic, Torch

Work = Workload | Training


class CupyByHand:
    """The derivatives by hand, the text that is NumPy's elsewhere with CuPy in its place."""

    title, module = "CuPy {} by hand", "cupy"

    def __init__(self, device: str) -> None:
        self.cupy = importlib.import_module("cupy")
        self.array, self.wait = self.cupy.asnumpy, self.cupy.cuda.Device().synchronize

    def run(self, work: Work) -> Run:
        by_hand = self.gather if work.by_hand is large.gather_by_hand else on(self.cupy, work.by_hand)
        put = lambda a: self.cupy.asarray(a) if isinstance(a, np.ndarray) else a
        constants, leaves = (list(map(put, part)) for part in work.inputs())
        if not isinstance(work, Training):
            return partial(by_hand, *constants, *leaves)
        optimizer, kept = on(self.cupy, OPTIMIZERS_BY_HAND[work.optimizer]), []

        def step() -> Result:
            value, gradients = by_hand(*constants, *leaves)
            optimizer(leaves, gradients, kept)
            return value, gradients

        return step

    def gather(self, rows: Any, table: Any) -> Result:
        """Add the rows by atomics: the way of the host looks at numbers to find its way."""
        taken = table[rows]
        value = self.cupy.vdot(taken, taken)
        taken *= 2
        dtable = self.cupy.zeros_like(table)
        self.cupy.add.at(dtable, rows, taken)
        return value, [dtable]


def on(library: ModuleType, function: Any) -> Any:
    """Give a function of the workloads with `library` in the place of NumPy, in all that it calls of theirs."""
    made: dict[str, dict[str, Any]] = {}

    def module(name: str) -> dict[str, Any]:
        if name not in made:
            scope = made[name] = dict(vars(importlib.import_module(name)))
            for key, value in scope.items():
                if value is np:
                    scope[key] = library
                elif isinstance(value, ModuleType) and value.__name__.startswith(
                    "tests.benchmarks.workloads."
                ):
                    scope[key] = ModuleType(value.__name__)
                    vars(scope[key]).update(module(value.__name__))
                elif isinstance(value, FunctionType) and value.__module__ == name:
                    scope[key] = FunctionType(value.__code__, scope, value.__name__, value.__defaults__)
        return made[name]

    return module(function.__module__)[function.__name__]


class OnDevice:
    """What gradmagic and PyTorch have by the same names, on a device."""

    library: Any
    device: str

    def leaf(self, a: Any) -> Any:
        return self.library.tensor(a, device=self.device, requires_grad=True)

    def run(self, work: Work) -> Run:
        constants, leaves = work.inputs()
        if not isinstance(work, Training):
            return prepare(self, work, constants, leaves)
        library = self.library
        model = work.model(library.nn, *work.size).to(self.device)
        parameters = list(model.parameters())
        for p, a in zip(parameters, leaves, strict=True):
            p.data.copy_(library.tensor(a, device=self.device))
        optimizer = getattr(library.optim, work.optimizer)(parameters, lr=RATE)
        x, labels = (library.tensor(c, device=self.device) for c in constants)
        cross_entropy = library.nn.functional.cross_entropy

        def step() -> Result:
            optimizer.zero_grad()
            value = cross_entropy(model(x), labels)
            value.backward()
            optimizer.step()
            return value, [p.grad for p in parameters]

        return step


class GradmagicOnDevice(OnDevice, Gradmagic):
    def __init__(self, device: str) -> None:
        super().__init__()
        self.device, self.cupy = "cuda", importlib.import_module("cupy")
        self.wait = self.cupy.cuda.Device().synchronize

    def constant(self, a: Any) -> Any:
        return self.cupy.asarray(a) if isinstance(a, np.ndarray) else a

    def array(self, a: Any) -> Any:
        return a.detach().cpu().numpy()


class TorchOnDevice(OnDevice, Torch):
    """PyTorch in whole float32: its convolutions would round to 10 bits first."""

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device
        self.library.backends.cudnn.allow_tf32 = self.library.backends.cuda.matmul.allow_tf32 = False
        if device == "cuda":
            self.title += " (CUDA " + str(self.library.version.cuda) + ")"
            self.library.cuda.init()
            self.wait = self.library.cuda.synchronize
        else:
            self.title += f" on the {device.upper()}"

    def wait(self) -> None:
        pass

    def constant(self, a: Any) -> Any:
        return self.library.tensor(a, device=self.device) if isinstance(a, np.ndarray) else a

    def array(self, a: Any) -> Any:
        return a.detach().cpu().numpy()


ON_DEVICE = {"gradmagic": GradmagicOnDevice, "by_hand": CupyByHand, "torch": TorchOnDevice}
