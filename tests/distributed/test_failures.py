"""What dies on the way: workers, partitions, the scheduler. The same bits come out, or one error says why not."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import ClusterError

from .test_loss import in_pairs

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")


def cluster(**options):
    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "dashboard_address": ":0",
        "memory_limit": "1GB",
    } | options
    return distributed.LocalCluster(**options)


def first(path) -> bool:
    """Tell whether nobody has been here before, in any process."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def squares(w, X, y):
    return np.sum((X @ w - y) ** 2)


def drawn(k):
    rng = np.random.default_rng(k)
    X = rng.normal(size=(50, 4))
    return X, X @ np.arange(4.0) + rng.normal(size=50)


def descended(loss, ready=lambda: None, steps=10):
    w = np.zeros(4)
    for step in range(steps):
        ready()
        w = w - 1e-3 * gm.grad(loss)(w, step)
    return w


@pytest.mark.slow
def test_a_worker_killed_in_every_step_of_ten_changes_no_bit(tmp_path):
    def deadly(w, step, X, y):
        if X[0, 0] == struck[step] and first(f"{tmp_path}/{step}"):
            os.kill(os.getpid(), signal.SIGKILL)
        return squares(w, X, y)

    parts = list(range(12))
    struck = [drawn((5 * step) % 12)[0][0, 0] for step in range(10)]
    with cluster(n_workers=3) as local, distributed.Client(local) as client:
        undisturbed = descended(
            gm.distributed.loss(lambda w, _step, X, y: squares(w, X, y), parts, load=drawn)
        )
        two_are_there = lambda: client.wait_for_workers(2)
        found = descended(gm.distributed.loss(deadly, parts, load=drawn), two_are_there)
    assert sorted(os.listdir(tmp_path)) == sorted(map(str, range(10)))  # each step has had its death
    assert found.tobytes() == undisturbed.tobytes()
    alone = descended(lambda w, _step: in_pairs([squares(w, *drawn(k)) for k in parts]))
    np.testing.assert_allclose(found, alone, rtol=1e-12)


@pytest.mark.slow
def test_data_four_times_the_memory_of_a_worker_go_through_it():
    limit, rows = 320_000_000, 312_500  # 10 MB a partition, 128 of them

    def made(k):
        return np.random.default_rng(k).random((rows, 4), dtype=np.float64)

    def loss(w, X):
        z = X @ w
        return np.sum(np.square(z))

    def most():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    chunks = [da.from_delayed(dask.delayed(made)(k), (rows, 4), float) for k in range(128)]
    X = da.concatenate(chunks)
    assert X.nbytes >= 4 * limit
    w = np.array([1.0, -1.0, 0.5, 0.25])
    with cluster(memory_limit=limit) as local, distributed.Client(local) as client:
        pids = client.run(os.getpid)
        value, gradient = gm.value_and_grad(gm.distributed.loss(loss, X))(w)
        assert client.run(os.getpid) == pids  # no worker was killed for want of memory
        assert max(client.run(most).values()) < limit
    some = [gm.value_and_grad(loss)(w, made(k)) for k in range(8)]
    assert in_pairs([v for v, _ in some]) == pytest.approx(value / 16, rel=1e-2)
    assert gradient.shape == (4,)


@pytest.mark.slow
def test_a_worker_out_of_memory_is_replaced_and_a_hopeless_partition_named(tmp_path):
    def greedy(w, k):
        if k == 2.0 and (always or first(f"{tmp_path}/once")):
            held = []
            while True:  # the nanny looks every 0.1 s
                held.append(np.ones(1_000_000))
                time.sleep(0.005)
        return k * w

    data = [float(k) for k in range(4)]
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        cluster(memory_limit="320MB") as local,
        distributed.Client(local),
    ):
        always = False
        assert gm.value_and_grad(gm.distributed.loss(greedy, data))(2.0) == (12.0, 6.0)
        always = True
        with pytest.raises(ClusterError, match=r"partition \d of 4 has lost 2 workers.*memory_limit="):
            gm.value_and_grad(gm.distributed.loss(greedy, data))(2.0)
        always = False
        assert gm.value_and_grad(gm.distributed.loss(greedy, data))(2.0) == (12.0, 6.0)


@pytest.mark.slow
def test_workers_that_do_not_come_again_are_put_back(monkeypatch):
    monkeypatch.setattr("gradmagic.distributed.cluster._LOOK", 0.5)
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "0.5s"}),
        cluster() as local,
        distributed.Client(local) as client,
    ):
        for nanny in list(local.workers.values()):
            client.sync(nanny.close)
        assert not client.scheduler_info()["workers"]
        assert gm.distributed.loss(lambda w, k: w * k, [1.0, 2.0])(3.0) == 9.0


def test_a_partition_that_raises_is_tried_again_as_often_as_said(tmp_path):
    def shaky(w, k):
        if k == 1.0 and any(first(f"{tmp_path}/{n}") for n in range(2)):
            raise OSError("the disk is away")
        return k * w

    data = [0.0, 1.0, 2.0]
    with cluster(n_workers=1, processes=False) as local, distributed.Client(local):
        assert gm.value_and_grad(gm.distributed.loss(shaky, data, retries=2))(2.0) == (6.0, 3.0)
        for file in os.listdir(tmp_path):
            os.remove(tmp_path / file)
        with pytest.raises(OSError, match="the disk is away") as caught:
            gm.distributed.loss(shaky, data, retries=1)(2.0)
        assert caught.value.__notes__ == ["In partition 1 of 3 of gm.distributed.loss."]


HOST = """
import distributed, time
cluster = distributed.LocalCluster(
    processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0", protocol="tcp"
)
print(cluster.scheduler_address, flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_a_client_that_loses_its_scheduler_loses_nothing_but_the_pass():
    def slow(w, k):
        time.sleep(0.2)
        return k * w

    loss = gm.distributed.loss(slow, [1.0, 2.0, 3.0, 4.0])
    with subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True) as host:
        client = distributed.Client(host.stdout.readline().strip())
        timer = threading.Timer(0.5, host.kill)
        timer.start()
        with pytest.raises(ClusterError, match=r"Nothing is lost but this pass.*distributed\.Client"):
            gm.grad(loss)(2.0)
        timer.join()
        client.close()
    with cluster(n_workers=1, processes=False) as local, distributed.Client(local):
        assert gm.value_and_grad(loss)(2.0) == (20.0, 10.0)


def test_an_error_of_another_process_is_in_the_readers_language():
    X = da.from_array(np.ones((4, 2)), chunks=(2, 2))
    with cluster() as c, distributed.Client(c):
        gm.set_language("ja")
        try:
            with pytest.raises(gm.GradmagicError) as raised:
                gm.grad(gm.distributed.loss(lambda w, X: X @ w, X))(np.ones(2))
        finally:
            gm.set_language("en")
    assert "損失は1つの数" in str(raised.value)
    (note,) = raised.value.__notes__
    assert note.startswith("gm.distributed.lossの") and " of " not in note
