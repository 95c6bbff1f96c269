"""A shell in this process, as a notebook has one: fresh names for each test, gradmagic loaded."""

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config


class Shell:
    """Runs cells and keeps what each printed, displayed and returned."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.names = shell.user_ns

    def __call__(self, cell: str, fails: bool = False):
        with capture_output() as seen:
            self.ran = self.shell.run_cell(cell, store_history=True)
        self.out, self.err, self.displayed = seen.stdout, seen.stderr, seen.outputs
        assert self.ran.success is not fails, self.out + self.err
        return self.ran.result

    @property
    def error(self) -> BaseException:
        return self.ran.error_in_exec or self.ran.error_before_exec

    def fails(self, cell: str) -> str:
        """Run a cell that must fail and give what the reader sees."""
        self(cell, fails=True)
        return self.out + self.err


@pytest.fixture(scope="session")
def _one_shell():
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor" if _lower_case() else "NoColor"
    return InteractiveShell.instance(config=config)


def _lower_case() -> bool:
    import IPython

    return IPython.version_info >= (9,)


@pytest.fixture
def run(_one_shell):
    _one_shell.reset(new_session=True)
    shell = Shell(_one_shell)
    shell("%load_ext gradmagic\nimport numpy as np\nimport gradmagic as gm\nx = np.arange(-2, 2.25, 0.25)")
    yield shell
    shell("%unload_ext gradmagic")
    _one_shell.config.pop("GradMagic", None)  # where %config keeps its settings for whoever loads it again
