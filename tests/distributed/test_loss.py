"""`gm.distributed.loss`: on the tape it is the loss over all data, in value and in every derivative."""

import builtins
import subprocess
import sys

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.errors import ArgumentError, NonScalarError, ShapeError

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
Y = (X @ [1.0, -2.0, 0.5] + 0.3 * rng.normal(size=60) > 0) * 1.0
P = {"w": np.array([0.5, -1.0, 0.25]), "b": 0.1}
V = {"w": np.array([1.0, 2.0, -1.0]), "b": 0.5}
ROWS = [slice(k, k + 8) for k in range(0, 60, 8)]  # the last has four


def nll(p, X, y):
    z = X @ p["w"] + p["b"]
    return np.sum(np.logaddexp(0.0, z) - y * z)


def whole(p):
    return nll(p, X, Y)


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit="1GB"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def total(client):
    return gm.distributed.loss(nll, da.from_array(X, chunks=(8, 3)), da.from_array(Y, chunks=8))


def close(found, expected):
    for a, b in zip(gm.engine.core.trees.leaves(found), gm.engine.core.trees.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def in_pairs(row):
    """The sum that it is to be, bit for bit."""
    while len(row) > 1:
        row = [sum(row[i + 1 : i + 2], start=row[i]) for i in range(0, len(row), 2)]
    return row[0]


def test_value_and_gradient_are_those_of_all_rows_added_in_pairs(total):
    value, gradient = gm.value_and_grad(total)(P)
    close((value, gradient), gm.value_and_grad(whole)(P))
    each = [gm.value_and_grad(nll)(P, X[r], Y[r]) for r in ROWS]
    assert value == in_pairs([v for v, _ in each])
    assert np.array_equal(gradient["w"], in_pairs([g["w"] for _, g in each]))
    assert gradient["b"] == in_pairs([g["b"] for _, g in each])
    assert total(P) == value and len(total) == 8


@pytest.mark.parametrize(
    "act",
    [
        lambda f: gm.value_and_grad(lambda p: f(p) + 0.1 * np.sum(p["w"] ** 2))(P),
        lambda f: gm.value_and_grad(lambda p: np.log(f(p)) * p["b"])(P),
        lambda f: gm.hvp(f, (P,), (V,)),
        lambda f: gm.jvp(f, (P,), (V,)),
        lambda f: gm.jvp(gm.grad(f), (P,), (V,)),
        lambda f: gm.hessian(lambda w: f({"w": w, "b": 0.1}))(P["w"]),
        lambda f: gm.grad(lambda w: gm.hvp(lambda w: f({"w": w, "b": 0.1}), w, V["w"]) @ V["w"])(P["w"]),
        lambda f: gm.grad(lambda b: f({"w": gm.stop_gradient(P["w"]), "b": b}))(1),
    ],
    ids="with_a_penalty inside hvp jvp forward_over_reverse hessian third_order whole_number".split(),
)
def test_it_composes_in_every_mode_and_order(total, act):
    close(act(total), act(whole))


def test_tensors_go_down_by_an_optimiser_as_on_one_machine(total):
    def trained(loss):
        w, b = gm.tensor(np.zeros(3), requires_grad=True), gm.tensor(0.0, requires_grad=True)
        steps = gm.optim.Adam([w, b], lr=0.1)
        for _ in range(3):
            steps.zero_grad()
            loss({"w": w, "b": b}).backward()
            steps.step()
        return w.numpy(force=True), b.numpy(force=True)

    close(trained(total), trained(whole))
    with gm.no_grad():
        assert not total({"w": gm.tensor(P["w"], requires_grad=True), "b": 0.1}).requires_grad


def test_dtypes_are_those_of_one_machine(client):
    single, w = X.astype(np.float32), P["w"].astype(np.float32)
    total = gm.distributed.loss(lambda w, X: np.sum(np.exp(X @ w)), [single[:30], single[30:]])
    value, gradient = gm.value_and_grad(lambda w: total(w) * 1)(w)
    assert gradient.dtype == np.float32 and type(total(w)) is np.float32
    t = total(gm.tensor(w, requires_grad=True))
    assert t.dtype == gm.float32 and t.item() == value == total(w)


def test_a_function_may_write_into_its_parameters_but_not_into_data_that_stay(client):
    def writes(w, shift, X):
        shift += 1.0
        return np.sum(X @ w + shift[0])

    total = gm.distributed.loss(writes, [X[:30], X[30:]])
    shift = np.zeros(1)
    value, gradient = gm.value_and_grad(total)(P["w"], shift)
    close((value, gradient), (np.sum(X @ P["w"]) + 60, X.sum(0)))
    assert total(P["w"], shift) == value and not shift[0]

    def centres(w, X):
        X -= 1.0
        return np.sum(X @ w)

    assert gm.distributed.loss(centres, da.from_array(X.copy(), chunks=(30, 3)))(P["w"]) == pytest.approx(
        np.sum((X - 1) @ P["w"])
    )
    with pytest.raises(ValueError, match="read-only"):
        gm.distributed.loss(centres, da.from_array(X, chunks=(30, 3)).persist(), retries=0)(P["w"])


def test_a_network_is_given_by_its_parameters(client):
    net = gm.nn.Sequential(gm.nn.Linear(3, 4), gm.nn.Tanh(), gm.nn.Linear(4, 1)).double()
    still = gm.nn.Sequential(gm.nn.Linear(3, 4), gm.nn.Tanh(), gm.nn.Linear(4, 1)).double()
    for p in still.parameters():
        p.requires_grad_(False)

    def loss(params, X, y):
        z = gm.func.functional_call(still, params, (gm.tensor(X),))
        return ((z[:, 0] - gm.tensor(y)) ** 2).sum()

    parts = [(X[r], Y[r]) for r in ROWS]
    gm.distributed.loss(loss, parts)(dict(net.named_parameters())).backward()
    found = [p.grad.numpy() for p in net.parameters()]
    net.zero_grad()
    ((net(gm.tensor(X))[:, 0] - gm.tensor(Y)) ** 2).sum().backward()
    close(found, [p.grad.numpy() for p in net.parameters()])
    with pytest.raises(ArgumentError, match="named_parameters"):
        gm.distributed.loss(loss, parts)(net)


# ---- data ------------------------------------------------------------------------------------------------------------


def of_files(folder):
    for i, r in enumerate(ROWS):
        np.savez(folder / f"{i}.npz", X=X[r], y=Y[r])
    files = [folder / f"{i}.npz" for i in range(len(ROWS))]
    return [files], {"load": lambda file: (np.load(file)["X"], np.load(file)["y"])}


CENTRE = da.from_array(X, chunks=(8, 3)).mean(0)  # which every partition needs
DATA = {
    "arrays": lambda _: ([da.from_array(X, chunks=(8, 2)), da.from_array(Y, chunks=7)], {}),
    "persisted": lambda _: ([da.from_array(X, chunks=(8, 3)).persist(), da.from_array(Y, chunks=8) * 1.0], {}),
    "delayed": lambda _: ([[dask.delayed(X[r]) for r in ROWS], [dask.delayed(lambda v: v)(Y[r]) for r in ROWS]], {}),
    "tuples": lambda _: ([[dask.delayed((X[r], Y[r])) for r in ROWS]], {}),
    "plain": lambda _: ([[X[r] for r in ROWS], [Y[r] for r in ROWS]], {}),
    "futures": lambda c: ([c.scatter([X[r] for r in ROWS]), [Y[r] for r in ROWS]], {}),
    "common": lambda _: ([da.from_array(X, chunks=(8, 3)) - CENTRE + X.mean(0), da.from_array(Y, chunks=8)], {}),
}  # fmt: skip


@pytest.mark.parametrize("kind", [*DATA, "files"])
def test_data_of_every_kind_are_cut_into_their_partitions(client, kind, tmp_path):
    data, options = of_files(tmp_path) if kind == "files" else DATA[kind](client)
    total = gm.distributed.loss(nll, *data, **options)
    close(gm.value_and_grad(total)(P), gm.value_and_grad(whole)(P))
    first, last = total.partition(0), total.partition(len(total) - 1)
    assert np.allclose(first[0], X[:8]) and np.allclose(last[1], Y[60 - len(last[1]) :])


def test_a_bag_gives_lists_and_a_partition_without_items_counts_nothing(client):
    bag = pytest.importorskip("dask.bag").from_sequence(list(range(20)), npartitions=4)
    loss = lambda w, items: np.sum((w - np.array(items, float)) ** 2) / len(items)
    total = gm.distributed.loss(loss, bag.filter(lambda i: i >= 5), reduce="mean")
    close(gm.value_and_grad(total)(1.0), gm.value_and_grad(loss)(1.0, list(range(5, 20))))


def test_xarray_is_cut_by_its_chunks(client):
    xr = pytest.importorskip("xarray")
    a = xr.DataArray(X, dims=("row", "column")).chunk({"row": 8})
    y = xr.DataArray(Y, dims="row").chunk({"row": 8})
    close(gm.grad(gm.distributed.loss(nll, a, y))(P), gm.grad(whole)(P))


def test_a_mean_weighs_partitions_by_their_rows(client):
    mean = lambda p, X, y: nll(p, X, y) / len(X)
    total = gm.distributed.loss(
        mean, da.from_array(X, chunks=(8, 3)), da.from_array(Y, chunks=8), reduce="mean"
    )
    close(gm.value_and_grad(total)(P), gm.value_and_grad(lambda p: mean(p, X, Y))(P))
    close(gm.hvp(total, (P,), (V,)), gm.hvp(lambda p: mean(p, X, Y), (P,), (V,)))


def test_batches_hang_on_the_seed_and_the_epoch_alone(total):
    order = lambda *args: [batch.chosen for batch in total.batches(*args)]
    assert order(3, 7) == order(3, 7) != order(3, 8) and order(3, 7, 1) != order(3, 7)
    assert sorted(i for batch in order(3, 7) for i in batch) == list(range(8))
    batch = next(total.batches(3, 7))
    rows = np.concatenate([np.arange(60)[ROWS[i]] for i in batch.chosen])
    close(batch(P), nll(P, X[rows], Y[rows]) * 8 / 3)


# ---- what is said ----------------------------------------------------------------------------------------------------


def test_an_error_arrives_with_the_users_line_and_the_partition(client):
    def loss(w, X):
        u = X @ w
        return u @ np.ones((2, 2))

    total = gm.distributed.loss(loss, da.from_array(X, chunks=(30, 3)), retries=0)
    line = loss.__code__.co_firstlineno + 2
    with pytest.raises(ShapeError, match=rf"matmul of u .*line {line} of test_loss\.py") as caught:
        gm.grad(total)(P["w"])
    assert "of 2 of gm.distributed.loss" in caught.value.__notes__[0]
    frame = caught.traceback
    assert any(entry.path.name == "test_loss.py" and entry.lineno + 1 == line for entry in frame)


scale = gm.tensor(2.0, requires_grad=True)


def test_what_the_function_reads_is_no_traced_value(client):
    data = da.from_array(X, chunks=(30, 3))
    with pytest.raises(ArgumentError, match="<lambda> reads 'scale', a tensor that requires grad"):
        gm.distributed.loss(lambda w, X: np.sum(X @ w) * scale, data)(P["w"])
    inner = {"scale": scale}
    with pytest.raises(ArgumentError, match="reads a tensor that requires grad"):
        gm.distributed.loss(lambda w, X: np.sum(X @ w) * inner["scale"], data)(P["w"])
    with pytest.raises(ArgumentError, match="reads 'lam'"):
        gm.grad(lambda lam: gm.distributed.loss(lambda w, X: np.sum(X @ w) * lam, data)(P["w"]))(1.0)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ((), ArgumentError, "no data"),
        ((X,), ArgumentError, r"no partitions: give a dask array \(da\.from_array"),
        ((["a.npz"],), ArgumentError, "load=np.load"),
        ((da.ones((60, 3), chunks=10), da.ones(59, chunks=10)), ShapeError, "60 and 59 rows"),
        ((da.ones((60, 3), chunks=10), [1, 2]), ShapeError, "6 and 2 partitions"),
        ((da.ones(()),), ShapeError, "no rows"),
    ],
)
def test_data_without_partitions_are_refused_by_name(data, error, words):
    with pytest.raises(error, match=words):
        gm.distributed.loss(nll, *data)


