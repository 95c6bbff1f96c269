"""One call at least for every derivative of linear algebra and of Fourier transforms."""

from __future__ import annotations

import numpy as np

from gradmagic.engine.derivatives.numpy import decompositions

from .rows import ABOVE, WIDE, case, definite, here, hermitian, pairs, projectors, regular

# ---- linear algebra -------------------------------------------------------------------------------------------
for shapes in (
    [(), (2, 3)],
    [(3,), (3,)],
    [(2, 3), (3, 2)],
    [(2, 3), (3,)],
    [(3,), (2, 3, 2)],
    [(2, 1, 3), (2, 3, 2)],
):
    case(np.dot, *shapes, kinds="fc")
for shapes in [(), (3,)], [(3,), (3,)], [(2, 3), (4, 3)], [(2, 1, 3), (3,)]:
    case(np.inner, *shapes, kinds="fc")
for shapes in [(2,), (3,)], [(2, 2), (3,)], [(), (2,)]:
    case(np.outer, *shapes, kinds="fc")
case(np.linalg.outer, (2,), (3,))
case(np.vdot, (3,), (3,), kinds="fc")
case(np.vdot, (2, 3), (3, 2), kinds="fc")
case(np.tensordot, (2, 3, 4), (3, 4, 2), kinds="fc")
case(np.tensordot, (2, 3, 4), (4, 2), call=lambda a, b: np.tensordot(a, b, axes=([2, 0], [0, 1])), kinds="fc")
case(np.tensordot, (2, 3, 4), (2, 4), call=lambda a, b: np.tensordot(a, b, axes=([-1, 0], [1, 0])))
case(np.tensordot, (2,), (3,), call=lambda a, b: np.tensordot(a, b, axes=0))
case(np.linalg.tensordot, (2, 3), (3, 2), call=lambda a, b: np.linalg.tensordot(a, b, axes=1))
for formula, *shapes in (
    ["ij,jk->ik", (2, 3), (3, 2)], ["ij,jk", (2, 3), (3, 2)], ["ij->ji", (2, 3)], ["ba", (2, 3)], ["ii->i", (3, 3)],
    ["ii", (3, 3)], ["ij->", (2, 3)], ["ij->j", (2, 3)], ["iij,j->i", (2, 2, 3), (3,)], ["i,i->i", (3,), (3,)],
    ["i,j,k->kij", (2,), (3,), (2,)], ["...ij,...jk->...ik", (2, 1, 2, 3), (2, 3, 2)], ["...i->...", (2, 3)],
    ["i...,i...->...", (2, 3), (2, 1)], ["ij , jk -> ki", (2, 3), (3, 2)], [",i->i", (), (3,)], ["iii->i", (2, 2, 2)],
    ["ij,ij", (2, 3), (1, 3)], ["...,...", (2, 3), (3,)],
):  # fmt: skip
    case(np.einsum, *shapes, call=lambda *xs, formula=formula: np.einsum(formula, *xs), kinds="fc")
case(np.einsum, (2, 3), (3, 2), call=lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]))
case(np.einsum, (2, 3), (3, 2), call=lambda a, b: np.einsum(a, [0, 1], b, [1, 2]))
case(np.einsum, (2, 3), call=lambda a: np.einsum(a, [Ellipsis, 0], [0, Ellipsis]))
case(
    np.einsum, (2, 3), (3, 2), (2, 2), call=lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c, optimize=True)
)
case(np.kron, (2, 3), (2, 2), kinds="fc")
case(np.kron, (2,), (2, 2))
case(np.cross, (2, 3), (3,), kinds="fc")
case(np.cross, (3, 2), (2, 3), call=lambda a, b: np.cross(a, b, axisa=0))
case(np.linalg.cross, (3,), (3,))
if np.lib.NumpyVersion(np.__version__) < "2.5.0":  # which takes three dimensions only
    case(np.cross, (2,), (2,), kinds="fc", devices=False)
    case(np.cross, (3, 2), (3,), call=np.cross)
    case(np.cross, (3, 3), (2, 3), call=lambda a, b: np.cross(a, b, axisa=0, axisb=0, axisc=0))
case(np.convolve, (5,), (3,), kinds="fc")
case(np.convolve, (3,), (5,), call=lambda a, v: np.convolve(a, v, "same"))
case(np.convolve, (5,), (2,), call=lambda a, v: np.convolve(a, v, "valid"))
case(np.correlate, (5,), (3,), kinds="fc")
case(np.correlate, (3,), (5,), call=lambda a, v: np.correlate(a, v, "full"))
case(np.correlate, (4,), (3,), call=lambda a, v: np.correlate(a, v, "same"))
case(np.vecdot, (2, 3), (3,), kinds="fc")
if hasattr(np, "matvec"):
    case(np.matvec, (2, 2, 3), (3,), kinds="fc")
    case(np.vecmat, (2,), (3, 2, 3), kinds="fc")
