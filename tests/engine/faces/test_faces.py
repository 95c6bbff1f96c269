"""The two faces: Tensor's methods mean what PyTorch's mean (tests/golden), Array's what ndarray's mean."""

import pickle
import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.faces.numpy.array import Array
from gradmagic.engine.faces.torch.math import OperandError
from gradmagic.engine.tape.nodes import HOOKS
from gradmagic.errors import ConversionError, GradmagicError, ShapeError
from tests.golden.compare import TORCH, check
from tests.golden.expressions import EXPRESSIONS

FACE = ("math", "reductions", "shapes", "products", "attributes")


@pytest.mark.parametrize(("group", "expression"), [(g, e) for g in FACE for e in EXPRESSIONS[g]])
def test_a_tensor_computes_and_prints_as_pytorch(group, expression):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        check(group, expression, gm)


def test_golden_expressions_are_complete():
    assert {g: sorted(e) for g, e in TORCH["expressions"].items()} == {
        g: sorted(e) for g, e in EXPRESSIONS.items()
    }


class TestTensor:
    def test_numpy_words_are_understood(self):
        x = gm.tensor([[1.0, 2.0], [3.0, 5.0]])
        for name in ("sum", "mean", "std", "var", "prod", "amax", "argmax", "any", "logsumexp", "norm"):
            method = getattr(x, name)
            assert gm.equal(method(axis=1, keepdims=True), method(dim=1, keepdim=True)), name
        assert gm.equal(x.cumsum(axis=1), x.cumsum(1))
        assert gm.equal(x.max(axis=0).values, gm.tensor([3.0, 5.0]))

    def test_numpy_functions_keep_numpys_meaning(self):
        x = gm.tensor([[1.0, 2.0], [3.0, 4.0]])
        assert np.std(x).item() == np.std(np.array([1, 2, 3, 4], "f"))
        assert np.max(x, axis=0).tolist() == [3.0, 4.0]
        assert x.std().item() == np.std(np.array([1, 2, 3, 4], "f"), ddof=1)

    def test_extremes_along_a_dim_send_the_gradient_to_one_place(self):
        x = gm.tensor([[2.0, 2.0], [2.0, 1.0]], requires_grad=True)
        x.max(1).values.sum().backward()
        assert x.grad.tolist() == [[1.0, 0.0], [1.0, 0.0]]
        x.grad = None
        x.amax(1).sum().backward()
        assert x.grad.tolist() == [[0.5, 0.5], [1.0, 0.0]]

    def test_in_place_methods_write_the_tensors_own_memory(self):
        x = gm.tensor([1.0, 4.0])
        view = x[1:]
        assert x.add_(1) is x
        assert view.tolist() == [5.0]
        x.mul_(2).sub_(1).div_(3)
        assert x.tolist() == pytest.approx([1.0, 3.0])
        assert x.copy_(gm.tensor([7.0, 8.0])).zero_().fill_(2).sqrt_().tolist() == pytest.approx([2**0.5] * 2)
        assert x.masked_fill_(gm.tensor([True, False]), 9).tolist()[0] == 9
        assert set(x.clamp_(0, 1).tolist()) == {1.0}

    def test_in_place_methods_are_on_the_tape(self):
        x = gm.tensor([1.0, 2.0], requires_grad=True)
        y = x * 2
        y.mul_(x).add_(1)
        y.sum().backward()
        assert x.grad.tolist() == [4.0, 8.0]

    def test_dtypes_are_numpys_and_pytorchs(self):
        x = gm.tensor([1.0])
        assert x.dtype == gm.float32 == np.float32 == np.dtype("f4")
        assert x.dtype != gm.float64
        assert {x.dtype: 1}[gm.float32] == 1
        assert np.zeros(2, gm.int16).dtype == np.int16
        assert x.to(gm.float64).dtype is gm.double
        assert x.type(gm.int64).tolist() == [1]
        assert gm.float32.is_floating_point and gm.complex64.is_complex and gm.int8.itemsize == 1
        assert pickle.loads(pickle.dumps(gm.float16)) is gm.float16
        assert gm.Size((2, 3)).numel() == 6 and x.shape == (1,)

    def test_whole_numbers_carry_no_gradient(self):
        x = gm.tensor([1.7], requires_grad=True)
        assert not x.long().requires_grad
        assert x.floor().requires_grad  # as PyTorch: a gradient of 0
        x.floor().sum().backward()
        assert x.grad.tolist() == [0.0]

    @pytest.mark.parametrize(
        ("act", "kind", "first", "second"),
        [
            (lambda: gm.tensor([1, 2]).mean(), OperandError, "could not infer output dtype", ".float().mean()"),
            (lambda: gm.ones(2, 2) @ gm.ones(2, 2).double(), OperandError, "same dtype", ".to(a.dtype)"),
            (lambda: gm.ones(2).mm(gm.ones(2, 2)), OperandError, "must be a matrix", "a @ b"),
            (lambda: gm.ones(2, 3).view(4, 2), ShapeError, "is invalid for input of size 6", "multiply to 6"),
            (lambda: gm.ones(1, 2, 3).t(), ShapeError, "expects a tensor with <= 2 dimensions", ".mT"),
            (lambda: gm.ones(3).split([1, 1]), ShapeError, "sum exactly to 3", "add up to 3"),
            (lambda: gm.ones(2, 3) @ gm.ones(2, 3), ShapeError, "matmul", "transpose or reshape"),
            (
                lambda: gm.ones(2, requires_grad=True).numpy(), ConversionError, "Can't call numpy() on Tensor",
                "detach().numpy()",
            ),
        ],
    )  # fmt: skip
    def test_errors_say_what_to_write(self, act, kind, first, second):
        with pytest.raises(kind) as caught:
            act()
        assert isinstance(caught.value, GradmagicError)
        assert first in str(caught.value) and second in str(caught.value)

    def test_conversion(self):
        x = gm.tensor([[1.0, 2.0]])
        assert x.tolist() == [[1.0, 2.0]]
        assert (x.numpy() is not None and x.numpy().base is not None) or x.numpy() is x.array
        x.numpy()[0, 0] = 5
        assert x[0, 0].item() == 5
        assert x.cpu() is x and x.to("cpu") is x and x.float() is x
        assert x.new_tensor([1, 2]).dtype == gm.float32 and x.new_ones(2).tolist() == [1.0, 1.0]
        assert x.device == "cpu" and not x.is_cuda


