"""SciPy's functions on tracked values: each has a rule, is constant or is refused; what is kept, what is said."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import gradmagic as gm

special = pytest.importorskip("scipy.special")
linalg = pytest.importorskip("scipy.linalg")

from gradmagic import errors  # noqa: E402
from gradmagic.engine.derivatives.ordered import FOLLOWED, REFUSED  # noqa: E402
from gradmagic.engine.derivatives.scipy import linalg as scipy_linalg  # noqa: E402
from gradmagic.engine.derivatives.scipy import special as table  # noqa: E402
from gradmagic.engine.rules.declare import RULES  # noqa: E402
from gradmagic.engine.rules.rule import CONSTANT  # noqa: E402

assert table and scipy_linalg
UFUNCS = {name: f for name in dir(special) if isinstance(f := getattr(special, name), np.ufunc)}
X = np.array([[2.0, 0.3], [0.1, 1.0]])


def tensor(x: object) -> gm.Tensor:
    return gm.tensor(np.asarray(x, float), requires_grad=True)


def test_importing_gradmagic_does_not_import_scipy() -> None:
    code = "import sys, numpy as np, gradmagic as gm; gm.grad(np.sin)(1.0); print('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_the_table_is_loaded_by_the_first_function_that_meets_a_tracked_value() -> None:
    code = """
import sys, scipy.special, gradmagic as gm
before = "gradmagic.engine.derivatives.scipy.special" in sys.modules
print(before, gm.grad(scipy.special.erf)(0.0) == 2 / 3.141592653589793 ** 0.5)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "False True\n", run.stderr


@pytest.mark.parametrize("name", UFUNCS)
def test_every_ufunc_has_a_rule_or_is_constant_or_refused(name: str) -> None:
    assert (UFUNCS[name] in RULES) != (UFUNCS[name] in REFUSED)


@pytest.mark.parametrize("name", [name for name, f in UFUNCS.items() if f in REFUSED])
def test_what_is_refused_is_named_with_the_reason(name: str) -> None:
    function = UFUNCS[name]
    args = [tensor(0.5)] + [0.5] * (function.nin - 1)
    with pytest.raises(errors.ArgumentError, match=f"{function.__name__} has no derivative in gradmagic"):
        function(*args)


@pytest.mark.parametrize(
    "name", [n for n, f in UFUNCS.items() if getattr(RULES.get(f), "fixed", ())]
)  # fmt: skip
def test_an_order_that_carries_a_gradient_is_refused_by_number(name: str) -> None:
    function = UFUNCS[name]
    for i in RULES[function].fixed:
        args = [1.0 if k != i else tensor(1.0) for k in range(function.nin)]
        with pytest.raises(
            errors.ArgumentError,
            match=rf"{RULES[function].name} has no derivative by its argument number {i + 1}",
        ):
            function(*args)


def test_whole_orders_and_detached_ones_pass() -> None:
    n = gm.tensor(2)
    x = tensor(1.5)
    special.jv(n, x).backward()
    np.testing.assert_allclose(x.grad.numpy(), special.jvp(2, 1.5))


def test_formulas_are_readable() -> None:
    for name, function in UFUNCS.items():
        rule = RULES.get(function)
        if rule is None or rule is CONSTANT or rule.kind != "elementwise":
            continue
        for i in range(len(rule.partials)):
            text, _ = rule.formula(i)
            assert text or name == "voigt_profile", name  # its derivatives are no single expression
            assert len(text) < 120, name
    assert RULES[special.expit].formula(0)[0] == "y * (1 - y)"


def test_values_are_scipys_bit_for_bit() -> None:
    x = np.linspace(0.05, 3, 50)
    for f in special.expit, special.erf, special.gammaln, special.digamma, special.ndtri, special.j0:
        np.testing.assert_array_equal(f(tensor(x)).detach().numpy(), f(x))
    for name in "inv det expm sqrtm logm svdvals pinv norm".split():
        ours = FOLLOWED["scipy.linalg"][name](tensor(X))
        np.testing.assert_array_equal(ours.detach().numpy(), getattr(linalg, name)(X))


def test_conventions_where_x_is_0() -> None:
    # PyTorch's for xlogy; those of the values for the entropies.
    assert gm.grad(special.xlogy, (0, 1))(0.0, 0.0) == (0.0, 0.0)
    assert gm.grad(special.xlogy)(0.0, 2.0) == np.log(2.0)
    assert gm.grad(special.rel_entr, 1)(0.0, 0.0) == 0.0
    assert gm.grad(special.kl_div, 1)(0.0, 0.5) == 1.0
    assert gm.grad(special.entr)(0.0) == np.inf
    assert gm.grad(special.rgamma)(-2.0) == 2.0
    assert gm.grad(special.spence)(1.0) == -1.0
    assert gm.grad(special.i1)(0.0) == 0.5
    assert gm.grad(gm.grad(special.ellipk))(0.0) == pytest.approx(9 * np.pi / 64, rel=1e-12)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (special.expit, 40.0, np.exp(-40.0)),
        (special.log_ndtr, -40.0, 40.024968847207266),
        (special.erfcx, 1e6, -1 / (np.sqrt(np.pi) * 1e12)),
        (special.dawsn, 1e6, -0.5e-12),
        (special.exprel, 1e-9, 0.5),
        (special.ellipk, 1e-12, np.pi / 8),
    ],
)  # fmt: skip
def test_tails_and_removable_singularities_are_accurate(function: object, x: float, expected: float) -> None:
    assert gm.grad(function)(x) == pytest.approx(expected, rel=1e-9)