for order in (None, 1, -2):
    case(np.linalg.cond, (3, 3), call=lambda a, p=order: np.linalg.cond(regular(a), p), low=False)
case(np.trace, (3, 3), kinds="fc")
case(np.trace, (2, 3, 4), call=lambda x: np.trace(x, 1, axis1=2, axis2=0))
case(np.linalg.trace, (2, 3, 3))
case(np.linalg.diagonal, (2, 3, 3))
case(np.linalg.matmul, (2, 3), (3, 2))
case(np.linalg.vecdot, (2, 3), (3,), kinds="fc")
case(np.linalg.matrix_transpose, (2, 3))
case(np.linalg.inv, (2, 3, 3), call=lambda a: np.linalg.inv(regular(a)), kinds="fc", low=False)
case(np.linalg.solve, (3, 3), (3,), call=lambda a, b: np.linalg.solve(regular(a), b), kinds="fc", low=False)
case(
    np.linalg.solve,
    (2, 3, 3),
    (3, 2),
    call=lambda a, b: np.linalg.solve(regular(a), b),
    kinds="fc",
    low=False,
    devices=False,  # CuPy's does not broadcast
)
case(
    np.linalg.solve,
    (2, 3, 3),
    (2, 3, 2),
    call=lambda a, b: np.linalg.solve(regular(a), b),
    kinds="fc",
    low=False,
)
case(np.linalg.det, (2, 3, 3), call=lambda a: np.linalg.det(regular(a)), kinds="fc", low=False)
case(np.linalg.slogdet, (2, 3, 3), call=lambda a: np.linalg.slogdet(regular(a)), kinds="fc", low=False)
for shape in (3, 3), (2, 3), (2, 3, 2):
    case(np.linalg.pinv, shape, call=lambda a: np.linalg.pinv(regular(a)), kinds="fc", low=False)
    case(
        decompositions.svd,
        shape,
        call=lambda a: pairs(*decompositions.svd(regular(a))),
        kinds="fc",
        low=False,
    )
    case(
        decompositions.svdvals,
        shape,
        call=lambda a: decompositions.svdvals(regular(a)),
        kinds="fc",
        low=False,
    )
    case(decompositions.qr, shape, call=lambda a: decompositions.qr(regular(a)), kinds="fc", low=False)
case(np.linalg.svd, (3, 2), call=lambda a: np.linalg.svd(regular(a), compute_uv=False), low=False)
case(np.linalg.svd, (2, 2), call=lambda a: np.linalg.svd(regular(a))[1], low=False)
case(np.linalg.svdvals, (3, 2), call=lambda a: np.linalg.svdvals(regular(a)), low=False)
case(np.linalg.qr, (3, 2), call=lambda a: np.linalg.qr(regular(a), "r"), low=False)
case(np.linalg.cholesky, (2, 3, 3), call=lambda a: np.linalg.cholesky(definite(a)), kinds="fc", low=False)
case(
    np.linalg.eigh, (2, 3, 3), call=lambda a: projectors(*np.linalg.eigh(hermitian(a))), kinds="fc", low=False
)
case(np.linalg.eigvalsh, (3, 3), call=lambda a: np.linalg.eigvalsh(hermitian(a)), kinds="fc", low=False)
for kind in "fc":
    # well apart, so that the order stays; complex ones of a real matrix too
    case(np.linalg.eig, (3, 3), call=lambda a: np.linalg.eig(a / 4 + here(a, np.diag([0, 3, 6]))), kinds=kind,
         devices=False, low=False)  # fmt: skip
    case(np.linalg.eigvals, (2, 3, 3), call=lambda a: np.linalg.eigvals(a / 4 + here(a, np.diag([0, 3, 6]))),
         kinds=kind, devices=False, low=False)  # fmt: skip
TURN = np.array([[0.0, -2, 0], [2, 0, 0], [0, 0, 5]])
case(np.linalg.eig, (3, 3), call=lambda a: np.linalg.eig(a / 4 + here(a, TURN)), devices=False, low=False)
case(
    np.linalg.eigvals,
    (3, 3),
    call=lambda a: np.linalg.eigvals(a / 4 + here(a, TURN)),
    devices=False,
    low=False,
)
for shapes in [(4, 3), (4,)], [(4, 3), (4, 2)], [(2, 3), (2,)], [(3, 3), (3,)]:
    case(np.linalg.lstsq, *shapes, call=lambda a, b: np.linalg.lstsq(regular(a), b)[0], kinds="fc", devices=False,
         low=False)  # fmt: skip