def test_what_is_asked_for_is_one_number_of_parameters(client, total):
    with pytest.raises(ArgumentError, match='"sum" or "mean"'):
        gm.distributed.loss(nll, [1.0], reduce="max")
    with pytest.raises(NonScalarError, match=r"nll gave|<lambda> gave"):
        gm.distributed.loss(lambda w, k: w * k, [1.0, 2.0], retries=0)(P["w"])
    with pytest.raises(NonScalarError):
        gm.grad(gm.distributed.loss(lambda w, k: w * k, [1.0, 2.0], retries=0))(P["w"])
    with pytest.raises(ArgumentError, match="has none"):
        gm.distributed.loss(lambda w, k: w * k, [1.0], reduce="mean", retries=0)(2.0)
    with pytest.raises(ArgumentError, match="no partition has a row"):
        gm.distributed.loss(lambda w, k: w * 1.0, [[]], reduce="mean")(2.0)
    with pytest.raises(ArgumentError, match="a dask Array among its parameters"):
        total({"w": da.ones(3), "b": 0.1})


# ---- in a cell -------------------------------------------------------------------------------------------------------

CELL = """%%grad w
def nll(w, X, y):
    z = X.dot(w)
    losses = zeros(2)
    losses[0] = np.sum(np.logaddexp(0.0, z))
    losses[1] = -np.sum(y * z)
    return np.sum(losses)
total = gm.distributed.loss(nll, [X[:30], X[30:]], [Y[:30], Y[30:]])
loss = total(w) + 0.1 * np.sum(w * w)
loss"""


