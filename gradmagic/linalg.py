"""PyTorch's names of linear algebra: `gm.linalg.norm(x)`, `gm.linalg.inv(a)`. Rows over np.linalg's functions.

In: Tensors (lifted Arrays and plain arrays are taken for Tensors). Out: Tensors; several come as a named tuple.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from .engine.core import arrays
from .engine.derivatives.numpy import triangles
from .engine.derivatives.numpy.partials import aval
from .engine.dispatch.primitives import cast
from .engine.faces.torch import matrices, picking, products
from .engine.faces.torch.arguments import named_results, shown
from .engine.faces.torch.math import OperandError, titled
from .engine.faces.torch.reductions import norm as _norm
from .engine.tape.tracked import raw
from .functions import as_tensor, of_tensor
from .language import tr

LinAlgError = np.linalg.LinAlgError


def _row(name: str, results: str = "", like: str = "", number: int = 1, node: str = "") -> Callable[..., Any]:
    """Make PyTorch's function from NumPy's of `name` or `like`; its several results are named `results`."""
    function = getattr(np.linalg, like or name)
    made_of: Any = named_results(f"linalg_{name}", results) if results else None

    def f(A: Any, *args: Any, **kwargs: Any) -> Any:
        _of_matrices(name, A, 2 - (name in _VECTORS))
        given = (*map(as_tensor, args[: number - 1]), *args[number - 1 :])
        made = function(A, *given, **kwargs)
        made = made_of(*made) if made_of else made
        return shown(made, node) if node else made

    return of_tensor(titled(f, name, f"As `torch.linalg.{name}`: np.linalg.{like or name} of Tensors."))


_VECTORS = ("tensorinv", "tensorsolve", "diagonal", "vecdot")


def _of_matrices(name: str, A: Any, least: int) -> None:
    if np.ndim(raw(A)) < least:
        raise OperandError(tr(
            "linalg.{name}: The input tensor A must have at least 2 dimensions. A matrix stands in the last "
            "two.", name=name,
        ))  # fmt: skip
    if name in _SQUARE and np.shape(raw(A))[-1] != np.shape(raw(A))[-2]:
        n, m = np.shape(raw(A))[-2:]
        raise OperandError(tr(
            "linalg.{name}: A must be batches of square matrices, but they are {n} by {m} matrices. Only a "
            "square one has what {name} gives.", name=name, n=n, m=m,
        ))  # fmt: skip


_SQUARE = (
    "cholesky det eig eigvals eigh eigvalsh inv matrix_power slogdet solve inv_ex solve_ex cholesky_ex matrix_exp"
).split()
_TABLE: dict[str, Any] = {
    **{n: _row(n) for n in "det eigvalsh inv matrix_power svdvals tensorinv".split()},
    "eigh": _row("eigh", "eigenvalues eigenvectors"),
    "slogdet": _row("slogdet", "sign logabsdet"),
    "matrix_exp": of_tensor(products.matrix_exp), "solve_triangular": of_tensor(products.solve_triangular),
    "matmul": of_tensor(matrices.matmul),
}  # fmt: skip


def _complex(made: Any) -> Any:
    return made if made.is_complex() else cast(made, np.result_type(made.array.dtype, np.complex64))


@of_tensor
def eig(A: Any) -> Any:
    """Give (eigenvalues, eigenvectors), which are complex."""
    _of_matrices("eig", A, 2)
    return _EIG(*map(_complex, np.linalg.eig(A)))


@of_tensor
def eigvals(A: Any) -> Any:
    """Give the eigenvalues, which are complex."""
    _of_matrices("eigvals", A, 2)
    return _complex(np.linalg.eigvals(A))


_EIG = named_results("linalg_eig", "eigenvalues eigenvectors")


@of_tensor
def matrix_rank(
    A: Any, tol: Any = None, *, atol: Any = None, rtol: Any = None, hermitian: bool = False
) -> Any:
    """Give how many singular values are above max(atol, rtol * the largest)."""
    s = np.linalg.svd(A.array, compute_uv=False)
    largest = np.max(s, axis=-1, keepdims=True) if s.size else s
    atol = tol if atol is None else atol
    if rtol is None:
        rtol = 0.0 if atol is not None else max(A.shape[-2:]) * float(np.finfo(A.array.dtype).eps)
    atol, rtol = (
        np.expand_dims(raw(v), -1) if np.ndim(raw(v)) else v for v in (0.0 if atol is None else atol, rtol)
    )
    cut = np.maximum(rtol * largest, atol)
    return A.wrap(np.sum(s > cut, axis=-1), None)


@of_tensor
def vander(x: Any, *, N: int | None = None) -> Any:
    """Give the powers 0 ... N-1 of the entries along a new last dim."""
    n = x.shape[-1] if N is None else N
    ones = x.wrap(arrays.ones(aval((*x.shape, 1), x.array.dtype), x.array), None)
    rest = np.cumprod(np.broadcast_to(np.expand_dims(x, -1), (*x.shape, max(n - 1, 0))), -1)
    return np.concatenate([ones, rest], -1)


@of_tensor
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Any:
    """Give X with tensordot(A, X, X.ndim) = B."""
    return np.linalg.tensorsolve(A, as_tensor(B), dims)


@of_tensor
def norm(A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Give the square root of the sum of squares, or the norm of another order.

    Examples
    --------
    >>> import gradmagic as gm
    >>> gm.linalg.norm(gm.tensor([3.0, 4.0]))
    tensor(5.)
    """
    A = A if dtype is None else A.to(dtype)
    if ord is not None and dim is None and A.ndim == 2:
        return matrix_norm(A, ord, (-2, -1), keepdim)
    return _norm(A, "fro" if ord is None else ord, dim, keepdim)


