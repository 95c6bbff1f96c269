"""A shell, as the tests of cells have it, and workers that start in no time."""

import multiprocessing
from multiprocessing import forkserver

import pytest

from ..cell.conftest import _one_shell, run  # noqa: F401


@pytest.fixture(scope="session", autouse=True)
def _workers_are_forked():
    """Workers are forked from a process that has imported everything: 0.2 s each, not 2 on a machine under load."""
    dask = pytest.importorskip("dask")
    pytest.importorskip("distributed")
    from gradmagic.distributed.cluster import spawnable

    spawnable()  # other tests of this process have had shells
    multiprocessing.get_context("forkserver").set_forkserver_preload(["distributed", "gradmagic.distributed"])
    forkserver.ensure_running()
    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        yield
