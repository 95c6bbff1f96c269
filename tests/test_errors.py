"""Every error of gradmagic: provoked once, found by its base class, with a page that shows the right program."""

import datetime
import decimal
import types

import numpy as np
import pytest

import gradmagic as gm
from gradmagic import errors
from gradmagic.engine.core.foreign import foreign
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.engine.faces.torch.tensor import Tensor
from gradmagic.engine.tape.ends import leaf
from gradmagic.engine.tape.modes import watch
from gradmagic.engine.watch.recorder import Recorder

from .engine import strict

x = gm.tensor([1.0, 2.0], requires_grad=True)


def twice():
    z = (x * x).sum()
    z.backward()
    z.backward()


def stale():
    y = x * x
    z = y * y
    y += 1
    z.sum().backward()


def write_a_leaf():
    global x
    x += 1


@gm.detect_anomaly()
@np.errstate(all="ignore")
def not_finite():
    return np.log(x - 1.0)


def too_long():
    gm.set_tape_limit(1000)
    try:
        return np.exp(np.tanh(np.ones(100) * x[0]))
    finally:
        gm.set_tape_limit("auto")


half_a_cube = gm.custom(lambda p: p**3, vjp=lambda g, y, p: 2 * p**2 * g)

PROVOKED = {
    errors.NoGradError: (lambda: gm.tensor([1.0]).sum().backward(), "requires_grad=True"),
    errors.NonScalarError: (lambda: (2 * x).backward(), r"\.sum\(\)"),
    errors.IntegerGradError: (lambda: gm.tensor([1, 2], requires_grad=True), "floating point and complex"),
    errors.FreedError: (twice, "retain_graph=True"),
    errors.LeafWriteError: (write_a_leaf, "no_grad"),
    errors.StaleError: (stale, r"y = y \+ 1|clone"),
    errors.ConversionError: (lambda: np.asarray(x), r"detach\(\)\.numpy\(\)"),
    errors.UnknownFunctionError: (lambda: np.frompyfunc(abs, 1, 1)(x), "np.abs .*no derivative"),
    errors.ShapeError: (lambda: x + np.ones(3), r"'?x'? of shape \(2,\).*\(3,\)"),
    errors.DeviceError: (lambda: gm.tensor([1.0], device="tpu"), 'device="cuda"'),
    errors.AnomalyError: (not_finite, r"np\.where\(ok, v, 1\.0\) inside it"),
    errors.TapeLimitError: (too_long, r"h = h\.detach\(\).*gm\.checkpoint.*gm\.set_tape_limit"),
    errors.CheckError: (
        lambda: gm.check_grads(half_a_cube, (1.0,)),
        "gradmagic says  2\n  numbers say     3",
    ),
}


@pytest.mark.parametrize("error", PROVOKED, ids=lambda e: e.__name__)
def test_an_error_says_what_to_write(error):
    provoke, words = PROVOKED[error]
    with pytest.raises(error, match=words) as caught:
        provoke()
    assert isinstance(caught.value, gm.GradmagicError)


CLASSES = [
    c
    for c in vars(errors).values()
    if isinstance(c, type)
    and issubclass(c, Exception)
    and c is not errors.GradmagicError
    and not issubclass(c, Warning)
]


@pytest.mark.parametrize("error", CLASSES, ids=lambda e: e.__name__)
def test_an_error_is_also_the_one_that_the_user_expects(error):
    assert issubclass(error, errors.GradmagicError)
    assert issubclass(error, (RuntimeError, TypeError, ValueError, NameError, AssertionError, MemoryError))
    assert len(error.__doc__.split()) > 10


def test_shapes_that_do_not_fit_name_both_operands_and_the_line():
    weights = gm.tensor(np.ones((4, 5)), requires_grad=True)
    inputs = np.ones((2, 3))
    with pytest.raises(
        errors.ShapeError, match=r"inputs of shape \(2, 3\) and weights of shape \(4, 5\), line \d+"
    ):
        np.matmul(inputs, weights)


def test_a_lifted_value_computes_on_where_a_tensor_would_stop():
    a = Array.lift(np.array([1.0, 2.0]))
    assert np.packbits(a > 1).tolist() == [64]
    assert np.asarray(a).tolist() == [1.0, 2.0]


# ---- values that no gradient passes through -----------------------------------------------------------------------


class Length(np.ndarray):
    """A subclass of ndarray with a unit, as astropy's."""

    def __new__(cls, values, unit="m"):
        made = np.asarray(values, float).view(cls)
        made.unit = unit
        return made

    def __array_finalize__(self, other):
        self.unit = getattr(other, "unit", "m")


