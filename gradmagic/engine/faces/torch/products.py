"""PyTorch's products with something added, decompositions and distances: rows over NumPy's linear algebra.

In: Tensors of vectors and matrices. Out: Tensors. `gm.linalg` has the same under its own names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ....language import mark, tr
from ...core import arrays
from ...tape.tracked import Tracked, raw
from . import matrices, reductions
from .arguments import named_results, shown
from .math import OperandError, titled

# ---- a product, and a tensor added -------------------------------------------------------------------------------


def _added(
    name: str, ndims: tuple[int, int], product: Callable[[Any, Any], Any], whole: bool
) -> Callable[..., Any]:
    words = (mark("vector"), mark("matrix"), mark("batch of matrices"))

    def f(input: Any, first: Any, second: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
        first, second = (v if isinstance(v, Tracked) else input.wrap(v, None) for v in (first, second))
        for x, ndim in zip((first, second), ndims, strict=True):
            if np.ndim(raw(x)) != ndim:
                raise OperandError(tr(
                    "{name}: expected a {kind} ({ndim}-D), but got {given}-D. Write a @ b + c for products "
                    "of other shapes.", name=name, kind=tr(words[ndim - 1]), ndim=ndim, given=np.ndim(raw(x)),
                ))  # fmt: skip
        if input.array.dtype.kind in "iub":
            whole_number = bool if input.array.dtype.kind == "b" else int
            beta, alpha = whole_number(beta), whole_number(alpha)
        made = product(first, second)
        made = made if alpha == 1 else alpha * made
        if beta == 0:  # what is not a number in it does not count
            return made
        made = (input if beta == 1 else beta * input) + made
        return shown(made, f"{name.title()}Backward0")

    text = f"As `torch.{name}`: beta * input + alpha * (the product of the two others)."
    if whole:
        text = text[:-2] + ", summed over the batch)."
    return titled(f, name, text)


def _matmul(a: Any, b: Any) -> Any:
    return matrices.matmul(a, b)


def _outer(a: Any, b: Any) -> Any:
    return a[:, None] * b


PRODUCTS: dict[str, Callable[..., Any]] = {
    "addmv": _added("addmv", (2, 1), _matmul, False), "addr": _added("addr", (1, 1), _outer, False),
    "baddbmm": _added("baddbmm", (3, 3), _matmul, False),
    "addbmm": _added("addbmm", (3, 3), lambda a, b: reductions.sum(_matmul(a, b), 0), True),
}  # fmt: skip


def vdot(input: Any, other: Any) -> Any:
    """As `torch.vdot`: the sum of products, the first conjugated."""
    return np.vdot(input, other)


def kron(input: Any, other: Any) -> Any:
    """As `torch.kron`: each entry of one times the whole other."""
    return np.kron(input, other)


def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """As `torch.cross`: the vector that stands on both; along `dim`, else the first dim of size 3."""
    if dim is None:
        dim = next((i for i, n in enumerate(np.shape(input.array)) if n == 3), None)
        if dim is None:
            raise OperandError(tr(
                "no dimension of size 3 in input. Write the vectors of three along one dim.",
            ))  # fmt: skip
    a, b = np.broadcast_arrays(input, other)
    picked = [[np.take(x, [(i + k) % 3 for i in range(3)], dim) for k in (1, 2)] for x in (a, b)]
    return shown(picked[0][0] * picked[1][1] - picked[0][1] * picked[1][0], "LinalgCrossBackward0")


# ---- distances ---------------------------------------------------------------------------------------------------


def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str | None = None) -> Any:
    """As `torch.cdist`: the distance of order `p` between each row of one and each row of the other."""
    if np.ndim(x1.array) < 2 or np.ndim(raw(x2)) < 2:
        raise OperandError(tr(
            "cdist only supports at least 2D tensors, X1 got: 1D. Write x[None] for one row.",
        ))  # fmt: skip
    if np.shape(x1.array)[-1] != np.shape(raw(x2))[-1]:
        raise OperandError(tr(
            "X1 and X2 must have the same number of columns. X1: {first} X2: {second}. Each row is a point.",
            first=np.shape(x1.array)[-1], second=np.shape(raw(x2))[-1],
        ))  # fmt: skip
    apart = np.expand_dims(x1, -2) - np.expand_dims(x2, -3)
    return shown(np.linalg.norm(apart, ord=p, axis=-1), "CdistBackward0")


def pdist(input: Any, p: float = 2.0) -> Any:
    """As `torch.pdist`: the distance of order `p` between each two rows, each pair once."""
    rows, columns = np.triu_indices(np.shape(input.array)[0], 1)
    return shown(np.linalg.norm(input[rows] - input[columns], ord=p, axis=-1), "PdistBackward0")


# ---- functions of matrices ---------------------------------------------------------------------------------------


def matrix_exp(input: Any) -> Any:
    """As `torch.matrix_exp`: exp of a matrix, by a Taylor polynomial of degree 18 of a part that is then squared.

    The part is A / 2**s with a norm below 1/2, where the polynomial's remainder is below 1e-20 (N. Higham, *Functions
    of Matrices*, 2008, section 10.3).
    """
    a = input
    size = np.max(np.sum(np.absolute(a.array), axis=-2)) if np.size(a.array) else 0.0
    size = float(arrays.to_host(size))
    s = max(0, math.ceil(math.log2(size)) + 1) if size > 0 and math.isfinite(size) else 0
    one = arrays.from_host(np.eye(np.shape(a.array)[-1], dtype=a.array.dtype), a.array)
    a = a / 2**s
    made = one + a / 18
    for k in range(17, 0, -1):
        made = one + a @ made / k
    for _ in range(s):
        made = made @ made
    return shown(made, "LinalgMatrixExpBackward0")


def matrix_power(input: Any, n: int) -> Any:
    """As `torch.matrix_power`: the matrix times itself, n times."""
    return np.linalg.matrix_power(input, n)


def logdet(input: Any) -> Any:
    """As `torch.logdet`: log(det(input)); NaN where that is negative."""
    sign, log = np.linalg.slogdet(input)
    return np.where(raw(sign) < 0, np.nan, log) if not input.is_complex() else log + np.log(sign)


def slogdet(input: Any) -> Any:
    """As `torch.slogdet`: (sign, logabsdet) of the determinant."""
    return _SLOGDET(*np.linalg.slogdet(input))


_SLOGDET = named_results("slogdet", "sign logabsdet")


def svd(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """As `torch.svd`: (U, S, V) with input = U @ diag(S) @ V.mH; `gm.linalg.svd` gives V.mH instead."""
    u, s, vh = np.linalg.svd(input, full_matrices=not some)
    return _SVD(u, s, np.conjugate(np.swapaxes(vh, -1, -2)))


def qr(input: Any, some: bool = True) -> Any:
    """As `torch.qr`: (Q, R)."""
    return _QR(*np.linalg.qr(input, mode="reduced" if some else "complete"))  # type: ignore[call-overload]


_SVD, _QR = named_results("svd", "U S V"), named_results("qr", "Q R")


def _upright(upper: bool, made: Any) -> Any:
    return _adjoint(made) if upper else made


def _adjoint(a: Any) -> Any:
    a = np.swapaxes(a, -1, -2)
    return np.conjugate(a) if raw(a).dtype.kind == "c" else a


def cholesky(input: Any, upper: bool = False) -> Any:
    """As `torch.cholesky`: the lower triangle whose product with its transpose is the matrix."""
    return shown(_upright(upper, np.linalg.cholesky(input)), "CholeskyBackward0")


def cholesky_solve(B: Any, L: Any, upper: bool = False) -> Any:
    """As `torch.cholesky_solve`: X with A @ X = B, where L is the Cholesky triangle of A."""
    low = _upright(upper, L)  # PyTorch's gradient is that by all of L, and its values read one triangle
    return shown(np.linalg.solve(_adjoint(low), np.linalg.solve(low, B)), "CholeskySolveBackward0")


def cholesky_inverse(L: Any, upper: bool = False) -> Any:
    """As `torch.cholesky_inverse`: the inverse of the matrix whose Cholesky triangle is L."""
    low = _upright(upper, L)
    return shown(np.linalg.inv(low @ _adjoint(low)), "CholeskyInverseBackward0")


def pinverse(input: Any, rcond: float = 1e-15) -> Any:
    """As `torch.pinverse`: the pseudoinverse."""
    return np.linalg.pinv(input, rcond)


def triangular_solve(
    b: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """As `torch.triangular_solve`: (solution, A) with A @ solution = b for a triangular A."""
    made = solve_triangular(np.swapaxes(A, -1, -2) if transpose else A, b, upper=upper != transpose,
                            unitriangular=unitriangular)  # fmt: skip
    return _TRIANGULAR(made, A)


def solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    """As `torch.linalg.solve_triangular`: X with A @ X = B (or X @ A = B), reading one triangle of A."""
    part = np.triu(A, 1 if unitriangular else 0) if upper else np.tril(A, -1 if unitriangular else 0)
    if unitriangular:
        part = part + arrays.from_host(np.eye(np.shape(raw(A))[-1], dtype=raw(A).dtype), raw(A))
    if left:
        made = np.linalg.solve(part, B)
    else:
        made = np.swapaxes(np.linalg.solve(np.swapaxes(part, -1, -2), np.swapaxes(B, -1, -2)), -1, -2)
    return shown(made, "LinalgSolveTriangularBackward0")


_TRIANGULAR = named_results("triangular_solve", "solution cloned_coefficient")


def ger(input: Any, vec2: Any) -> Any:
    """As `torch.ger`: each entry of one vector times each of the other."""
    return matrices.outer(input, vec2)


_FUNCTIONS = (
    "vdot kron cross matrix_exp matrix_power logdet slogdet svd qr cholesky cholesky_solve cholesky_inverse pinverse "
    "triangular_solve ger"
).split()
PRODUCTS |= {name: globals()[name] for name in _FUNCTIONS}
FUNCTIONS_ONLY: dict[str, Callable[..., Any]] = {"cdist": cdist, "pdist": pdist}