def test_a_cell_that_defines_the_function_itself(client, run):
    run("import numpy as np\nimport gradmagic as gm\nfrom numpy import zeros\n" + f"w = np.{P['w']!r}")
    run.shell.user_ns.update(X=X, Y=Y)
    run(CELL)
    loss = lambda w: whole({"w": w, "b": 0.0}) + 0.1 * np.sum(w * w)
    close(gm.last().grads["w"], gm.grad(loss)(P["w"]))
    assert run.shell.user_ns["loss"] == pytest.approx(loss(P["w"]))
    assert "total(w)" in gm.last().to_text()
    assert not hasattr(builtins, "dask")


def test_a_cell_says_that_the_function_reads_what_it_traces(client, run):
    run(f"w, scale = np.{P['w']!r}, np.array([2.0])\ndef f(w, X):\n    return np.sum(X @ w) * scale[0]")
    run.shell.user_ns["data"] = [X[:30], X[30:]]
    assert "f reads 'scale'" in run.fails("%%grad w scale\ngm.distributed.loss(f, data)(w) * scale[0]")
    run("%%grad w\nloss = gm.distributed.loss(f, data)(w) * scale[0]")
    close(gm.last().grads["w"], 4 * X.sum(0))


def test_importing_gradmagic_does_not_import_dask():
    program = (
        "import sys, gradmagic; assert not {'dask', 'distributed'} & {m.split('.')[0] for m in sys.modules}"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