def optional(module):
    return pytest.importorskip(module, reason=f"{module} is not installed")


# name -> (the value, what it is called, what to write instead)
ODD = {
    "masked": (lambda: np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]), "a masked array", r"odd\.filled\(0\)"),
    "matrix": (lambda: np.matrix([[1.0, 2.0, 3.0]]), r"an np\.matrix", r"np\.asarray\(odd\)"),
    "subclass": (lambda: Length([1.0, 2.0, 3.0]), "a Length, a subclass of ndarray", r"np\.asarray\(odd\)"),
    "series": (lambda: optional("pandas").Series([1.0, 2.0, 3.0]), "a pandas Series", r"odd\.to_numpy\(\)"),
    "sparse": (lambda: optional("scipy.sparse").csr_array(np.eye(3)), "a sparse matrix", r"odd\.toarray\(\)"),
    "structured": (lambda: np.zeros(3, [("a", "f8")]), "a structured array", r"odd\['a'\]"),
    "text": (lambda: np.array(["a", "b", "c"]), "an array of text", r"odd\.astype\(float\)"),
    "dates": (lambda: np.array(["2026-11-21"] * 3, "M8[D]"), "an array of dates", r"odd - start"),
    "objects": (lambda: np.array([1.0, None, 3.0], object), "an array of objects", r"odd\.tolist\(\)"),
    "list": (lambda: [1.0, None, 3.0], "a list with entries that are no numbers", "Leave those out"),
    "ragged": (lambda: [[1.0], [1.0, 2.0]], "a list of rows of different lengths", "equally long"),
    "None": (lambda: None, "None", "function without return"),
    "word": (lambda: "one", "text", r"float\("),
    "dict": (lambda: {"a": 1.0}, "a dict", r"np\.array\(list\("),
    "set": (lambda: {1.0}, "a set", r"np\.array\(list\("),
    "generator": (lambda: (i for i in range(3)), "a generator", r"np\.array\(list\(odd\)\)"),
    "decimal": (lambda: decimal.Decimal("1.5"), "a Decimal", r"float\(odd\)"),
    "date": (lambda: datetime.date(2026, 11, 21), "a date", "timestamp"),
}  # fmt: skip
WAYS = {
    "gm.tensor": lambda t, odd: gm.tensor(odd),
    "gm.grad": lambda t, odd: gm.grad(lambda v: np.sum(np.square(v)))(odd),
    "gradient=": lambda t, odd: (2 * t).backward(gradient=odd),
    "operator": lambda t, odd: t + odd,
    "reflected": lambda t, odd: odd * t,
    "np.add": lambda t, odd: np.add(t, odd),
    "np.where": lambda t, odd: np.where([True, False, True], t, odd),
    "np.concatenate": lambda t, odd: np.concatenate([t, odd]),
}
# Where the other side, or Python, speaks first, or the value is taken as it is meant: a Series by name, a list of
# arguments, no gradient.
ELSEWHERE = {
    "gm.tensor": ("matrix", "subclass", "series"),
    "gm.grad": ("list", "ragged", "dict"),
    "gradient=": ("None",),
    "operator": ("sparse",),
    "reflected": ("masked", "series", "sparse", "subclass"),
    "np.add": ("sparse",),
    "np.concatenate": ("series", "generator", "dict", "ragged"),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("way", WAYS)
def test_a_value_that_no_gradient_passes_through_is_named(way, name):
    make, what, instead = ODD[name]
    odd, t = make(), gm.tensor([1.0, 2.0, 3.0], requires_grad=True)
    if name in ELSEWHERE.get(way, ()):
        return
    with pytest.raises(
        errors.ArgumentError, match=f"(?s){what}.*{instead.replace('odd', '(odd|v|data|gradient)')}"
    ):
        WAYS[way](t, odd)


@pytest.mark.parametrize("name", ["masked", "matrix", "subclass", "series", "objects", "text"])
@pytest.mark.parametrize("way", ["operator", "reflected", "np.add", "np.where"])
def test_a_lifted_value_gives_what_numpy_gives_and_says_so(way, name):
    """In a cell: the plain result, of its own type, and a note; an error where NumPy has one."""
    plain = np.array([1.0, 2.0, 3.0])
    try:
        expected = WAYS[way](plain, ODD[name][0]())
    except Exception as error:
        with pytest.raises(type(error)):
            WAYS[way](Array.lift(plain), ODD[name][0]())
        return
    with watch(Recorder()) as recorder:
        found = WAYS[way](Array.lift(plain), ODD[name][0]())
    assert type(found) is type(expected)
    assert np.asarray(found).tolist() == np.asarray(expected).tolist()
    assert [cut.how for cut in recorder.cuts.values()] in ([foreign(ODD[name][0]())], ["asarray"])


def test_numbers_of_every_kind_are_none_of_these():
    for value in (
        np.float16(1),
        np.longdouble(1),
        True,
        2**70,
        1j,
        np.arange(3),
        [1, 2.0],
        range(3),
        np.zeros((0, 3)),
    ):
        assert foreign(value) is None, value
    assert foreign(np.memmap) is not None  # the class itself is a function


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, np.clongdouble])
def test_long_and_short_numbers_have_gradients_of_their_dtype(dtype):
    x = np.arange(1, 4).astype(dtype)
    g = gm.grad(lambda v: np.sum(np.real(v * v * v)))(x)
    assert g.dtype == dtype
    np.testing.assert_allclose(g, 3 * x * x, rtol=1e-3 if dtype is np.float16 else 1e-18)


