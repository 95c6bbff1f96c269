"""What drawn programs are made of: expressions and lines by kind, with typed holes. See also templates_borders.py.

A hole is a letter, which says what is wanted, and a digit where one line wants several; the same hole is filled alike
everywhere in one template:

    n  a new name                             f  an expression of floats, of any shape
    a  a variable, float array                s  an expression that is one float
    v  a variable, vector                     b  an expression of the shape of a
    u  a variable, vector of the length N     w  an expression, vector of the length of v (or of u)
    m  a variable, matrix                     c  a float, written out
    q  a variable, square matrix              k  a small whole number, written out
    g  a variable, one float                  i  an index into the first axis of a, v, u or m
    j  a variable, whole numbers              z  a variable, complex array
    p  an array of an earlier cell, of the length N, that is no input
    l  a variable, list of floats             x  an input
    body  one to three lines of LINES
"""

# Expressions that are one float.
SCALARS = """
{a}.sum()
{a}.mean()
np.sum({a} * {b})
np.mean({b})
{v}[{i}]
{m}[{i}, 0]
{m}[{i}][-1]
{a}.max()
np.min({a})
{s} * {c}
{s} + {s1}
{s} - {c}
{s} * {s1}
np.tanh({s})
math.sin({s})
math.exp(-abs({s}))
abs({s})
np.dot({v}, {w})
{v} @ {w}
np.linalg.norm({a} + {c})
np.var({a})
{a}.std()
np.prod(np.cos({v}))
{s} / (1 + {s1} * {s1})
{g}
{g}
-{g}
{g} ** 2
{l}[0]
np.median({a})
np.trace({q})
max({s}, {c})
sum({l})
{s} if {s1} > {c} else {s}
np.sqrt({s} ** 2 + 1)
{a}.flat[0]
{a}.ravel()[-1]
"""

# Expressions of the shape of a.
SAME = """
{a} * {c}
{a} + {c}
np.cos({a})
np.sin({a}) * {s}
{a} * {a}
{a} - {s}
1 / (1 + np.exp(-{a}))
np.where({a} > {c}, {a}, {c1})
np.maximum({a}, {c})
-{a}
np.tanh({a})
np.abs({a})
np.full_like({a}, {s})
{a}.copy()
{a} ** 2
np.exp(-{a} ** 2)
"""

# Any floats.
FLOATS = """
{a}
{a}
{b}
{s}
{g}
{v}[1:]
{v}[::-1]
{v}[::2]
{m}.T
{m}[0]
{m}[:, -1]
{a}[..., None]
{a}[None]
{m}[{i}:, :2]
({f} + {f1})
{f} * {c}
({f} * {f1})
np.tanh({f})
np.sqrt({f} ** 2 + {c})
np.arctan2({f}, {c})
{j} * {c}
({j} + {s})
{z}.real
np.abs({z})
"""

