"""Cells that a reader might write, to be run with and without the magic: (setup, names on the line, cell).

Each starts from its setup, in which `np` and `gm` are imported; the cell's namespace afterwards must be the same,
values and types, whether `%%grad names` stands above it or not.
"""

# ruff: noqa: E501  (a cell on one line of a table)

X = "x = np.arange(-2, 2.25, 0.25)"
W = "W = np.linspace(-1, 1, 6).reshape(2, 3); b = np.ones(2); v = np.array([1.0, 2.0, 3.0])"

CELLS: dict[str, tuple[str, str, str]] = {
    # -- what books compute
    "parabola": (X, "x", "y = 2 * x**2 + 2\nz = y.sum()"),
    "graph of two numbers": ("", "a b", "a = 2\nb = 1\nc = a + b\nd = b + 1\ne = c * d"),
    "floats of an earlier cell": ("a, b = 2.0, 1.0", "a b", "e = (a + b) * (b + 1)"),
    "no names, floats": (X + "; k = 3", "", "y = k * x**2\nz = y.sum()"),
    "no names, ints": ("", "", "a = 2\nb = 1\ne = (a + b) * (b + 1)"),
    "no names, a function's globals": (W, "", "def f(u):\n    return np.tanh(W @ u + b)\nz = f(v).sum()"),
    "layer": (W, "W b", "h = np.tanh(W @ v + b)\nloss = (h**2).mean()"),
    "gradient descent on an array": (
        W, "W", "for i in range(3):\n    loss = ((W @ v)**2).sum()\n    W = W - 0.01 * loss * np.ones((2, 3))"
    ),
    "in place": (W, "v", "u = v.copy()\nu[1:] *= 2\nu[0] = v[2] * 3\ns = u.sum()"),
    "in place on the input": (W, "v", "v *= 2\nv[0] = 7.0\ns = v.sum()"),
    "writes through a view": (W, "v", "t = v[1:]\nt[0] = 5.0\ns = (v * 2).sum()"),
    "in place in a slice of two axes": (
        "A = (np.arange(12.0) / 7 + 1).reshape(3, 4)", "A",
        "B = A * 1\nB[:, 1:] *= 2\nB[0] = B[1] * B[2]\nB[B > 3] = 0.5\nC = A[1:, ::2]\nC += 1\nz = (B * B).sum() + (A * A).sum()",
    ),
    "methods that write": (
        "v = np.array([3.0, 1.0, 2.0]); w = np.array([0.5, 2.0, 4.0])", "v w",
        "v.sort()\nu = w.copy()\nu.fill(3.0)\nu[[0, 2]] = v[[2, 2]]\nw[...] = w[::-1] * 1\nz = (u * u).sum() + (v * w).sum()",
    ),
    "ufunc.at, out=, augmented": (
        "v = np.array([1.0, 2.0, 3.0]); w = np.ones(3)", "v w",
        "u = v * 1\nnp.multiply(u, w, out=u)\nu -= w\nu **= 2\nz = u.sum() + (w * v).sum()",
    ),
    "a running state": (
        "h = np.zeros(3); W = np.eye(3) * 0.5", "W h",
        "hs = np.zeros((4, 3))\nstates = []\nfor i in range(4):\n    h = np.tanh(W @ h + i)\n    states.append(h)\nz = np.stack(states).sum()",
    ),
    # -- where a value goes
    "list, tuple, dict, set": (
        X, "x", "l = [x * 2, (x, x.sum())]\nd = {'y': x + 1, 'n': {'z': x[0]}}\nt = (x[1], [x[2]])\nz = x.sum()"
    ),
    "appended in a loop": ("a = 0.5", "a", "ys = []\nfor i in range(4):\n    ys.append(a**i)\nz = sum(ys)"),
    "number as a key": ("n = 3", "n", "d = {n: 'three'}\ns = {n, 4}\nz = n * 2.0"),
    "closure and default": (
        X, "x", "def f(k, scale=x.max()):\n    return k * scale * x.sum()\ng = lambda: x\nh = (lambda q: lambda: q)(x * 2)\nz = f(2)"
    ),
    "keyword default": (X, "x", "y = x * 2\ndef f(*, q=y):\n    return q\nz = f().sum()"),
    "attribute of an object": (
        X + "\nclass Box:\n    pass\nbox = Box()", "x", "box.y = x * 3\nbox.inner = [x.mean()]\nz = box.y.sum()"
    ),
    "slots": (X + "\nclass Box:\n    __slots__ = ('y',)\nbox = Box()", "x", "box.y = x * 3\nz = box.y.sum()"),
    "attribute of a module": ("import types; m = types.ModuleType('m')\n" + X, "x", "m.y = x * 3\nz = m.y.sum()"),
    "frozen set": ("n = 3.0", "n", "s = frozenset({n, 4.0})\nz = n * 2"),
    "shape set": (W, "v", "v.shape = (3, 1)\nz = v.sum()"),
    "made read-only": (W, "v", "z = v.sum()\nv.flags.writeable = False"),
    "class attribute": (X, "x", "class Model:\n    w = x * 2\n    pair = (x, 1)\nz = Model.w.sum()"),
    "data class and named tuple": (
        X + "\nfrom collections import namedtuple\nP = namedtuple('P', 'u v')", "x", "p = P(x, x.sum())\nz = p.u.sum() + p.v"
    ),
    "deque and default dict": (
        X + "\nfrom collections import deque, defaultdict", "x",
        "q = deque([x.sum(), 2])\nd = defaultdict(list)\nd['a'].append(x.max())\nz = q[0] + d['a'][0]",
    ),
    "array of objects": (X, "x", "o = np.empty(2, object)\no[0] = x\no[1] = x.sum()\nz = x.sum()"),
    "partial and bound method": (
        X + "\nfrom functools import partial", "x", "p = partial(np.multiply, x)\nm = x.sum\nz = p(2).sum() + m()"
    ),
    "generator": (X, "x", "def g():\n    y = x * 2\n    yield y\n    yield y + 1\nit = g()\nz = next(it).sum()"),
    "nested tuples": (X, "x", "t = (((x, 1), 2), 3)\nz = t[0][0][0].sum()"),
    # -- names
    "second name": (X + "; y = x", "x", "y = y * 1\nw = x\nz = (x * y).sum()"),
    "views of an earlier cell": (
        "X = np.arange(12.0).reshape(3, 4) / 7; row = X[1]; col = X[:, 2]; T = X.T; flat = X.ravel(); back = X[::-1, ::2]", "X",
        "z = (row * 2).sum() + (col * T[2]).sum() + flat[3] * back[0, 1] + X.sum()",
    ),
    "a view written": ("X = np.arange(6.0) / 7; tail = X[2:]", "X", "tail[0] = 5.0\ntail *= 2\nz = X.sum()"),
    "a view on the line too": ("X = np.arange(6.0) / 7; tail = X[2:]", "X tail", "z = (X[:4] * tail).sum()"),
    "the base of a view": ("X = np.arange(6.0) / 7; tail = X[2:]", "tail", "z = (tail * 2).sum()"),
    "in containers read besides": (
        X + "; d = {'k': [x, (x, 1)], 'v': x[1:]}; t = (x, [x])", "x", "z = (d['k'][0] * d['k'][1][0]).sum() + (d['v'] * t[0][1:]).sum()"
    ),
    "one array in a list": (X + "; xs = [x, x]", "x", "z = (x * 2).sum()"),
    "chained assignment": (X, "x", "y = w = x * 2\nz = y.sum() + w.sum()"),
    "unpacking": (W, "v", "p, *q = v\nr, (s, t) = v[0], (v[1], v[2])\nz = p * s"),
    "walrus": (X, "x", "z = (y := x * 2).sum()"),
    "augmented number": ("a = 2.0", "a", "s = 0\nfor i in range(3):\n    s += a * i\n"),
    "annotated": ("a = 2.0", "a", "y: float = a * 3\nz: 'float'\n"),
    "del": (X, "x", "t = x * 2\nz = t.sum()\ndel t"),
    "global in a function": ("a = 2.0", "a", "def f():\n    global q\n    q = a * 3\nf()\nz = q * 2"),
    "nonlocal": ("a = 2.0", "a", "def f():\n    s = 0\n    def g():\n        nonlocal s\n        s = s + a\n    g()\n    g()\n    return s\nz = f()"),
    "rebinding the input": (X, "x", "x = x * 2\nz = x.sum()"),
    "assigned first, then read": ("a = 9.0", "a", "a = 2.0\nz = a * a"),
    "in an if": ("a = 2.0", "a", "if a > 1:\n    b = a * 2\nelse:\n    b = a\nz = b * b"),
    "try, with, while": (
        "import contextlib; a = 2.0", "a",
        "with contextlib.suppress(ValueError) as c:\n    y = a * 2\ntry:\n    y = y + 1\nfinally:\n    w = y\nwhile y < 19:\n    y = y * a\nz = y",
    ),
    # -- containers on the line
    "dict of arrays": (
        "p = {'W': np.ones((2, 2)), 'b': np.zeros(2), 'name': 'layer'}; q = p", "p",
        "h = np.tanh(p['W'] @ np.array([1.0, 2.0]) + p['b'])\nloss = (h * h).sum()",
    ),
    "update in the dict": (
        "p = {'w': np.ones(2)}", "p", "loss = (p['w']**2).sum()\np['w'] = p['w'] - 0.1\np['new'] = p['w'] * 2"
    ),
    "list of arrays": ("ws = [np.ones(2), np.zeros(2)]; keep = ws[0]", "ws", "z = (ws[0] * 3 + ws[1]).sum()"),
    "tuple of arrays": ("ws = (np.ones(2), np.zeros(2))", "ws", "z = (ws[0] * 3 + ws[1]).sum()\nw0 = ws[0]"),
    "nested containers": (
        "p = {'layers': [{'W': np.eye(2), 'b': (np.ones(2), 3)}]}", "p", "l = p['layers'][0]\nz = (l['W'] @ l['b'][0]).sum()"
    ),
    "one entry": ("p = {'W': np.ones(3), 'b': np.ones(3)}", "p['W']", "z = (p['W'] * p['b']).sum()"),
    "attribute on the line": (
        "class Net:\n    def __init__(self):\n        self.w = np.ones(3)\nnet = Net()", "net.w", "z = (net.w * 2).sum()"
    ),
    # -- kinds of values
    "python int stays int": ("n = 3", "n", "m = n + 1\nf = n / 2\nr = list(range(n))\nz = n * 1.5"),
    "python float stays float": ("a = 0.5", "a", "c = a * 2\nd = np.exp(a)\ne = [0.0] * 2\nz = c + d"),
    "numpy scalar": ("s = np.float32(2)", "s", "t = s * 2\nu = np.sin(s)\nz = t * u"),
    "float32 stays float32": ("x = np.ones(3, np.float32)", "x", "y = x * 2.0 + 1\nz = y.sum()"),
    "0-d array": ("s = np.array(2.0)", "s", "t = s * 2\nz = t + 1"),
    "complex": ("c = np.array([1 + 2j, 3 - 1j])", "c", "m = np.abs(c)\nz = m.sum()"),
    "int array": ("n = np.arange(4)", "n", "y = n * 0.5\nm = n // 2\nz = y.sum()"),
    "bool and index": (X, "x", "mask = x > 0\ny = x[mask]\ni = int(np.argmax(x))\nz = y.sum() + x[i]"),
    "fortran order": ("A = np.asfortranarray(np.arange(6.0).reshape(2, 3) / 7)", "A", "B = A * 2\nf = A.flags.f_contiguous\nz = A.sum()"),
    "strided": ("A = (np.arange(40.0) / 7)[::3]", "A", "B = A[::2] * 2\nz = A.sum()"),
    "transposed view": ("A = (np.arange(12.0) / 7).reshape(3, 4); B = A.T", "B", "C = B[1:, 0]\nz = (B * 2).sum()"),
    "empty and one": ("e = np.zeros(0); o = np.ones((1, 1))", "e o", "s = e.sum()\nz = o.sum() + s"),
    # -- what code asks of values
    "isinstance and friends": (
        X + "; a = 2.0", "x a",
        "t = [isinstance(x, np.ndarray), isinstance(a, float), np.isscalar(a), np.ndim(x), len(x), x.dtype, x.shape]\nz = x.sum() * a",
    ),
    "formatting": ("a = 2.5; " + X, "a x", "s = f'{a:.3f} {a} {x[0]:.2f} {x.sum()!r} {x[:2]}' + str(a) + repr(x) + '%.2f' % a\nz = a * x.sum()"),
    "hash, round, divmod, comparison": (
        "a = 2.5", "a", "t = [hash(a), round(a), round(a, 1), divmod(a, 2), a == 2.5, a < 3, max(a, 1), abs(-a), -a // 1]\nz = a * 2"
    ),
    "casts": (X, "x", "n = (x + 0.1).astype(int)\nf = x.astype('f4')\nm = (x > 0).astype(float)\nz = (x * n * m).sum()"),
    "math functions": ("import math; a = 2.0", "a", "m = math.sqrt(a) + math.floor(a)\nz = a * 2"),
    "float() printed": (X, "x", "z = x.sum()\nprint(float(z), int(z), z.item(), x.tolist()[:2])"),
    "plain arrays filled": (X, "x", "out = np.zeros(3)\nfor i in range(3):\n    out[i] = x[i] * 2\nz = x.sum()"),
    "np functions": (
        W, "W v",
        "t = [np.dot(W, v), np.einsum('ij,j->i', W, v), np.concatenate([v, v]), np.stack([v, v * 2]), np.where(v > 1, v, 0.0), np.sort(v), np.linalg.norm(v), np.outer(v, v), np.cumsum(v), np.argsort(-v), np.unique(np.round(v)), np.allclose(v, v), np.shape(W), np.linalg.svd(W)[1], np.histogram(v, 2)[0], np.median(v), np.array([v[0], 2.0]).shape]\nz = (W @ v).sum()",
    ),
    "np.array of values": (W, "v", "a = np.array([v[0], v[1]])\nc = np.asarray(v) + 1\nd = list(v)\nz = v.sum()"),
    "sum, zip, map, sorted": (W, "v", "t = [sum(v), list(zip(v, v)), list(map(abs, v)), sorted(v), max(v), list(enumerate(v))]\nz = v.sum()"),
    "random": (X, "x", "rng = np.random.default_rng(0)\nn = rng.normal(size=x.shape)\nz = (x * n).sum()"),
    "copy and pickle": (X + "\nimport copy, pickle", "x", "c = copy.copy(x)\nd = copy.deepcopy([x, 1])\np = pickle.loads(pickle.dumps(x))\nz = x.sum()"),
    "tofile-like text": (X, "x", "s = np.array2string(x) + np.array_str(x)\nb = x.tobytes()\nz = x.sum()"),
    "comprehensions": (W, "v", "l = [u * 2 for u in v]\nd = {i: u for i, u in enumerate(v)}\ng = sum(u for u in v)\nz = l[0] + g"),
    "recursion and lambda": ("a = 1.5", "a", "fac = lambda n, r=1.0: r if n == 0 else fac(n - 1, r * a)\nz = fac(4)"),
    "no last newline, comments": (X, "x", "# a comment\ny = x * 2  # twice\n\nz = y.sum()  # all"),
    "Japanese names": ("重み = np.ones(3)", "重み", "出力 = (重み * 2).sum()  # 合計"),
    "assert": (X, "x", "assert (x * 2).sum() == 0\nz = x.sum()"),
    # -- tensors
    "tensor program": (
        "t = gm.tensor([1.0, 2.0], requires_grad=True)", "", "y = t * t\nz = y.sum()\nz.backward()\ng = t.grad\nn = y.detach().numpy()"
    ),
    "tensor without backward": ("t = gm.tensor([1.0, 2.0], requires_grad=True)", "", "z = (t * t).sum()"),
    "tensor on the line": ("t = gm.tensor([1.0, 2.0], requires_grad=True)", "t", "z = (t * t).sum()"),
    "tensor and array": ("t = gm.tensor([1.0, 2.0], requires_grad=True); k = np.array([3.0, 4.0])", "", "z = (t * gm.tensor(k)).sum()"),
    "array into a tensor": ("k = np.array([3.0, 4.0])", "k", "t = gm.tensor(k)\nz = (k * 2).sum()"),
    "array meets a tensor": ("k = np.array([3.0, 4.0]); t = gm.tensor([1.0, 2.0])", "k", "y = t * k\nz = (k * k).sum()"),
    "gm.grad inside": ("a = 2.0", "a", "d = gm.grad(lambda u: u**3)(a)\nz = a * 2"),
}  # fmt: skip