def test_an_empty_array_has_an_empty_gradient():
    assert gm.grad(lambda v: np.sum(v * v))(np.zeros((0, 3))).shape == (0, 3)


class TestGradient:
    """`gradient=` of `backward`."""

    def test_of_another_shape(self):
        with pytest.raises(errors.ShapeError, match=r"shape of \(3,\) and the result has a shape of \(2,\)"):
            (2 * x).backward(np.ones(3))

    def test_that_is_complex(self):
        with pytest.raises(errors.ArgumentError, match=r"gradient= is complex.*gradient\.real"):
            (2 * x).backward(np.array([1.0, 1j]))

    def test_that_holds_nan_is_told(self):
        t = gm.tensor([1.0, 2.0], requires_grad=True)
        with pytest.warns(UserWarning, match="gradient= holds NaN") as caught:
            (2 * t).backward(np.array([1.0, np.nan]))
        assert caught[0].filename == __file__
        assert np.isnan(t.grad.tolist()).tolist() == [False, True]


def test_a_module_is_no_number():
    with pytest.raises(errors.ArgumentError, match="a module"):
        gm.tensor(types)


def test_the_line_is_the_users_also_behind_a_library():
    t = gm.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with pytest.raises(errors.ConversionError, match=r"'t' .*line \d+ of test_errors\.py"):
        np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]) + t


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (None, "gave None, .*End it with return"),
        ("one", "gave text"),
        (np.array(["a"]), "gave an array of text"),
        (np.ma.array([1.0]), "gave a masked array"),
        (np.array([1.0], object), "gave an array of objects"),
    ],
)
def test_a_function_that_gives_no_number_is_told_so(result, words):
    with pytest.raises(errors.ArgumentError, match=words):
        gm.grad(lambda v: result)(np.ones(2))
    with pytest.raises(errors.ArgumentError, match=words):
        gm.value_and_grad(lambda v: result)(1.0)


def test_one_over_a_tensor_is_called_as_pytorch_calls_it():
    t = gm.tensor([2.0], requires_grad=True)
    assert (1 / t).grad_fn.name() == "MulBackward0" and (t / 2).grad_fn.name() == "DivBackward0"
    (1 / t).backward()
    assert t.grad.tolist() == [-0.25]


class TestDevices:
    """Operands on two devices: which, where, on which line."""

    @pytest.fixture
    def there(self):
        data = strict.module.asarray(np.ones(3))
        return Tensor.wrap(data, leaf(data))

    @pytest.mark.parametrize(
        "act",
        [
            lambda there, here: there + here,
            lambda there, here: here * there,
            lambda there, here: there @ here,
            lambda there, here: np.where(here > 0, there, 0.0),
            lambda there, here: np.concatenate([there, here]),
            lambda there, here: there + here.detach().numpy(),
            lambda there, here: there * [1.0, 2.0, 3.0],
        ],
    )
    def test_two_devices_in_one_operation_are_named(self, there, act):
        here = gm.tensor(np.ones(3), requires_grad=True)
        with pytest.raises(errors.DeviceError, match=r"found at least two devices: .*cuda:0.*t\.cpu\(\)"):
            act(there, here)

    def test_a_gradient_of_another_device_is_named(self, there):
        with pytest.raises(errors.DeviceError, match=r"gradient= is on cpu and the result on cuda:0"):
            (2 * there).backward(np.ones(3))

    def test_numbers_go_everywhere(self, there):
        assert (there * np.float64(2) + 1 + gm.tensor(2.0)).shape == (3,)