# ---- Array ------------------------------------------------------------------------------------------------------

A = np.array([[3.0, -1.0, 2.0], [0.5, 4.0, 1.5]])


def lifted(a=A):
    return Array.lift(a, share=False)


def plain(value):
    """What a lifted value is without the lifting."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return value.array if type(value) is Array else value


METHODS = """
x.all()|x.any(axis=1)|x.argmax()|x.argmax(axis=0)|x.argmin()|x.argpartition(1)|x.argsort()|x.argsort(axis=0)|
x.astype(np.float32)|x.astype(int)|x.clip(0,2)|x.clip(min=0)|x.clip(max=1)|x.compress([True,False],axis=0)|x.conj()|
x.conjugate()|x.copy()|x.cumprod()|x.cumprod(axis=1)|x.cumsum()|x.cumsum(axis=0)|x.diagonal()|x.diagonal(1)|x.dot(x.T)|
x.flatten()|x.flatten('F')|x.item(1)|x.item(0,2)|x.max()|x.max(axis=0)|x.max(axis=1,keepdims=True)|x.mean()|
x.mean(axis=0)|x.min()|x.min(axis=1)|x.nonzero()|x.prod()|x.prod(axis=0)|x.ravel()|x.repeat(2)|x.repeat(2,axis=0)|
x.reshape(3,2)|x.reshape((6,))|x.reshape(-1)|x.reshape(3,-1,order='F')|x.round()|x.round(1)|x.searchsorted|
x.squeeze()|x.std()|x.std(axis=0)|x.std(ddof=1)|x.sum()|x.sum(axis=0)|x.sum(0,keepdims=True)|x.swapaxes(0,1)|
x.take([0,3])|x.take([1,0],axis=1)|x.tobytes()|x.tolist()|x.trace()|x.transpose()|x.transpose(1,0)|x.transpose((1,0))|
x.var()|x.var(axis=1,ddof=1)|x.view()|x.T|x.mT|x.real|x.imag|x.shape|x.dtype|x.ndim|x.size|x.itemsize|x.nbytes|
x.strides|x.flat[2]|list(x.flat)|len(x.flat)|x.flat.copy()|x.device|x.flags.c_contiguous|x.sum(dtype=np.float32)|
x[0].searchsorted(1.0)|x.choose|x.base is None or True|str(x)|repr(x)|f'{x}'|len(x)|x[1,2]|x[:,0]|(x>1).sum()|
x.max(initial=9)|x.sum(where=A>0)|np.asarray(x)|x.__class__|isinstance(x,np.ndarray)|2.0 in x|x.tolist()[0][1]|
x.cumsum(1)[0].tolist()|x[0].item(2)|x.astype('f4').dtype|x.std(0,keepdims=True)|x.mean(dtype=np.float32)
"""
NAMES = {"x.searchsorted", "x.choose"}


@pytest.mark.parametrize("expression", [e.strip() for e in METHODS.replace("\n", "").split("|")])
def test_an_array_is_an_ndarray(expression):
    mine = eval(expression, {"x": lifted(), "A": A, "np": np})
    theirs = eval(expression, {"x": A, "A": A, "np": np})
    if expression in NAMES:
        assert callable(mine)
        return
    mine = plain(mine)
    if isinstance(mine, list) and mine and type(mine[0]) is Array:
        mine = [plain(v) for v in mine]
    np.testing.assert_array_equal(mine, theirs)
    assert type(mine) is type(theirs)


def test_every_public_name_of_ndarray_is_there():
    x = lifted()
    # NumPy 2.0 still lists names that it no longer has (ptp ...).
    public = [name for name in dir(np.ndarray) if not name.startswith("__") and hasattr(A, name)]
    missing = [name for name in public if not hasattr(x, name)]
    assert missing == []
    assert dir(x) == dir(A)


GRADIENTS = {
    "sum": (lambda x: x.sum(), np.ones_like(A)),
    "mean": (lambda x: x.mean(), np.full_like(A, 1 / 6)),
    "max": (lambda x: x.max(), (A == 4).astype(float)),
    "min": (lambda x: x.min(axis=0).sum(), np.array([[0, 1, 0], [1, 0, 1]])),
    "var": (lambda x: x.var(), 2 * (A - A.mean()) / 6),
    "reshape": (lambda x: (x.reshape(3, 2) * np.arange(6).reshape(3, 2)).sum(), np.arange(6).reshape(2, 3)),
    "transpose": (lambda x: (x.T * np.arange(6).reshape(3, 2)).sum(), np.arange(6).reshape(3, 2).T),
    "astype": (lambda x: x.astype(np.float32).sum() * 2, np.full_like(A, 2)),
    "clip": (lambda x: x.clip(0, 2).sum(), ((A >= 0) & (A <= 2)).astype(float)),
    "dot": (lambda x: x.dot(np.array([1.0, 2.0, 3.0])).sum(), np.array([[1.0, 2, 3]] * 2)),
    "take": (lambda x: x.take([0, 0, 5]).sum(), np.array([[2, 0, 0], [0, 0, 1]])),
    "flat": (lambda x: x.flat[2] * 3 + sum(x.flat), np.array([[1, 1, 4], [1, 1, 1]])),
    "flatten": (lambda x: x.flatten("F")[1] * 2, np.array([[0, 0, 0], [2, 0, 0]])),
    "cumsum": (lambda x: x.cumsum().sum(), np.array([[6, 5, 4], [3, 2, 1]])),
    "diagonal": (lambda x: x.diagonal().sum() + x.trace(), np.array([[2, 0, 0], [0, 2, 0]])),
    "repeat": (lambda x: x.repeat(3).sum(), np.full_like(A, 3)),
    "prod": (lambda x: x.prod(axis=1).sum(), A.prod(axis=1, keepdims=True) / A),
    "copy": (lambda x: (x.copy() * x.view()).sum(), 2 * A),
    "real": (lambda x: x.real.sum() + x.conj().sum(), np.full_like(A, 2)),
    "compress": (lambda x: x.compress([False, True], axis=0).sum(), np.array([[0, 0, 0], [1, 1, 1]])),
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_flow_through_methods(name):
    f, expected = GRADIENTS[name]
    np.testing.assert_allclose(gm.grad(f)(A), expected)


IN_PLACE = {
    "fill": lambda x: x.fill(2.5),
    "sort": lambda x: x.sort(),
    "sort axis": lambda x: x.sort(axis=0),
    "partition": lambda x: x.partition(1),
    "put": lambda x: x.put([0, 4], [10.0, 20.0]),
    "put one": lambda x: x.put([0, -1], 5),
    "flat": lambda x: x.flat.__setitem__(slice(1, 4), 7.0),
    "flat all": lambda x: setattr(x, "flat", [1.0, 2.0]),
    "real": lambda x: setattr(x, "real", 3.0),
    "item": lambda x: x.__setitem__((0, 1), 8.0),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_writing_methods_reach_the_users_array(name):
    mine, theirs = A.copy(), A.copy()
    x = Array.lift(mine)
    IN_PLACE[name](x)
    IN_PLACE[name](theirs)
    np.testing.assert_array_equal(x.array, theirs)
    np.testing.assert_array_equal(mine, theirs)


def test_a_sort_in_place_is_on_the_tape():
    def f(x):
        y = x * 1.0
        y.sort()
        return (y * np.array([1.0, 10.0, 100.0])).sum()

    assert gm.grad(f)(np.array([3.0, 1.0, 2.0])).tolist() == [100.0, 1.0, 10.0]


def test_a_lifted_number_has_what_a_number_has():
    x = Array.lift(2.5, share=False)
    assert isinstance(x, float) and not hasattr(x, "sum") and not hasattr(x, "shape")
    with pytest.raises(AttributeError, match="'float' object has no attribute 'reshape'"):
        x.reshape(1)
    assert plain(x.real) == 2.5 and plain(x.conjugate()) == 2.5 and x.is_integer() is False
    assert round(x) == 2 and round(x, 1) == 2.5 and np.floor(2.5) == x.__floor__()
    n = Array.lift(7, share=False)
    assert isinstance(n, int) and list(range(n)) == list(range(7)) and n.bit_length() == 3
    assert type(plain(x * 2)) is float and type(plain(n + 1)) is int


def test_what_cannot_be_followed_says_what_to_write():
    x = lifted()
    with pytest.raises(AttributeError, match="astype"):
        x.dtype = np.int64
    with pytest.raises(TypeError, match=r"np\.resize"):
        x.resize(7)


def test_a_retained_gradient_keeps_nothing_alive():
    before = len(HOOKS)
    x = gm.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    y.retain_grad()
    y.sum().backward()
    assert y.grad.tolist() == [1.0, 1.0]
    del y
    assert len(HOOKS) == before