@of_tensor
def vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """Give the norm of all entries, or of those along `dim`, as of one vector."""
    x = x if dtype is None else x.to(dtype)
    axes = tuple(range(x.ndim)) if dim is None else tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
    if len(axes) == 1 or not x.ndim:
        return np.linalg.norm(x if x.ndim else np.reshape(x, 1), ord, axes[0] if x.ndim else 0, keepdim)
    kept = [i for i in range(x.ndim) if i not in {a % x.ndim for a in axes}]
    flat = np.reshape(np.moveaxis(x, kept, range(len(kept))), (*(x.shape[i] for i in kept), -1))
    made = np.linalg.norm(flat, ord, -1)
    return (
        np.reshape(made, tuple(1 if i not in kept else n for i, n in enumerate(x.shape))) if keepdim else made
    )


@of_tensor
def matrix_norm(
    A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Any:
    """Give the norm of the matrices in two dims: "fro", "nuc", 2, 1, inf and their negatives."""
    _of_matrices("matrix_norm", A, 2)
    return np.linalg.norm(A if dtype is None else A.to(dtype), ord, tuple(dim), keepdim)


@of_tensor
def svd(A: Any, full_matrices: bool = True, *, driver: Any = None) -> Any:
    """Give U, S, Vh with A = U @ diag(S) @ Vh."""
    return _SVD(*np.linalg.svd(A, full_matrices=full_matrices))


@of_tensor
def qr(A: Any, mode: str = "reduced") -> Any:
    """Give Q, R with A = Q @ R."""
    made = np.linalg.qr(A, mode=mode)  # type: ignore[call-overload]
    return _QR(*made) if mode != "r" else _QR(A.wrap(np.zeros(0, A.array.dtype), None), made)


_SVD, _QR = named_results("linalg_svd", "U S Vh"), named_results("linalg_qr", "Q R")


@of_tensor
def cholesky(A: Any, *, upper: bool = False) -> Any:
    """Give the triangle L with A = L @ L.mH, or its transpose."""
    _of_matrices("cholesky", A, 2)
    return shown(products.cholesky(A, upper), "LinalgCholeskyExBackward0")


@of_tensor
def pinv(A: Any, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Any:
    """Give the pseudoinverse; singular values below max(atol, rtol * the largest) count as 0."""
    cut = raw(rtol)
    if cut is None:
        cut = 0.0 if atol is not None else max(A.shape[-2:]) * float(np.finfo(A.array.dtype).eps)
    if atol is not None:
        cut = np.maximum(cut, raw(atol) / np.max(np.linalg.svd(A.array, compute_uv=False), axis=-1))
    return shown(
        np.linalg.pinv(A, cut, hermitian) if hermitian else np.linalg.pinv(A, cut), "LinalgPinvBackward0"
    )


@of_tensor
def cond(A: Any, p: Any = None) -> Any:
    """Give how much a solution can be larger than the change that made it: norm(A) * norm(inv(A))."""
    if p in (None, 2, -2):
        s = np.linalg.svd(A, compute_uv=False)  # type: ignore[call-overload]
        return s[..., 0] / s[..., -1] if p != -2 else s[..., -1] / s[..., 0]
    return matrix_norm(A, p) * matrix_norm(np.linalg.inv(A), p)


@of_tensor
def lstsq(A: Any, B: Any, rcond: Any = None, *, driver: Any = None) -> Any:
    """Give (solution, residuals, rank, singular_values) of the least squares problem A @ X = B."""
    X = shown(np.matmul(np.linalg.pinv(A), B), "LinalgLstsqBackward0")
    left = B - np.matmul(A, X)
    empty = A.wrap(np.zeros(0, A.array.dtype), None)
    over = A.shape[-2] > A.shape[-1]
    residuals = np.sum(np.absolute(left) ** 2, axis=-2) if over else empty
    return _LSTSQ(X, residuals, A.wrap(np.linalg.matrix_rank(A.array), None), empty)


_LSTSQ = named_results("linalg_lstsq", "solution residuals rank singular_values")


def multi_dot(tensors: Any) -> Any:
    """Give the product of several matrices, in the order that costs least."""
    return np.linalg.multi_dot([as_tensor(t) for t in tensors])


@of_tensor
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """Give the sums of products along `dim`, x conjugated."""
    return (x.conj() * y).sum(dim)


@of_tensor
def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """Give the vectors that stand on both, along `dim`."""
    return products.cross(input, as_tensor(other), dim)


@of_tensor
def diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Give the diagonals of the matrices in two dims, the last ones unless told."""
    return picking.diagonal(A, offset, dim1, dim2)


# ---- with a number that says how it went -------------------------------------------------------------------------


def _told(name: str, fields: str, function: Callable[..., Any]) -> Callable[..., Any]:
    made_of = named_results(f"linalg_{name}", fields)

    def f(A: Any, *args: Any, check_errors: bool = False, **kwargs: Any) -> Any:
        info = np.zeros(A.shape[:-2], np.int32)
        try:
            made = function(A, *args, **kwargs)
        except np.linalg.LinAlgError:
            if check_errors:
                raise
            made, info = A.wrap(np.full(A.shape, np.nan, A.array.dtype), None), info + 1
        return made_of(*(made if isinstance(made, tuple) else (made,)), A.wrap(info[()], None))

    return of_tensor(
        titled(f, name, f"As `torch.linalg.{name}`: with `info`, 0 where it went well; no error.")
    )


inv_ex = _told("inv_ex", "inverse info", np.linalg.inv)


def _solved(A: Any, B: Any, *, left: bool = True) -> Any:
    _of_matrices("solve", A, 2)
    B = as_tensor(B)
    vectors = B.ndim == 1 or (A.ndim - 1 == B.ndim and A.shape[:-1] == B.shape)
    if vectors:
        return shown(np.linalg.solve(A, np.expand_dims(B, -1))[..., 0], "LinalgSolveExBackward0")
    return np.linalg.solve(A, B) if left else np.linalg.solve(A.mT, B.mT).mT


solve = of_tensor(
    titled(_solved, "solve", """Give X with A @ X = B, or X @ A = B without `left`; B of vectors too.""")
)
solve_ex = _told("solve_ex", "result info", _solved)
cholesky_ex = _told("cholesky_ex", "L info", products.cholesky)

# ---- two triangles -----------------------------------------------------------------------------------------------


@of_tensor
def lu(A: Any, *, pivot: bool = True) -> Any:
    """Give P, L, U with A = P @ L @ U: rows exchanged, ones on L's diagonal, U above."""
    n = A.shape[-2]
    order, rows = triangles.ordered(A) if pivot else (None, A)
    L, U = triangles.lu(rows)
    if order is None:
        return _LU(A.wrap(np.zeros(0, A.array.dtype), None), L, U)
    P = np.swapaxes(np.eye(n, dtype=A.array.dtype)[arrays.to_host(order)], -1, -2)
    return _LU(A.wrap(arrays.from_host(P, A.array), None), L, U)


@of_tensor
def lu_factor(A: Any, *, pivot: bool = True) -> Any:
    """Give (LU, pivots): both triangles in one matrix, and the row, from 1, that each step exchanged with its own."""
    order, rows = triangles.ordered(A) if pivot else (None, A)
    L, U = triangles.lu(rows)
    n, m = A.shape[-2:]
    k = min(n, m)
    low = np.tril(L, -1)
    if m > k:
        low = np.pad(low, [(0, 0)] * (A.ndim - 1) + [(0, m - k)])
    if n > k:
        U = np.pad(U, [(0, 0)] * (A.ndim - 2) + [(0, n - k), (0, 0)])
    host = np.broadcast_to(np.arange(n), A.shape[:-1]) if order is None else arrays.to_host(order)
    return _LU_FACTOR(
        shown(low + U, "LinalgLuFactorExBackward0"),
        A.wrap(arrays.from_host(_exchanges(host, k), A.array), None),
    )


def _exchanges(order: Any, steps: int) -> Any:
    """Give the exchanges, one after the other, that bring rows into this order."""
    made = np.empty((*order.shape[:-1], steps), np.int32)
    for place in np.ndindex(order.shape[:-1]):
        now, wanted = list(range(order.shape[-1])), list(order[place])
        for i in range(steps):
            j = now.index(wanted[i])
            now[i], now[j] = now[j], now[i]
            made[(*place, i)] = j + 1
    return made


def _order(pivots: Any, n: int) -> Any:
    host = arrays.to_host(raw(pivots))
    order = np.broadcast_to(np.arange(n), (*host.shape[:-1], n)).copy()
    for place in np.ndindex(host.shape[:-1]):
        for i, j in enumerate(host[place]):
            order[(*place, i)], order[(*place, j - 1)] = order[(*place, j - 1)], order[(*place, i)]
    return order


def _adjoint(a: Any) -> Any:
    return np.conjugate(np.swapaxes(a, -1, -2)) if raw(a).dtype.kind == "c" else np.swapaxes(a, -1, -2)


@of_tensor
def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Any:
    """Give X with A @ X = B (X @ A = B; A.mH in place of A), from `lu_factor` of A."""
    B = as_tensor(B)
    if not left:  # X A = B is A^H X^H = B^H
        return _adjoint(lu_solve(LU, pivots, _adjoint(B), adjoint=not adjoint))
    order = arrays.from_host(_order(pivots, LU.shape[-1]), LU.array)
    if adjoint:
        y = products.solve_triangular(_adjoint(LU), B, upper=False)
        made = products.solve_triangular(_adjoint(LU), y, upper=True, unitriangular=True)
        order = np.argsort(order, axis=-1)
    shape = np.broadcast_shapes(LU.shape[:-2], B.shape[:-2])
    rows = made if adjoint else np.broadcast_to(B, (*shape, *B.shape[-2:]))
    order = np.broadcast_to(order, (*shape, order.shape[-1]))
    rows = np.take_along_axis(rows, np.broadcast_to(order[..., None], np.shape(rows)), -2)
    if adjoint:
        return shown(rows, "LinalgLuSolveBackward0")
    y = products.solve_triangular(LU, rows, upper=False, unitriangular=True)
    return shown(products.solve_triangular(LU, y, upper=True), "LinalgLuSolveBackward0")


_LU, _LU_FACTOR = named_results("linalg_lu", "P L U"), named_results("linalg_lu_factor", "LU pivots")
lu_factor_ex = _told(
    "lu_factor_ex", "LU pivots info", lambda A, *, pivot=True: tuple(lu_factor(A, pivot=pivot))
)


@of_tensor
def householder_product(A: Any, tau: Any) -> Any:
    """Give the first columns of the product of the reflections 1 - tau[i] * v[i] @ v[i].mH, v the columns of A."""
    n, m = A.shape[-2:]
    one = arrays.from_host(np.eye(n, dtype=A.array.dtype), A.array)
    low = np.tril(A, -1) + one[:, :m]
    turns = [one - tau[..., i, None, None] * low[..., :, i, None] * np.conjugate(low[..., None, :, i])
             for i in range(tau.shape[-1])]  # fmt: skip
    return reduce(np.matmul, turns)[..., :m] if turns else low * 0 + one[:, :m]


# Functions of torch itself, in its own order of arguments.
OF_TORCH: dict[str, Any] = {
    "orgqr": householder_product,
    "lu_solve": of_tensor(titled(lambda b, LU_data, LU_pivots: lu_solve(LU_data, LU_pivots, b), "lu_solve",
                                 "As `torch.lu_solve`: X with A @ X = b, from `gm.linalg.lu_factor` of A.")),
}  # fmt: skip
globals().update(_TABLE)
__all__ = [
    *_TABLE, "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "diagonal", "eig", "eigvals",
    "householder_product", "inv_ex", "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matrix_norm",
    "matrix_rank", "multi_dot", "norm", "pinv", "qr", "solve", "solve_ex", "svd", "tensorsolve", "vander", "vecdot",
    "vector_norm",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from .missing import missing

    raise missing("linalg", name, __all__)
