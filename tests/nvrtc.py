"""Have NVRTC, the compiler on a card, compile the kernels of the GPU tests where there is no card: g++ takes more.

    pip install --target FOLDER nvidia-cuda-nvrtc
    NVRTC=FOLDER python -m pytest -p cupy_on_cpu -p tests.nvrtc -m gpu

In: each source of ours that CuPy would give to NVRTC. Out: a CompileException in the test that asked for the kernel.
NVRTC needs no card. It runs in a process of its own, as the emulation's library goes by its name.
"""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_children: list[Any] = []


def refused(source: str, options: list[str]) -> str:
    """Give what NVRTC says against a source; empty if it compiles."""
    if not _children:
        command = [sys.executable, __file__, os.environ["NVRTC"]]
        _children.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    (child,) = _children
    child.stdin.write(json.dumps([source, options]) + "\n")
    child.stdin.flush()
    return str(json.loads(child.stdout.readline()))


def pytest_configure() -> None:
    from cupy.cuda import compiler  # after the emulation, which replaces the same method

    usual = compiler._NVRTCProgram.compile

    def compile(self: Any, options: Any = (), log_stream: Any = None) -> Any:
        if "gradmagic" in self.src and (said := refused(self.src, list(options))):
            raise compiler.CompileException(said, self.src, self.name, options, "nvrtc")
        return usual(self, options, log_stream)

    compiler._NVRTCProgram.compile = compile


def pytest_unconfigure() -> None:
    while _children:
        _children.pop().kill()


def serve(folder: Path) -> None:
    """Compile what comes in, a line each, and write what there is to say against it."""
    found = {path.name.split(".")[0]: path for path in sorted(folder.rglob("libnvrtc*.so.*"), reverse=True)}
    ctypes.CDLL(
        str(found["libnvrtc-builtins"]), mode=ctypes.RTLD_GLOBAL
    )  # else it is looked for on the system
    nvrtc = ctypes.CDLL(str(found["libnvrtc"]))
    for line in sys.stdin:
        source, options = json.loads(line)
        program, size = ctypes.c_void_p(), ctypes.c_size_t()
        given = (ctypes.c_char_p * len(options))(*[o.encode() for o in options])
        nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
        said = ""
        if nvrtc.nvrtcCompileProgram(program, len(options), given):
            nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
            log = ctypes.create_string_buffer(size.value)
            nvrtc.nvrtcGetProgramLog(program, log)
            said = log.value.decode() or "refused without a word"
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
