"""What drawn programs are made of, where a value leaves NumPy's arithmetic: statements of Python, containers, text, C.

As templates.py. BLOCKS are templates of several lines, one a paragraph; BORDERS are one line each.
"""

BORDERS: dict[str, str] = {
    "cuts": """
{n} = float({s})
{n} = float({s}) * {c}
{n} = {a}.item(0)
{n} = {a}.sum().item()
{n} = {a}.tolist()
{n} = {v}.tolist()[0]
{n} = int({s} * 10)
{n} = round({s}, 2)
{n} = float(str({s}))
{n} = float(f"{{{s}}}")
{n} = float(f"{{{s}:.3f}}")
{n} = float(repr({s}).strip("npfloat64()"))
{n} = float("%.4f" % {s})
{n} = float("{{}}".format({s}))
{n} = eval(str({s}))
{n} = complex({s}).real
{n} = bool({s} > 0) * {s1}
{n} = np.float64(float({s}))
{n} = np.array({a}.tolist())
{n} = np.array([float(t) for t in {v}])
{n} = [float(t) for t in {v}]
{n} = {{"a": float({s}), "b": {s1}}}
{n} = np.frombuffer({a}.tobytes(), {a}.dtype)
{n} = np.frombuffer({v}.copy(), {v}.dtype)
{n} = np.fromstring(" ".join(map(str, {v})), sep=" ")
{n} = np.asarray(memoryview(np.ascontiguousarray({v})))
{n} = memoryview(np.ascontiguousarray({v}))[0]
{n} = {v}.__array__() * {c}
{n} = {s}.__float__()
{n} = np.array({v}, dtype=object)[0]
{n} = np.array({v}, dtype="U8").astype(float)
{n} = {a}.view(np.int64).view(float)
{n} = {s}.hex() if isinstance({s}, float) else ""
{n} = float.fromhex(float({s}).hex())
{n} = list(map(float, {v}))
{n} = sum(map(float, {v}))
{n} = [*{v}, {s}]
{n} = ast.literal_eval(str(float({s})))
{n} = np.float64(str(float({s})))
{n} = np.genfromtxt(io.StringIO(str(float({s}))))
{n} = type({g})({g}) * {c}
{n} = np.ndarray({v}.shape, {v}.dtype, {v}.tobytes())
{n} = float({s}).as_integer_ratio()[0] * 1e-18
{n} = {a}.__array_interface__["shape"][0] * {s}
{n} = np.from_dlpack({v})
""",
    "consumers": """
{n} = json.loads(json.dumps({{"lr": {s}}}))["lr"]
{n} = json.dumps([{s}, {c}])
{n} = json.loads(json.dumps({v}.tolist()))
{n} = json.dumps({{"x": {v}}}, default=lambda t: t.tolist())
{n} = pickle.loads(pickle.dumps({a}))
{n} = pickle.loads(pickle.dumps({{"a": {s}}}))["a"]
{n} = copy.deepcopy({a})
{n} = copy.copy({s})
{n} = copy.deepcopy([{a}, {s}])[0]
{n} = struct.unpack("d", struct.pack("d", {s}))[0]
{n} = struct.pack("2d", {s}, {c})
{n} = datetime.timedelta(seconds={s})
{n} = datetime.timedelta(seconds={s}).total_seconds()
{n} = decimal.Decimal({s})
{n} = float(decimal.Decimal({s}) * 2)
{n} = decimal.Decimal(str({s}))
{n} = fractions.Fraction({s})
{n} = float(fractions.Fraction({s}).limit_denominator(50))
{n} = statistics.mean({v})
{n} = statistics.mean([{s}, {c}])
{n} = statistics.stdev({v})
{n} = statistics.median({v}.tolist())
{n} = hashlib.sha1({a}.tobytes()).hexdigest()
{n} = hashlib.md5(np.ascontiguousarray({v})).hexdigest()[:4]
{n} = base64.b64encode({v}.tobytes())
{n} = np.frombuffer(base64.b64decode(base64.b64encode({v}.tobytes())), {v}.dtype)
{n} = sqlite3.connect(":memory:").execute("select ? * 2", ({s},)).fetchone()[0]
{n} = array.array("d", {v})
{n} = array.array("d", [{s}])[0]
{n} = np.array([{v}, {v}[:1]], dtype=object)
{n} = np.array([({s}, 1)], dtype=[("a", float), ("b", int)])["a"]
{n} = math.isclose({s}, {c})
{n} = math.floor({s}) + math.ceil({s})
{n} = math.ldexp({s}, 1)
{n} = math.fmod({s}, 2.0)
{n} = math.nextafter({s}, 9.0)
{n} = math.dist([{s}, 0.0], [{c}, 1.0])
{n} = math.prod([{s}, {c}])
{n} = operator.mul({s}, {c})
{n} = zlib.crc32({a}.tobytes())
{n} = str(uuid.UUID(bytes=hashlib.md5({v}.tobytes()).digest()))
{n} = random.uniform({s}, {s})
{n} = random.Random(1).gauss({s}, 0.1)
{n} = np.random.default_rng(0).normal({s}, 1.0)
{n} = np.random.default_rng(0).choice({v})
{n} = time.sleep(abs({s}) * 1e-9)
{n} = textwrap.shorten(str({v}), 40)
{n} = colorsys.rgb_to_hsv({s}, 0.2, 0.3)[2]
{n} = np.vectorize(lambda t: t * t)({v})
{n} = np.apply_along_axis(lambda t: t.sum() * {c}, 0, {a})
{n} = np.frompyfunc(lambda t: t * 2.0, 1, 1)({v})
{n} = scipy.special.expit({f})
{n} = scipy.special.logsumexp({v})
{n} = scipy.stats.norm.pdf({s})
{n} = scipy.integrate.quad(lambda t: t * {s}, 0, 1)[0]
{n} = scipy.optimize.brentq(lambda t: t - {s}, -1e3, 1e3)
{n} = scipy.linalg.expm({q} * 0.1)
{n} = scipy.ndimage.gaussian_filter({v}, 1.0)
{n} = scipy.interpolate.interp1d(np.arange({v}.size), {v})(0.5)
{n} = scipy.signal.lfilter([1.0], [1.0, 0.5], {v})
""",
    "text and logs": """
print({s})
print(f"{{{s}:.3f}}", {a}.shape)
print({a})
print("loss %.2f" % {s})
{n} = f"{{{s}:.2e}} {{{a}}}"
{n} = str({a})
{n} = repr({s})
{n} = "x = " + str({s})
{n} = "{{:>8.3f}}".format({s})
assert {a}.shape == np.shape({b})
assert np.allclose({a}, {a})
assert isinstance({a}, np.ndarray) and {a}.ndim
logs.append(float({s}))
logs.append({s})
logs.append((len(logs), {s}))
logs += [{s}]
{n} = isinstance({g}, float), type({g}).__name__, type({a}).__name__
{n} = hash({g}) == hash(float({g})), {g} in (1.0, {g})
{n} = {{round({s}, 3): "a"}}
{n} = {a} is {a}, {a}.shape, {a}.nbytes, {a}.dtype.name
{n} = np.array_equal({a}, {b})
{n} = np.array2string({a}, precision=2)
{n} = np.shares_memory({a}, {a}[...]), np.may_share_memory({a}, {v})
{n} = {a}.flags.writeable, {a}.strides, {a}.size
{n} = len({a}), {a}.ndim, callable({a}), bool({s} > 0)
{n} = id({a}) == id({a})
{n} = {s} == {s1}, {s} < {c}
{n} = sys.getsizeof({g}) > 0
{n} = math.isnan({s}) or np.isnan({a}).any()
""",
    "containers": """
{n} = [{f}, {f1}]
{n} = ({s}, {f})
{n} = {{"a": {s}, "b": {f}}}
{n} = {{"p": {{"q": [{s}]}}}}; {n1} = {n}["p"]["q"][0] * {c}
{n} = [t * {c} for t in {v}]
{n} = [t for t in {v} if t > {c}]
{n} = {{i: t for i, t in enumerate({v})}}
{n} = {{float(t) for t in {v}}}
{n} = sum(t * t for t in {v})
{n} = list(zip({v}, {w}))
{n} = dict(a={s}, b={c}); {n}["a"] *= 2
{n} = [[p * q for p in {v}] for q in {w}]
{n} = dict(zip("abc", {v}))
{n} = collections.deque({v}, maxlen=2)
{n} = collections.OrderedDict(a={s})
{n} = collections.defaultdict(float); {n}["k"] += {s}
{n} = collections.Counter(); {n}["k"] += {s}
{n} = types.SimpleNamespace(w={f}, s={s})
{n} = frozenset([{s}])
{n} = sum([{s}, {s1}]) + [{s}, {c}].index({c})
{n} = next(iter({v})) * {c}
{n} = list(map(lambda t: t + {c}, {v}))
{n} = list(filter(lambda t: t > 0, {v}))
{n} = {{**{{"a": {s}}}, "b": {c}}}
{l}.append({s})
{l}[0] = {s}
{l}.insert(0, {s})
{n} = {l}.pop()
{l}.extend({v})
{l}.sort()
{n} = {l}[::-1]
{n} = np.array({l})
{n} = [*{l}, {s}]
box.y = {f}
box.items.append({s})
{n} = getattr(box, "y", {c})
setattr(box, "w", {s}); {n} = box.w * {c}
box.__dict__["d"] = {s}; {n} = box.d + {c}
store["k"] = {f}
{n} = store.setdefault("s", {s})
store.update(a={s}); {n} = store["a"] * {c}
store["n"] = {{"v": {v}}}; store["n"]["v"][0] = {c}
{n} = store.get("k", {c})
globals()["made"] = {s}; {n} = made * {c}
{n} = locals()["{g}"] * {c}
{n} = operator.itemgetter(0)({v}) + operator.attrgetter("size")({v})
{n} = functools.partial(np.multiply, {c})({a})
{n} = list({v}) + [{s}]
cv.set({s}); {n} = cv.get() * {c}
cv.set({a})
refs.append(weakref.ref({a}))
refs.append(weakref.ref({a})); {n} = refs[-1]() * {c}
cache["v"] = {a}
{n} = weakref.proxy({a}).sum()
{n} = remembered({g})
{n} = remembered({k}) * {s}
{n} = scaled({f})
{n} = scaled({s}, {c})
{n} = {{"w": {v}}} | {{"b": {s}}}
""",
    "names": """
{n} = {f}; del {n}
{n} = {g}; {n} += 1.0
{n} = {x}
{n} = {x} * {c}; {x} = {n}
{x} = {x} * {c}
{x} = {x} + 0.0
{n} = ({x}, {x})
{n} = {x} is {x}
""",
}