case(np.linalg.lstsq, (4, 3), (4, 2), call=lambda a, b: np.linalg.lstsq(regular(a), b, rcond=None)[1], devices=False,
     low=False)  # fmt: skip
case(
    np.linalg.lstsq,
    (4, 3),
    (4,),
    call=lambda a, b: np.linalg.lstsq(regular(a), b)[3],
    devices=False,
    low=False,
)
case(np.linalg.tensorsolve, (2, 2, 4), (2, 2), devices=False, low=False, call=lambda a, b: np.linalg.tensorsolve(
    a / 8 + here(a, np.eye(4).reshape(2, 2, 4)), b))  # fmt: skip
case(np.linalg.tensorsolve, (4, 2, 2), (2, 2), devices=False, low=False, call=lambda a, b: np.linalg.tensorsolve(
    a / 8 + here(a, np.eye(4).reshape(4, 2, 2)), b, axes=(0,)))  # fmt: skip
case(np.linalg.tensorinv, (4, 2, 2), devices=False, low=False, call=lambda a: np.linalg.tensorinv(
    a / 8 + here(a, np.eye(4).reshape(4, 2, 2)), ind=1))  # fmt: skip
case(np.linalg.qr, (2, 3), call=lambda a: np.linalg.qr(regular(a), "complete"), low=False)
case(np.linalg.matrix_power, (2, 2), call=lambda a: np.linalg.matrix_power(a, 0) * np.sum(a), low=False)
case(np.linalg.matrix_power, (2, 2), call=lambda a: np.linalg.matrix_power(a, 5), low=False)
case(np.linalg.matrix_power, (2, 2), call=lambda a: np.linalg.matrix_power(regular(a), -2), low=False)
case(np.linalg.multi_dot, (2,), (2, 3), (3, 2), call=lambda *xs: np.linalg.multi_dot(xs))
case(np.linalg.norm, (2, 3), kinds="fc", axes="many")
for order in (0, 1, 2, np.inf, -np.inf, 3, 1.5):
    domain = WIDE if order != 1.5 else ABOVE  # differences are too coarse where |x|**1.5 bends
    case(
        np.linalg.norm,
        (2, 3),
        call=lambda x, p=order: np.linalg.norm(x, p, axis=-1),
        kinds="fc",
        domain=domain,
    )
for order in (1, -1, np.inf, -np.inf, "fro"):
    case(np.linalg.norm, (2, 3), call=lambda x, p=order: np.linalg.norm(x, p), kinds="fc")
for order in (2, -2, "nuc"):
    case(np.linalg.norm, (3, 2), call=lambda x, p=order: np.linalg.norm(regular(x), p), kinds="fc", low=False)
case(np.linalg.norm, (2, 3, 2), call=lambda x: np.linalg.norm(x, 2, axis=(0, 2), keepdims=True), low=False)
case(np.linalg.vector_norm, (2, 3), call=lambda x: np.linalg.vector_norm(x, axis=(0, 1), keepdims=True))
case(np.linalg.matrix_norm, (2, 3, 2))

# ---- Fourier transforms ---------------------------------------------------------------------------------------
for f in (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft):
    for n in (None, 3, 6):
        case(f, (2, 5), call=lambda x, f=f, n=n: f(x, n), kinds="f" if f is np.fft.rfft else "fc", low=False)
    case(f, (5, 2), call=lambda x, f=f: f(x, axis=0, norm="ortho"), low=False)
for f in (np.fft.fft2, np.fft.ifft2, np.fft.fftn, np.fft.ifftn, np.fft.fftshift, np.fft.ifftshift):
    case(f, (2, 3), kinds="fc", low=False)

case(np.fft.rfft2, (2, 3), low=False)
for f in (np.fft.irfft2, np.fft.irfftn):
    case(f, (3, 3), kinds="fc", low=False)
    case(f, (2, 3, 4), call=lambda x, f=f: f(x, s=(2, 5), axes=(2, 0), norm="ortho"), kinds="fc", low=False)
for f in (np.fft.fftn, np.fft.ifftn, np.fft.rfftn):
    case(f, (2, 3, 4), call=lambda x, f=f: f(x, s=(3, 2), axes=(0, 2), norm="forward"), low=False)
case(np.fft.rfftn, (2, 3, 2), low=False)
case(np.fft.hfft, (4,), kinds="fc", low=False)
case(np.fft.hfft, (3, 2), call=lambda x: np.fft.hfft(x, 5, axis=0, norm="ortho"), kinds="fc", low=False)
case(np.fft.ihfft, (4,), low=False)
case(np.fft.ihfft, (5, 2), call=lambda x: np.fft.ihfft(x, axis=0, norm="forward"), low=False)
case(np.fft.rfftn, (2, 4), call=lambda x: np.fft.rfftn(x, axes=(0, 1)), low=False)