# One line each.
LINES: dict[str, str] = {
    "arithmetic": """
{n} = {f} + {f1}
{n} = {f} * {f1}
{n} = {f} - {c}
{n} = {c} / (2 + {f} ** 2)
{n} = {f} ** 2
{n} = ({f} + 3.5) ** {c}
{n} = -{f}
{n} = {f} // 1 + {f}
{n} = {f} % 1.7
{n}, {n1} = divmod({s}, 0.7)
{n} = abs({f})
{n} = {s}
{n} = np.sin({f}) * np.exp(-{f1} ** 2)
{n} = np.log(np.abs({f}) + 1)
{n} = np.hypot({f}, {c})
{n} = np.logaddexp({f}, {f1})
{n} = np.clip({f}, -{c}, {c})
{n} = np.where({f} > 0, {f1}, {c})
{n} = np.square({f}) + np.cbrt({f1})
{n} = np.maximum({f}, {f1})
{n} = 1 / (1 + np.exp(-{f}))
{n} = pow({s}, 2) + round({s1}, 1)
{n} = np.float64({s}) * 2
{n} = {a} @ np.ones({a}.shape[-1])
{n}: float = {s}
{n} = {n1} = {f}
{n} = ({n1} := {f}) * {c}
{n}, {n1} = {f}, {f1}
({n}, ({n1}, {n2})) = ({s}, ({f}, {c}))
{n} = {s}; {n1} = {n} * {c}
{n} = {a} * (np.arange({a}.size).reshape({a}.shape) + 1)
""",
    "broadcasting": """
{n} = {v}[:, None] * {u}
{n} = {v}[:, None] + {u}[None, :]
{n} = {m} * {m}[0]
{n} = {m} - {m}.mean(axis=1, keepdims=True)
{n} = np.broadcast_to({v}, (2, {v}.size)) * {c}
{n} = np.multiply.outer({v}, {u})
{n} = {m} / np.linalg.norm({m} + 3, axis=0)
{n} = ({v} - {u}[:, None]).sum(axis=0)
{n}, {n1} = np.broadcast_arrays({v}, {c})
{n} = np.meshgrid({v}, {u})[0] * {s}
{n} = np.ogrid[0:2:3j] * {s}
""",
    "reductions": """
{n} = {m}.sum(axis=0)
{n} = {m}.mean(axis=1)
{n} = {a}.max(axis=-1)
{n} = np.prod(np.cos({m}), axis=0)
{n} = {a}.std(ddof=1)
{n} = np.var({m}, axis=0, keepdims=True)
{n} = np.sum({a}, where={a} > {c}, initial=1.0)
{n} = np.average({v}, weights=np.abs({w}) + 1)
{n} = np.nansum({a})
{n} = np.ptp({a})
{n} = np.add.reduce({a})
{n} = np.multiply.reduce(np.cos({v}))
{n} = np.max({a}, initial={c})
{n} = {a}.sum(dtype=float)
{n} = np.logaddexp.reduce({v})
{n} = np.quantile({v}, 0.3) + np.percentile({v}, 60)
{n} = np.mean([{s}, {s1}, {c}])
{n} = np.sum([{v}, {w}], axis=0)
{n} = np.count_nonzero({a} > {c}) * {s}
{n} = np.trapezoid({v}) + np.diff({v}).sum()
{n} = sum({v}) + max({v}) + min({v})
{n} = np.any({a} > 0) * {s} + np.all({a} > 0)
{n} = sum({l}) + len({l})
{n} = math.fsum({v}) * math.hypot(*{v})
""",
    "slicing": """
{n} = {v}[1:]
{n} = {v}[::-1] * {c}
{n} = {v}[-2:]
{n} = {m}[:, 0]
{n} = {m}[0] + {m}[-1]
{n} = {a}[...]
{n} = {a}[None, ..., None]
{n} = {m}[1:, ::-1]
{n} = {v}[:-1] * {v}[1:]
{n} = {v}[{i}]
{n} = {a}[{i}]
{n}, *{n1} = {v}
{n} = {v}[slice(None, None, 2)]
{n} = np.take({v}, [0, -1])
{n} = {a}.take(0) + {c}
{n} = {a}.flat[1:3] * {c}
{n} = {m}.diagonal() * {c}
""",
    "masks": """
{n} = {a}[{a} > {c}]
{n} = {a}[({a} > 0) & ({a} < 2)].sum()
{n} = np.where({a} > {c}, {b}, {a})
{n} = {a} * ({a} > 0)
{n} = np.compress({v} > 0, {w})
{n} = np.extract({a} > {c}, {b})
{n} = {v}[np.isfinite({v})]
{n} = {v}[np.nonzero({v} > {c})]
{n} = np.select([{a} > 1, {a} > 0], [{b}, {a}], {c})
{n} = np.piecewise({v}, [{v} < 0, {v} >= 0], [lambda t: t * t, lambda t: 2 * t])
{n} = {a}[~({a} > {c})]
{n} = {m}[{m}[:, 0] > 0]
{n} = np.choose([0, 1], [{v}[:2], {u}[:2]])
""",
    "fancy": """
{n} = {v}[[0, -1, 0]]
{n} = {v}[np.array([[0, 1], [1, 0]])]
{n} = {m}[[0, -1], [1, 0]]
{n} = {m}[:, [1, 0]]
{n} = {m}[np.ix_([0, 1], [0, 1])]
{n} = {v}[np.argsort({w})]
{n} = {v}[{v}.argmax()] + {v}[np.argmin({v})]
{n} = np.take_along_axis({m}, np.argsort({m}, axis=1), axis=1)
{n} = {m}[..., [0, 0]]
{n} = {v}[{j} % {v}.size]
{n} = {v}[tuple([1])]
{n} = {m}[np.tril_indices(2)]
{n} = np.delete({v}, 0) + np.insert({v}, 1, {s})[2:]
""",
    "views": """
{n} = {a}.T
{n} = {a}.reshape(-1)
{n} = {a}.ravel()
{n} = {a}.reshape({a}.shape[::-1])
{n} = {a}[::1]
{n} = {a}.view()
{n} = np.transpose({a})
{n} = {a}.swapaxes(0, -1)
{n} = np.expand_dims({a}, 0)
{n} = np.squeeze({a}[None])
{n} = np.flip({v})
{n} = np.atleast_2d({v})
{n} = np.moveaxis({a}, 0, -1)
{n} = np.asarray({a})
{n} = np.ascontiguousarray({a})
{n} = np.require({a})
{n} = np.asfortranarray({m})
{n} = np.lib.stride_tricks.sliding_window_view({v}, 2)
{n} = np.array({a}, copy=False)
{n} = np.rollaxis({a}, 0)
{n} = {z}.real
{n} = np.split({v}, [1])[1]
{n} = np.lib.stride_tricks.as_strided({v}, (2,), ({v}.strides[0],))
{n} = {a}
{n} = {a}.flat
""",
    "shapes": """
{n} = np.concatenate([{v}, {w}])
{n} = np.stack([{a}, {b}])
{n} = np.vstack([{v}, {w}]).sum(axis=0)
{n} = np.hstack([{v}, {s}])
{n} = np.tile({v}, 2)
{n} = np.repeat({v}, 2)
{n} = np.pad({v}, 1, mode="edge")
{n} = np.roll({v}, 1)
{n} = np.append({v}, {s})
{n} = np.r_[{v}, {s}, 1.0]
{n} = np.c_[{v}, {w}]
{n} = np.column_stack([{v}, {w}])
{n} = np.block([[{v}, {w}]])
{n} = np.array([{s}, {s1}, {c}])
{n} = np.array([{v}, {w}])
{n} = np.array([[{s}, {c}], [{c1}, {s1}]])
{n} = np.asarray([{g}, {s}])
{n} = np.fromiter(({s} * t for t in range(3)), float)
{n} = np.array([t * {c} for t in {v}])
{n} = np.full(3, {s})
{n} = np.ones(2) * {s}
{n} = np.linspace({s}, {c}, 4)
{n} = np.diag({v})
{n} = np.eye(2) * {s}
{n} = np.triu({m}) + np.tril({m}, -1)
{n} = np.array({s})
{n} = np.rot90({m})
{n} = np.array_split({v}, 2)[0]
{n} = np.ma.masked_array({v}, mask={v} > 5).sum()
{n} = np.arange(3) * {s}
{n} = np.vander({v}, 2)
{n} = np.zeros_like({a}) + {b}
""",
    "writes": """
{a}[{i}] = {s}
{v}[0] = {v}[-1] * {c}
{v}[1:] *= {c}
{v}[:] = {w}
{a}[...] = {b}
{a} += {c}
{a} *= {s}
{a} -= {b}
{a} **= 2
{a}[{a} > {c}] = {s}
{v}[[0, -1]] += {s}
{m}[:, 0] = {m}[:, 1] * {c}
{m}[0, 1] = {s}
{m}[1:] -= {m}[:1]
{v}[::2] = {c}
{v}[0], {v}[1] = {v}[1], {v}[0]
{v}[1] += {v}[0]
{a}.fill({s})
{a}.flat[0] = {s}
{v}.sort()
{v}[-1:] = [{s}]
{g} += {s}
{g} *= {c}
{a}.T[...] *= {c}
{a}.ravel()[0] = {s}
{a}.reshape(-1)[1:] += {s}
{m}[0][1] = {s}
{p}[0] = {s}
{p}[:] = {u}
{p}[1:] += {u}[1:]
{p} *= {u}
{n} = {a}; {n}[{i}] = {c}
{z}.real[0] = {s}
{z} *= {s}
""",
    "out=": """
np.add({a}, {b}, out={a})
np.multiply({u}, {c}, out={p})
np.multiply({u}, {c}, {p})
np.sin({u}, {p})
np.add({u}, 1, {p})
np.cumsum({u}, out={p})
np.clip({u}, -1, 1, out={p})
{u}.clip(-1, 1, {p})
{u}.cumsum(0, None, {p})
np.exp({u}, out={p}, where={u} > 0)
np.dot(np.eye({u}.size), {u}, out={p})
np.matmul(np.eye({u}.size), {u}, {p})
np.take({u}, np.arange({u}.size), out={p})
{n} = np.empty_like({a}); np.tanh({a}, {n})
{n} = np.empty({a}.shape); np.multiply({a}, {b}, out={n})
{n} = np.zeros(()); np.sum({a}, out={n})
{n} = np.empty({v}.shape); {v}.round(1, out={n})
np.sqrt(np.abs({u}), out={p}, casting="unsafe")
{n} = np.concatenate([{u}[:1], {u}[1:]], out={p})
np.maximum.accumulate({u}, out={p})
np.add.reduce([{u}, {u}], out={p})
np.einsum("i,i->i", {u}, {u}, out={p})
{n} = np.add({u}, {u}, out=np.zeros({u}.size, int))
""",
    "targets": """
np.copyto({p}, {u})
np.copyto({p}, {u}, where={u} > 0)
{p}.fill({s})
{p}.put([0, 1], {u}[:2])
np.put({p}, [0], {s})
np.add.at({p}, [0, 1, 0], {s})
np.subtract.at({p}, [0], {u}[:1])
np.place({p}, {u} > 0, {u})
np.putmask({p}, {u} > {c}, {u})
np.put_along_axis({p}, np.array([0, 1]), {u}[:2], axis=0)
{p}.itemset(0, 1.0)
{p}.flat = {u}
{p}.flat[1] = {s}
{p}[...] = {u}[::-1]
{p}.__setitem__(0, {s})
operator.setitem({p}, 1, {s})
operator.iadd({p}, {u})
{p}.__iadd__({u})
{n} = np.zeros((2, 2)); np.fill_diagonal({n}, {s})
{n} = np.zeros({a}.shape); np.copyto({n}, {a})
{n} = np.empty(2); {n}.fill({s})
{n} = np.zeros({v}.size); np.add.at({n}, np.arange({v}.size), {v})
{n} = np.zeros(2, complex); {n}.real = {s}
{n} = np.zeros(3); {n}[:2] = [{s}, {s1}]
{n} = np.zeros(2, object); {n}[0] = {s}
{n} = np.zeros(2, [("a", float), ("b", int)]); {n}["a"] = {s}
{n} = np.zeros(3); {n}.sort(); {n}[0] = {s}
{n} = {p}.copy(); {n}[0] = {s}
{n} = {p}; {n}[0] = {s}
{n} = {p}[1:]; {n}[:] = {u}[1:]
{n} = {p}.reshape(1, -1); {n}[0] = {u}
np.nan_to_num({u}, copy=False)
np.random.shuffle({a})
np.random.default_rng(1).shuffle({v})
np.random.default_rng(1).permuted({a}, axis=0, out={a})
{v}.partition(1)
{v}.resize({v}.size)
""",
    "sorting": """
{n} = np.sort({v})
{n} = np.sort({m}, axis=0)
{n} = sorted({v})
{n} = sorted({v}, key=lambda t: -t)[0]
{n} = np.partition({v}, 1)[:2]
{n} = {v}[np.argsort(-{v})][:2]
{n} = np.unique({v})
{n} = np.searchsorted(np.sort({v}), {c}) * {s}
{n} = np.lexsort(({v}, {w})) * {s}
{n} = np.sort({v})[::-1] * np.arange({v}.size)
{n} = min(({s}, {s1}, {c}))
{n} = max({v}, key=lambda t: t * t)
{n} = list(reversed({v}))
{n} = np.digitize({v}, [0.0, 1.0]) * {s}
{n} = np.median({m}, axis=0)
{n} = bisect.bisect(sorted({v}.tolist()), {c}) * {s}
{n} = heapq.nlargest(2, {v})
""",
    "cumulative": """
{n} = np.cumsum({v})
{n} = {m}.cumsum(axis=1)
{n} = np.cumprod(np.cos({v}))
{n} = np.diff({v})
{n} = np.diff({v}, prepend={v}[:1])
{n} = np.diff({v}, append={c})
{n} = np.gradient({v})
{n} = np.convolve({v}, {w}[:2], "same")
{n} = np.correlate({v}, {w})
{n} = np.interp({c}, np.arange({v}.size), {v})
{n} = np.maximum.accumulate({v})
{n} = np.add.accumulate({v})[-1]
{n} = np.cumsum({v}[::-1])[::-1]
{n} = np.ediff1d({v})
{n} = list(itertools.accumulate({v}))
{n} = functools.reduce(lambda p, q: p * 0.5 + q, {v})
{n} = np.polyval({v}, {c})
{n} = np.add.reduceat({v}, [0, 1])
{n} = np.histogram({v}, 3, weights={w})[0]
{n} = np.bincount([0, 1], weights={v}[:2])
{n} = np.unwrap({v} * 3)
{n} = np.cov({v}, {w})
{n} = np.polyfit(np.arange({v}.size), {v}, 1)
""",
    "linear algebra": """
{n} = {m} @ {m}.T
{n} = {q} @ {q}
{n} = np.dot({m}, np.ones({m}.shape[1]) * {s})
{n} = np.einsum("ij,ij->i", {m}, {m})
{n} = np.einsum("ij->j", {m})
{n} = np.linalg.inv({q} @ {q}.T + 3 * np.eye(len({q})))
{n} = np.linalg.det({q} + 2 * np.eye(len({q})))
{n} = np.linalg.solve({q} @ {q}.T + 2 * np.eye(len({q})), {q}[0])
{n} = np.linalg.norm({m}, axis=1)
{n} = np.linalg.eigvalsh({q} + {q}.T)
{n} = np.linalg.eigh({q} + {q}.T)[0]
{n} = np.linalg.svd({m}, compute_uv=False)
{n} = np.linalg.cholesky({q} @ {q}.T + 2 * np.eye(len({q})))
{n} = np.linalg.qr({q} + 2 * np.eye(len({q})))[1]
{n} = np.linalg.slogdet({q} @ {q}.T + np.eye(len({q})))[1]
{n} = np.linalg.matrix_power({q}, 2)
{n} = np.linalg.lstsq({m}, np.ones(len({m})), rcond=None)[0]
{n} = np.linalg.pinv({m})
{n} = np.outer({v}, {u})
{n} = np.inner({v}, {w})
{n} = np.vdot({v}, {w})
{n} = np.kron({v}, {u})[:4]
{n} = np.tensordot({m}, {m}, axes=([0], [0]))
{n} = np.trace({q}) + {q}.trace()
{n} = {v}.dot({w})
{n} = np.matmul({m}.T, {m})
{n} = np.cross({v}[:3], {u}[:3])
{n} = np.linalg.multi_dot([{m}, {m}.T, {m}])
{n} = {p}.dot({u})
{n} = {p} @ {u}
{n} = np.eye({u}.size).dot({u})
""",
    "fft and complex": """
{n} = np.fft.fft({v})
{n} = np.abs(np.fft.rfft({v}))
{n} = np.fft.ifft(np.fft.fft({v}) * {c}).real
{n} = np.fft.irfft(np.fft.rfft({v}), {v}.size)
{n} = np.fft.fftshift({v})
{n} = {v} + 1j * {w}
{n} = np.exp(1j * {f})
{n} = np.angle({v} + 1j * {w}[::-1])
{n} = {z}.conj() * {z}
{n} = np.abs({z}) ** 2
{n} = {z}.imag * {c}
{n} = np.real({z} * {z})
{n} = complex({s}, {c})
{n} = complex({s}, {s1}) * 2j
{n} = cmath.exp(1j * {s})
{n} = abs(complex({s}, {c}))
{n} = {z}.sum()
{n} = np.fft.fft2({m}).real
{n} = ({s} * 1j) * ({c} - 2j)
{n} = {z}[0].real + {z}[-1].imag
{n} = {z}.view(float)
""",
    "dtypes": """
{n} = {a}.astype(np.float32)
{n} = {a}.astype(np.float32).sum()
{n} = np.float32({s})
{n} = np.float32({s}) * {a}
{n} = np.array([1, 2]) * {s}
{n} = {j} * {f}
{n} = {j} / 3
{n} = {j} ** 2
{n} = np.sqrt({j} + 5)
{n} = {j}.sum() * {c}
{n} = {j}.mean()
{n} = {j}[0] * {c}
{n} = {a}.astype(int) + {a}
{n} = {a}.astype(complex)
{n} = ({a} > 0).astype(float) * {a}
{n} = {a} * True
{n} = np.result_type({a}, np.float32)
{n} = {a}.dtype.itemsize * {s}
{n} = np.ones(2, np.float32) * {s}
{n} = {a}.astype({a}.dtype, copy=False)
{n} = np.array({a}, dtype=np.float32)
{n} = np.asarray({a}, dtype=float)
{n} = np.int64(3) * {s}
{n} = np.mean({a}, dtype=np.float32)
{n} = np.cumsum({j}) * {c}
{n} = np.dot({j}, {j}) * {c}
{n} = {a}.astype("f4")[..., None]
{n} = np.longdouble({s})
""",
}
