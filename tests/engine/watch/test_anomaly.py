"""detect_anomaly names the operation that makes the first NaN or infinity, and no other, forward and backward."""

import re
import sys
import warnings

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.engine.core.nonfinite import oddness
from gradmagic.engine.tape import modes
from gradmagic.engine.tape.modes import mode_now, settings
from gradmagic.engine.watch.recorder import Recorder
from gradmagic.errors import AnomalyError

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def leaf(*values):
    return gm.tensor(np.array(values), requires_grad=True)


def message(function, *args, **options) -> str:
    with pytest.raises(AnomalyError) as caught, gm.detect_anomaly(**options):
        function(*args)
    return str(caught.value)


x = leaf(1.0, 0.0, 2.0)
holed = leaf(1.0, np.nan)
w = gm.tensor(np.ones((2, 2)), requires_grad=True)
u = gm.tensor(np.eye(2), requires_grad=True)
mask = np.array([0.0, -np.inf, 0.0])

# what makes it -> the words of the message; the ways that nodes are made in: operators, ufuncs, functions, sequences
FORWARD = {
    "unary": (lambda: np.log(x), r"^log \(np.log\(x\), line \d+ of test_anomaly.py\) makes -inf from x = \[1. 0. 2.\]"),
    "entry": (lambda: np.log(x), r"first at \[1\], where x is 0\. Its inputs are finite"),
    "reflected": (lambda: 1 / x, r"makes inf from the constant = 1, x = .* where the constant is 1 and x is 0"),
    "number": (lambda: x / 0.0, r"makes NaN from x = .*, the constant = 0"),
    "two of one shape": (lambda: x / x, r"makes NaN from x = \[1. 0. 2.\] \(shape \(3,\)\); first at \[1\]"),
    "broadcast": (lambda: w / x[:2], r"makes inf from w = .*, argument 2 = .*first at \[0, 1\], where w is 1 and"),
    "plain array": (lambda: x * mask, r"multiply .* makes NaN from x = .*, mask = .*where x is 0 and mask is -inf"),
    "not finite": (lambda: x * mask, r"Its inputs are not NaN: it is the first to make NaN"),
    "reduction": (lambda: np.sum(x + 1.7e308), r"^sum .*makes inf from argument 1 = .*Its inputs are finite.*infinity"),
    "general": (lambda: np.linalg.inv(u * 1e-320), r"^inv .*makes (inf|NaN) from argument 1"),
    "sequence": (lambda: np.concatenate([x, np.log(x)]), r"^log "),
    "within a composed function": (lambda: np.corrcoef(np.stack([x * 0.0, x])), r"^\w+ .* makes NaN"),
    "number inside": (lambda: gm.grad(lambda a: np.log(a - 2.0))(2.0), r"^log .* makes -inf from argument 1 = 0"),
    "of a function": (lambda: gm.grad(lambda a: np.sum(np.log(a)))(np.zeros(2)), r"makes -inf from a = \[0. 0.\]"),
    "complex": (lambda: gm.tensor(0j, requires_grad=True) ** -1.0, r"^power .* makes (NaN|inf)"),
    "given": (lambda: holed * 2, r"^holed = \[ 1. nan\] \(shape \(2,\)\) is NaN at \[1\] before anything"),
    "passed on": (lambda: holed * 2, r"multiply \(holed \* 2, line \d+ of test_anomaly.py\) only passes it on"),
    "given constant": (lambda: x * np.nan, r"^the constant = nan is NaN before anything"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORWARD)
def test_forward(what):
    compute, words = FORWARD[what]
    assert re.search(words, message(compute))


def test_the_producer_is_named_not_those_who_pass_it_on():
    def f(x):
        at.append(sys._getframe().f_lineno + 1)
        a = np.sqrt(x - 3.0)
        b = a * 2.0
        return np.sum(np.exp(b) + b)

    at = []
    text = message(f, leaf(4.0, 1.0))
    assert text.startswith(f"sqrt (np.sqrt(x - 3.0), line {at[0]} of test_anomaly.py) makes NaN")
    with warnings.catch_warnings(record=True) as seen, gm.detect_anomaly(forward="warn"):
        warnings.resetwarnings()
        with np.errstate(all="ignore"):
            f(leaf(4.0, 1.0))
    assert [(w.category, w.filename, w.lineno) for w in seen] == [(RuntimeWarning, __file__, at[0])]


def test_infinity_that_the_user_gave_is_no_anomaly():
    with gm.detect_anomaly():
        y = np.exp(x + mask)
    assert y.tolist() == [np.e, 0.0, np.exp(2.0)]


def test_only_nan_if_that_is_asked_for():
    with gm.detect_anomaly(infinite=False):
        y = np.log(x)
        np.log(x).sum().backward()
    assert "multiply" in message(lambda: y * 0.0, infinite=False)


def sqrt_sum(x):
    return np.sqrt(x).sum()


BACKWARD = {
    "infinite": (
        lambda: sqrt_sum(x).backward(),
        r"^Function 'SqrtBackward0' returned infinite values in its 0th output: on the way back, sqrt \(np.sqrt\(x\), "
        r"line \d+ of test_anomaly.py\) makes the gradient of x \(shape \(3,\)\) infinite, first at \[1\]: its "
        r"derivative by x \(0.5 / result\) is inf there, the result is 0, what came in is 1\. The gradient that came "
        r"in is finite: it is the first to make infinity\.$",
    ),
    "0 * inf": (
        lambda: gm.grad(lambda a: np.sum(np.where(a > 0, np.sqrt(a), 0.0)))(np.array([0.0, 4.0])),
        r"SqrtBackward0' returned nan values .*is inf there, the result is 0, what came in is 0",
    ),
    "by the second": (
        lambda: gm.grad(lambda a, b: a**b, argnums=0)(np.float64(0.0), 0.5),
        r"PowBackward0' returned infinite values in its 0th output.*the input is 0",
    ),
    "second order": (lambda: gm.grad(gm.grad(lambda a: a**1.5))(np.float64(0.0)), r"returned infinite values"),
    "not elementwise": (
        lambda: gm.grad(lambda a: np.sum(np.linalg.inv(a)))(np.eye(2) * 1e-200),
        r"^Function '\w*Inv\w*Backward0' returned (nan|infinite) values",
    ),
    "a sum": (
        lambda: gm.grad(lambda a: np.sum(a * 1.7e308 + a * 1.7e308))(np.zeros(2)),
        r"^the gradient of an input \(float64\[2\]\) is infinite, and each of its contributions is finite",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BACKWARD)
def test_backward(what):
    compute, words = BACKWARD[what]
    assert re.search(words, message(compute))


def test_forward_mode():
    def f(x):
        y = np.sqrt(x)
        return y * 2.0

    text = message(lambda: gm.jvp(f, (np.array([4.0, 0.0]),), (np.array([1.0, 1.0]),)))
    assert re.fullmatch(
        r"in forward mode, sqrt \(np\.sqrt\(x\), line \d+ of test_anomaly\.py\) makes the tangent of its result "
        r"infinite, first at \[1\]: its derivative \(0\.5 / result\) is inf there, the result is 0, what came in is 1"
        r"\. "
        r"What came in is finite: it is the first to make infinity\.",
        text,
    )
    assert "makes the tangent of its result NaN" in message(
        lambda: gm.jvp(f, (np.zeros(2),), (np.array([0.0, 0.0]),))
    )
    with gm.detect_anomaly():
        gm.jvp(f, (np.array([4.0, 1.0]),), (np.array([1.0, 0.0]),))
        gm.jvp(f, (np.array([4.0, 1.0]),), (np.array([np.inf, 0.0]),))


def test_the_first_on_the_way_back_is_named_not_those_who_pass_it_on():
    def f(x):
        a = np.tanh(x)
        b = np.sqrt(a)
        return np.sum(b * 3.0)

    assert "'SqrtBackward0'" in message(lambda: gm.grad(f)(np.zeros(2)))


def test_a_seed_that_is_not_finite_is_the_users():
    y = x * 2.0
    with gm.detect_anomaly():
        y.backward(np.array([np.nan, np.inf, 1.0]))


def test_forward_may_be_left_alone():
    with gm.detect_anomaly(forward="ignore"):
        y = np.log(x)
    with pytest.raises(AnomalyError, match="LogBackward0"), gm.detect_anomaly(forward="ignore"):
        y.sum().backward()


def test_within_a_recorder_both_see_everything():
    recorder = Recorder()
    z = leaf(0.25, 4.0)
    with modes.watch(recorder), gm.detect_anomaly():
        y = np.sqrt(z).sum()
        y.backward()
    assert recorder.total == 2 and recorder.grads[z.node.number].items == (1.0, 0.25)
    with modes.watch(Recorder()) as recorder, pytest.raises(AnomalyError), gm.detect_anomaly():
        np.log(x)
    assert recorder.total == 1  # the operation that failed is in the report
    with gm.detect_anomaly(), modes.watch(Recorder()), pytest.raises(AnomalyError):
        np.log(x)


def test_nothing_stays_behind():
    for broken in (lambda: np.log(x), lambda: sqrt_sum(x).backward()):
        message(broken)
        assert settings().observer is None and settings().guards == () and mode_now() is None


def test_as_a_decorator_and_by_pytorchs_names():
    @gm.detect_anomaly()
    def f():
        return np.log(x)

    with pytest.raises(AnomalyError):
        f()
    with (
        pytest.raises(RuntimeError, match="returned nan values"),
        gm.autograd.detect_anomaly(True, forward="ignore"),
    ):
        np.where(x > 0, np.sqrt(x), 0.0).sum().backward()
    with gm.autograd.set_detect_anomaly(True):
        assert gm.is_anomaly_enabled()
        with gm.set_detect_anomaly(False):
            np.log(x)
        assert gm.is_anomaly_enabled()
    gm.set_detect_anomaly(True)
    with pytest.raises(AnomalyError):
        np.log(x)
    gm.set_detect_anomaly(False)
    np.log(x)
    with gm.detect_anomaly(check_nan=False):
        np.log(x)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([1e308, 1e308]), (False, False)),
        (np.array([np.inf, -np.inf]), (False, True)),
        (np.array([np.nan, 1]), (True, False)),
        (np.array([1 + 1j, complex(np.nan, 0)]), (True, False)),
        (np.array([], float), (False, False)),
        (np.array([1, 2]), (False, False)),
        (np.array(["a"]), (False, False)),
        (np.float32(np.inf), (False, True)),
        (float("inf"), (False, True)),
        (float("nan"), (True, False)),
        ([np.array([1.0]), None, np.array([np.nan, np.inf])], (True, True)),
    ],
)
def test_oddness(value, expected):
    assert oddness(value) == expected