def test_lists_and_nothing_tracked_are_scipys_own() -> None:
    inv, lse = FOLLOWED["scipy.linalg"]["inv"], FOLLOWED["scipy.special"]["logsumexp"]
    assert type(inv([[2.0]])) is np.ndarray
    assert lse([1.0, 2.0]) == special.logsumexp([1.0, 2.0])
    with gm.no_grad():
        assert not inv(tensor(X)).requires_grad


def test_settings_that_only_say_how_pass_and_the_caller_s_array_is_kept() -> None:
    a = tensor(X)
    kept = a.detach().numpy().copy()
    y = FOLLOWED["scipy.linalg"]["inv"](a, overwrite_a=True, check_finite=False)
    y.sum().backward()
    np.testing.assert_array_equal(a.detach().numpy(), kept)
    np.testing.assert_allclose(a.grad.numpy(), -linalg.inv(X).T @ np.ones((2, 2)) @ linalg.inv(X).T)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("eigh", {"b": np.eye(2)}),
        ("eigh", {"subset_by_index": [0, 0]}),
        ("qr", {"pivoting": True}),
        ("solve", {"b": np.ones(2), "assume_a": "tridiagonal"}),
    ],
)
def test_settings_without_a_derivative_are_named(name: str, settings: dict[str, object]) -> None:
    with pytest.raises(errors.ArgumentError, match=rf"scipy\.linalg\.{name}.*no derivative"):
        FOLLOWED["scipy.linalg"][name](tensor(X), **settings)


def test_logsumexp_of_nothing_but_minus_infinity_has_a_zero_gradient() -> None:
    x = tensor([-np.inf, -np.inf])
    FOLLOWED["scipy.special"]["logsumexp"](x).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 0.0])


def test_expm_of_a_batch_and_its_second_derivative() -> None:
    expm = FOLLOWED["scipy.linalg"]["expm"]
    gm.check_grads(expm, (X,), order=2)
    x = tensor([X, 2 * X])
    expm(x).sum().backward()
    one = gm.grad(lambda a: np.sum(expm(a)))
    np.testing.assert_allclose(x.grad.numpy(), [one(X), one(2 * X)])


def test_outside_of_a_traced_call_scipy_linalg_refuses_a_tensor() -> None:
    with pytest.raises(errors.ConversionError, match="its gradient would be lost"):
        linalg.inv(tensor(X))


def test_a_real_argument_of_a_complex_function_has_a_real_gradient():
    for x in (0.3, np.float64(0.3), np.array([0.3]), np.float32(0.3)):
        g = gm.grad(lambda x: np.sum(np.real(special.wofz(x))))(x)
        assert not np.iscomplexobj(g)
        np.testing.assert_allclose(g, -0.548358711162737, rtol=1e-5)


def test_a_function_of_scipy_is_differentiated_by_itself():
    x = np.array([0.3, 1.0, -0.2])
    np.testing.assert_allclose(gm.grad(special.logsumexp)(x), special.softmax(x))
    np.testing.assert_allclose(gm.jacobian(linalg.inv)(np.array([[2.0]])), [[[[-0.25]]]])


@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
@pytest.mark.parametrize(
    "function", [lambda a: linalg.sqrtm(a), lambda a: linalg.logm(a)], ids=["sqrtm", "logm"]
)
def test_functions_of_a_matrix_with_a_negative_eigenvalue(function):
    a = np.array([[-2.0, 0.3, 0.1], [0.2, 1.5, -0.4], [0.0, 0.6, 3.0]])
    assert np.iscomplexobj(function(a))
    gm.check_grads(
        lambda a: np.imag(function(a)) + np.real(function(a)), (a,), order=1, method="central", rtol=1e-5
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("f", "first"),
    [
        (special.expn, (0.4,)),
        (special.expn, (2.6,)),
        (special.yn, (0.4,)),
        (special.kn, (0.4,)),
        (special.bdtr, (0.4, 3.6)),
        (special.bdtrc, (1.7, 3.6)),
        (special.nbdtr, (1.7, 3.6)),
        (special.nbdtrc, (0.4, 0.9 + 1)),
    ],
    ids=str,
)
def test_orders_that_scipy_cuts_to_whole_numbers_are_cut_in_the_derivative_too(f, first) -> None:
    slope = (f(*first, 0.52 + 1e-6) - f(*first, 0.52 - 1e-6)) / 2e-6
    np.testing.assert_allclose(gm.grad(lambda x: f(*first, x))(0.52), slope, rtol=1e-6)