BLOCKS: dict[str, str] = {
    "loops": """
{n} = 0.0
for i in range({k}):
    {n} += {s} * i

{n} = {s}
for i in range({k}):
    {n} = {n} * 0.5 + {v}[i % {v}.size]

for i in range({k}):
    body

{n} = []
for t in {v}:
    {n}.append(t * {c})

{n} = np.zeros({k})
for i in range({k}):
    {n}[i] = {s} * (i + 1)

{n} = {s}
while abs({n}) > 0.1:
    {n} = {n} / 3

{n} = 0
for i, (t, r) in enumerate(zip({v}, {w})):
    if t > r:
        continue
    {n} += t * r * i
else:
    {n} = {n} + {c}

for row in {m}:
    row *= {c}
{n} = {m}.sum()

for i in range({p}.size):
    {p}[i] = {u}[i] * {c}

{n} = {v}.copy()
for i in range(1, {n}.size):
    {n}[i] += {n}[i - 1] * 0.5

{n} = {v}
for i in range({k}):
    {n} = np.tanh({n} * {s} + i)

losses = []
for epoch in range({k}):
    loss = ({a} * {b}).mean() / (epoch + 1)
    losses.append(float(loss))
    if loss < losses[0]:
        print(epoch, f"{{loss:.3f}}")
{n} = loss * {c}

best = np.inf
for t in {v}:
    if float(t) < best:
        best = float(t)
{n} = best * {s}

for i, t in enumerate({v}):
    logs.append({{"step": i, "t": t}})
{n} = logs[-1]["t"] * {c}

it = iter({v})
{n} = next(it) + next(it)

{n} = {s}
for _ in range({k}):
    for t in ({c}, {c1}):
        {n} = {n} * t / 2
    if {n} > 100:
        break

{n} = np.ones_like({a})
for t in np.nditer({v}):
    {n} = {n} + float(t)

for (i, j), t in np.ndenumerate({m}):
    if i == j:
        {n} = t * {c}
""",
    "if": """
if {s} > {c}:
    {n} = {f}
else:
    {n} = {f1}

if {a}.sum() > 0:
    body
else:
    body
{n} = {s}

{n} = {s} if {s1} > 0 else {c}

{n} = {f}
if np.any({a} > {c}):
    {n} = {n} * 2

match {g}:
    case float():
        {n} = {g} * {c}
    case _:
        {n} = {c}

match {v}.size:
    case 3:
        {n} = {s}
    case _:
        {n} = {s1}

if not ({g} < {c}) and {a}.size:
    {n} = {g} * {c}
elif {g}:
    {n} = {g} + {c}
else:
    {n} = 0.0
""",
    "functions": """
def {n}(t, r={c}):
    return np.sum(t * r)
{n1} = {n}({f}) + {n}({f1}, r={s})

def {n}(t, w={v}):
    return (t * w).sum()
{n1} = {n}({s})

{n} = lambda t: t * {s}
{n1} = {n}({f})

def {n}(r):
    def inner(t):
        return t * r + {c}
    return inner
{n1} = {n}({s})
{n2} = {n1}({f})

def {n}():
    total = {s}
    def add(t):
        nonlocal total
        total = total + t
        return total
    add({c})
    return add({s1})
{n1} = {n}()

def {n}(t, k):
    return t if k == 0 else {n}(t * 0.5 + {c}, k - 1)
{n1} = {n}({f}, {k})

def {n}(*args, **kwargs):
    return sum(args) * kwargs["scale"]
{n1} = {n}(*{v}, scale={s})

def {n}(t):
    t[0] = {s}
    return t
{n1} = {n}({a}.ravel().copy())

def {n}(t):
    t *= {c}
{n}({a})

def {n}(t):
    t[:] = {u}
{n}({p})

def {n}(t):
    value = float(t)
    return value * {c}
{n1} = {n}({s})

def {n}():
    global shared
    shared = {s} * {c}
{n}()
{n1} = shared + 1

def deco(f):
    @functools.wraps(f)
    def inner(*args):
        return f(*args) * {c}
    return inner
@deco
def {n}(t):
    return t + {s}
{n1} = {n}({f})

@functools.lru_cache
def {n}(k):
    return {f} * k
{n1} = {n}(2) + {n}(2)

@functools.lru_cache(maxsize=None)
def {n}(t):
    return t * t
{n1} = {n}({g})

{n} = [lambda t, k=k: t * k * {s} for k in range(2)]
{n1} = {n}[1]({f})

def {n}(t: np.ndarray, *, axis=None):
    if isinstance(t, np.ndarray):
        return t.sum(axis=axis)
    return t
{n1} = {n}({f}) + {n}({g})

def {n}(t):
    t = np.asarray(t, dtype=float)
    return np.sum(t ** 2)
{n1} = {n}({f})

def {n}(t, out=None):
    out = np.empty_like(t) if out is None else out
    np.multiply(t, {c}, out)
    return out
{n1} = {n}({a})
{n2} = {n}({u}, {p})

{n} = np.zeros(2)
def fill(t, into={n}):
    into[0] = t
fill({s})
""",
    "classes": """
class {n}:
    scale = {s}
    def __init__(self, w):
        self.w = w
    def __call__(self, t):
        return (self.w * t).sum() * self.scale
{n1} = {n}({a})
{n2} = {n1}({c})

class {n}:
    def __init__(self, t):
        self.t = t
    @property
    def twice(self):
        return self.t * 2
    @staticmethod
    def shift(t):
        return t + {c}
    @classmethod
    def make(cls, t):
        return cls(t)
{n1} = {n}.make({s})
{n2} = {n}.shift({n1}.twice)

class {n}:
    def __init__(self, t):
        self.t = t
    def __add__(self, other):
        return {n}(self.t + other)
    def __mul__(self, other):
        return {n}(self.t * other)
    __radd__ = __add__
    def __getitem__(self, i):
        return self.t[i]
    def __len__(self):
        return len(self.t)
    def __float__(self):
        return float(self.t[0])
{n1} = {n}({v}) * {s} + {c}
{n2} = {n1}[0] * {c}
{n3} = float({n1})

{n} = collections.namedtuple("{n}", "u w")
{n1} = {n}({s}, {f})
{n2} = {n1}.u * {c}
{n3} = {n1}._replace(u={c})

@dataclasses.dataclass
class {n}:
    w: object
    b: float = 0.0
    def loss(self):
        return np.sum(self.w * {c}) + self.b
{n1} = {n}({a}, {s})
{n2} = {n1}.loss()
{n3} = dataclasses.replace({n1}, b={c})

@dataclasses.dataclass(frozen=True)
class {n}:
    w: object
    b: float = dataclasses.field(default=1.0)
{n1} = {n}({s})
{n2} = dataclasses.asdict({n1})["w"] * {c}

class {n}:
    __slots__ = ("w",)
    def __init__(self, w):
        self.w = w
{n1} = {n}({f})
{n1}.w = {n1}.w * {c}
{n2} = {n1}.w

class {n}(typing.NamedTuple):
    a: object
    b: float = 2.0
{n1} = {n}({s})
{n2} = {n1}.a * {n1}.b

class {n}(collections.namedtuple("P", "a b")):
    def __new__(cls, a):
        return super().__new__(cls, a, a * 2)
{n1} = {n}({s})
{n2} = {n1}.b * {c}

class {n}(list):
    def total(self):
        return sum(self)
{n1} = {n}({v})
{n2} = {n1}.total()

class {n}(dict):
    def __missing__(self, key):
        self[key] = {s}
        return self[key]
{n1} = {n}()
{n2} = {n1}["k"] * {c}

class {n}:
    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
    def __getattr__(self, name):
        return {s}
{n1} = {n}()
{n1}.t = {f}
{n2} = {n1}.other * {c}

class {n}(np.ndarray):
    pass
{n1} = {v}.view({n})
{n2} = {n1}.sum() * {c}

class {n}(float):
    pass
{n1} = {n}({s})
{n2} = {n1} * {c}

class Base:
    def __init__(self, w):
        self.w = w
    def f(self, t):
        return self.w * t
class {n}(Base):
    def f(self, t):
        return super().f(t) + {c}
{n1} = {n}({s}).f({f})
""",
    "generators": """
def {n}():
    t = {s}
    for i in range({k}):
        yield t * i
{n1} = sum({n}())

def {n}(t):
    yield t * {c}
    yield t + {c}
{n1} = {n}({f})
{n2} = next({n1})

{n} = (t * {c} for t in {v})
{n1} = next({n})

def {n}():
    r = yield {s}
    yield r * {c}
{n1} = {n}()
next({n1})
{n2} = {n1}.send({s1})

def {n}(t):
    yield from t
{n1} = list({n}({v}))
{n2} = {n1}[0] * {c}

{n} = itertools.cycle({v})
{n1} = next({n}) * next({n})

{n} = map(lambda t: t * {s}, {v})
{n1} = next({n})

@contextlib.contextmanager
def {n}(t):
    yield t * {c}
with {n}({f}) as {n1}:
    {n2} = {n1} + {s}

{n} = zip({v}, {w})
{n1} = next({n})[0] * {c}
""",
    "exceptions": """
try:
    {n} = {s} / 0 if {c} > 100 else {s}
except ZeroDivisionError:
    {n} = {c}
finally:
    {n1} = {f}

try:
    raise ValueError({s})
except ValueError as err:
    {n} = err.args[0] * {c}

class {n}(Exception):
    pass
try:
    raise {n}({f}, "text")
except {n} as err:
    {n1} = np.sum(err.args[0]) * {c}

try:
    {v}[{v}.size]
except IndexError as err:
    {n} = str(err)

kept = None
try:
    raise RuntimeError({a})
except RuntimeError as err:
    kept = err
{n} = kept.args[0].sum()

with contextlib.suppress(TypeError):
    {n} = {s} + "text"
{n} = {s}

try:
    json.dumps({v})
    {n} = 1.0
except TypeError:
    {n} = {s}

try:
    {n} = {a} @ np.ones(77)
except ValueError as err:
    {n} = {s}
    logs.append(str(err))

with np.errstate(divide="raise"):
    try:
        {n} = {a} / 0.0
    except FloatingPointError:
        {n} = {a} * {c}
""",
    "files": """
with tempfile.TemporaryFile() as file:
    np.save(file, {a})
    file.seek(0)
    {n} = np.load(file)

with tempfile.TemporaryFile("w+") as file:
    np.savetxt(file, {v})
    file.seek(0)
    {n} = np.loadtxt(file)

{n} = io.BytesIO()
np.savez({n}, a={a})
{n}.seek(0)
{n1} = np.load({n})["a"]

{n} = io.StringIO()
{n}.write(f"{{{s}}}")
{n1} = float({n}.getvalue())

{n} = io.StringIO()
writer = csv.writer({n})
writer.writerow([{s}, {c}])
{n1} = float({n}.getvalue().split(",")[0].strip("npfloat64()"))

{n} = io.StringIO()
json.dump({{"loss": {s}, "at": {v}.tolist()}}, {n})
{n1} = json.loads({n}.getvalue())["at"][0]

print({s}, file=stream)
{n} = float(stream.getvalue().split()[-1])

{n} = io.BytesIO()
pickle.dump([{a}, {s}], {n})
{n1} = pickle.loads({n}.getvalue())[1]

{n} = sqlite3.connect(":memory:")
{n}.execute("create table t (a real)")
{n}.execute("insert into t values (?)", ({s},))
{n1} = {n}.execute("select sum(a) from t").fetchone()[0]

{n} = np.memmap(tempfile.TemporaryFile(), float, "w+", shape=({v}.size,))
{n}[:] = {v}
{n1} = float({n}[0])

{n} = queue.Queue()
{n}.put({f})
{n1} = {n}.get() * {c}

{n} = []
worker = threading.Thread(target=lambda: {n}.append({s}))
worker.start()
worker.join()
{n1} = {n}[0] * {c}

with concurrent.futures.ThreadPoolExecutor(1) as pool:
    {n} = pool.submit(lambda t: t * {c}, {s}).result()
""",
}
