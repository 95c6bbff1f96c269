"""The functions of PyTorch's that are made of others: their derivatives, in every mode, against differences."""

import zlib

import numpy as np
import pytest

import gradmagic as gm
from gradmagic.nn import functional as F

# x, y: drawn (n, m); s: (n, n); v: (m,); u, w: (b, n, m) and (b, m, n). Entries are distinct, and none is 0.
FUNCTIONS = {
    "x y": """
gm.addcmul(x, y, y, value=0.5)|gm.addcdiv(x, y, y * y + 1)|gm.xlogy(x, y * y + 1)|gm.ldexp(x, y)|
gm.float_power(x * x + 1, y)|
gm.logaddexp2(x, y)|gm.dist(x, y, 3)|gm.cdist(x, y)|gm.cdist(x, y + 3, p=1.5)|gm.block_diag(x, y)|gm.kron(x, y)|
F.cosine_similarity(x, y)|F.pairwise_distance(x, y, 3)|F.poisson_nll_loss(x, y * y)|
F.gaussian_nll_loss(x, y, x * x + 1)|
F.triplet_margin_loss(x, y, x * y, swap=True)|F.soft_margin_loss(x, y)|F.multilabel_soft_margin_loss(x, y)|
gm.index_add(x, 0, gm.tensor([0, 0]), y[:2])|gm.scatter_reduce(x, 0, gm.tensor(np.zeros(x.shape, int)), y, "prod")|
gm.scatter_reduce(x, 0, gm.tensor(np.zeros(x.shape, int)), y, "amax")|gm.select_scatter(x, y[0], 0, 1)|
gm.scatter_reduce(x, 0, gm.tensor(np.zeros(x.shape, int)), y, "mean", include_self=False)|
gm.slice_scatter(x, y[:, ::2], 1, 0, None, 2)|gm.trapezoid(x, y)|gm.cumulative_trapezoid(x, y)|gm.complex(x, y).abs()
""",
    "x": """
gm.logit(F.sigmoid(x))|gm.nan_to_num(x)|gm.logcumsumexp(x, 1)|gm.renorm(x, 2, 0, 0.5)|gm.cummax(x, 1).values|
gm.cummin(x, 0).values|
gm.kthvalue(x, 2).values|gm.mode(x, 0).values|gm.std_mean(x, 1)[0]|gm.var_mean(x)[1]|gm.nanmean(x, 1)|gm.nanmedian(x)|
gm.quantile(x, 0.3, 1)|gm.diag_embed(x, 1)|gm.cov(x)|gm.corrcoef(x)|gm.gradient(x)[0]|
gm.as_tensor(x).unfold(1, 2, 1)|gm.polar(x, x).real|
gm.pdist(x)|gm.rot90(x)|gm.tensor_split(x, 2, 1)[0]|gm.take_along_dim(x, gm.tensor([[0]]), 1)|gm.combinations(x[0])|
gm.frac(x)|
F.celu(x, 0.7)|F.selu(x)|F.mish(x)|F.hardswish(x)|F.hardsigmoid(x)|F.softshrink(x, 0.1)|F.hardshrink(x, 0.1)|
F.tanhshrink(x)|
F.threshold(x, 0.1, 2.0)|F.relu6(x * 5)|F.softsign(x)|F.glu(x, 0)|F.softmin(x, 1)|F.local_response_norm(x[None], 2)|
gm.aminmax(x).max|
F.multi_margin_loss(x, gm.tensor(np.arange(x.shape[0]) % x.shape[1]))|F.prelu(x, x[0, :1])|gm.median(x)|
gm.linalg.vector_norm(x, 3)
""",
    "s": """
gm.matrix_exp(s)|gm.linalg.lu(s).U|gm.linalg.lu(s).L|gm.linalg.lu_factor(s).LU|
gm.linalg.solve_triangular(s, s, upper=True)|
gm.linalg.inv_ex(s).inverse|gm.logdet(s @ s.mT)|gm.linalg.matrix_power(s, 3)|gm.addmv(s[0], s, s[1], alpha=2)|
gm.addr(s, s[0], s[1])|
gm.linalg.cond(s)|gm.linalg.vander(s[0])|gm.cholesky_solve(s, gm.tril(s))|
gm.linalg.lu_solve(*gm.linalg.lu_factor(s), s * s)
""",
    "u w": """
gm.baddbmm(u @ w, u, w, beta=0.5)|gm.addbmm(u[0] @ w[0], u, w)|F.bilinear(u[0], u[1], u.mT @ u)|
F.pixel_shuffle(gm.reshape(u, (1, 4, -1, 1)), 2)
""",
    "v": """
gm.lgamma(v * v + 1)|gm.digamma(v * v + 1)|gm.polygamma(1, v * v + 1)|gm.mvlgamma(v * v + 2, 2)|gm.erfc(v)|
gm.erfinv(v / 4)|gm.special.i0e(v)|
gm.special.i1(v)|gm.special.entr(v * v)|gm.special.log_ndtr(v)|gm.special.ndtri(F.sigmoid(v))|gm.special.erfcx(v)|
gm.special.xlog1py(v, v * v)
""",
}  # fmt: skip
ROWS = [
    (names, text.strip()) for names, rows in FUNCTIONS.items() for text in rows.replace("\n", "").split("|")
]


@pytest.mark.parametrize(("names", "text"), ROWS, ids=[text for _, text in ROWS])
def test_derivatives_against_differences(names, text):
    rng = np.random.default_rng(zlib.crc32(text.encode()))
    n, m = 2 + rng.integers(1, 2), int(rng.integers(3, 5))
    n = 2 if "glu" in text or "y[:2]" in text else n
    shapes = {"x": (n, m), "y": (n, m), "s": (3, 3), "v": (m,), "u": (2, 2, m), "w": (2, m, 2)}
    arrays = []
    for name in names.split():
        count = int(np.prod(shapes[name]))
        values = (rng.permutation(count) + 1.3) / count * rng.choice([-1, 1], count)
        arrays.append(values.reshape(shapes[name]) + (2 * np.eye(3) if name == "s" else 0))
    space = {"gm": gm, "F": F, "np": np}
    gm.check_grads(eval(f"lambda {', '.join(names.split())}: {text}", space), tuple(arrays))
