"""The Array face is ndarray's: every public name, every special method, with the plain value's meaning.

The names come from NumPy and Python themselves: a new one without a line here fails. Each expression is evaluated on a
plain value and on the same value lifted; result, dtype, type, exception, what is printed and what was written must be
the same. Where the plain function has a derivative, the lifted one has it, or the reader is told.
"""

import array
import bisect
import cmath
import collections
import contextlib
import copy
import ctypes
import datetime
import decimal
import fractions
import functools
import heapq
import io
import itertools
import json
import math
import numbers
import operator
import pickle
import random
import re
import statistics
import struct
import sys
import time
import warnings

import numpy as np
import pytest

from gradmagic.engine.faces.numpy.array import Array
from gradmagic.engine.sweeps.backward import sweep
from gradmagic.engine.tape.ends import seed
from gradmagic.engine.tape.modes import watch
from gradmagic.engine.watch.recorder import Recorder
from gradmagic.errors import StaleError

VALUES = {
    "matrix": lambda: np.array([[3.0, -1.0, 2.0], [0.5, 4.0, 1.5]]),
    "vector": lambda: np.array([3.0, -1.0, 2.0, 0.5]),
    "square": lambda: np.array([[2.0, -1.0, 0.3], [0.5, 3.0, 1.5], [0.2, 0.7, 1.1]]),
    "single": lambda: np.array([[2.5]]),
    "zero_d": lambda: np.array(2.5),
    "empty": lambda: np.zeros((0, 3)),
    "float32": lambda: np.array([1.5, 2.5, -3.0], "f4"),
    "float16": lambda: np.array([1.5, 2.5, -3.0], "f2"),
    "strided": lambda: np.arange(12.0).reshape(3, 4)[:, ::2].T,
    "fortran": lambda: np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "int": lambda: np.array([[3, 1, 2], [6, 5, 4]]),
    "complex": lambda: np.array([1 + 2j, 3 - 1j, -2j]),
    "big_endian": lambda: np.array([3.0, 1.0], ">f8"),
    "float": lambda: 2.5,
    "whole": lambda: 3.0,
    "negative": lambda: -2.5,
    "python_int": lambda: 7,
    "python_complex": lambda: 1 + 2j,
    "np.float64": lambda: np.float64(2.5),
    "np.float32": lambda: np.float32(2.5),
    "np.int64": lambda: np.int64(7),
    "np.complex128": lambda: np.complex128(1 + 2j),
}


def csv_line(x):
    out = io.StringIO()
    __import__("csv").writer(out).writerow(x)
    return out.getvalue()


def matched(x):
    match x:
        case float():
            return "float"
        case int():
            return "int"
        case complex():
            return "complex"
        case [_, *rest]:
            return f"a sequence of {len(rest) + 1}"
    return "else"


SCOPE = {
    "np": np, "array": array, "bisect": bisect, "cmath": cmath, "collections": collections, "copy": copy,
    "ctypes": ctypes, "datetime": datetime, "decimal": decimal, "fractions": fractions, "functools": functools,
    "heapq": heapq, "io": io, "itertools": itertools, "json": json, "math": math, "numbers": numbers,
    "operator": operator, "pickle": pickle, "random": random, "statistics": statistics, "struct": struct, "sys": sys,
    "time": time, "csv_line": csv_line, "matched": matched,
}  # fmt: skip

# ---- public names: each with its expressions, `x` the value, `y` the same value again, plain ---------------------

PUBLIC = """
T            x.T ; x.T.shape
mT           x.mT
all          x.all() ; x.all(0) ; x.all(axis=0, keepdims=True) ; x.all(where=True)
any          x.any() ; x.any(0) ; x.any(axis=-1, keepdims=True)
argmax       x.argmax() ; x.argmax(0) ; x.argmax(axis=-1, keepdims=True) ; x.argmax(0, None)
argmin       x.argmin() ; x.argmin(0, keepdims=True) ; x.argmin(axis=-1)
argpartition x.argpartition(1) ; x.argpartition(0, None) ; x.argpartition(kth=0, axis=0) ;
    x.argpartition((0, 1), kind='introselect')
argsort      x.argsort() ; x.argsort(0) ; x.argsort(axis=None) ; x.argsort(kind='stable') ; x.argsort(stable=True)
astype       x.astype('f4') ; x.astype(float) ; x.astype(complex) ; x.astype(int) ; x.astype(bool) ;
    x.astype(str) ; x.astype(object) ; x.astype('f8', copy=False) ; x.astype('f8', 'F') ;
    x.astype('f4', casting='safe') ; x.astype('f4', order='C', casting='same_kind', subok=False, copy=True) ;
    x.astype('nosuch')
base         x.base is None ; x.view().base is x ; x[...].base is x ; x.copy().base ; x.T[:1].base is x
byteswap     x.byteswap() ; x.byteswap(False) ; x.byteswap(inplace=True)
choose       x.choose([x, x]) ; x.choose([0]) ; (y > 1).choose([x, 2 * x])
clip         x.clip(0, 2) ; x.clip(0) ; x.clip(min=0) ; x.clip(max=1) ; x.clip(None, 2) ;
    x.clip(0, 2, dtype='f4') ; x.clip() ; x.clip(0, 2, casting='unsafe')
compress     x.compress([True, False]) ; x.compress([True], axis=0) ; x.compress([1], 0)
conj         x.conj()
conjugate    x.conjugate()
copy         x.copy() ; x.copy('F') ; x.copy(order='K') ; x.copy(order='F').flags.f_contiguous
ctypes       x.ctypes.data > 0 ; x.ctypes.shape[:] ; x.ctypes.strides[:]
cumprod      x.cumprod() ; x.cumprod(0) ; x.cumprod(axis=0, dtype='f4')
cumsum       x.cumsum() ; x.cumsum(0) ; x.cumsum(axis=-1, dtype=complex)
data         bytes(x.data) ; x.data.shape ; x.data.format ; x.data.tolist()
device       x.device
diagonal     x.diagonal() ; x.diagonal(1) ; x.diagonal(0, 0, 1) ; x.diagonal(offset=-1, axis1=1, axis2=0)
dot          x.dot(2) ; x.dot(2.0) ; x.dot(x) ; x.dot(x.T) ; x.dot([1.0, 2.0, 3.0]) ; x.dot(b=2)
dtype        x.dtype ; x.dtype.kind
dump         x.dump(file) ; x.dump(3)
dumps        x.dumps() == y.dumps() ; pickle.loads(x.dumps())
fill         x.fill(2) ; x.fill('a') ; x.fill([1, 2])
flags        x.flags.c_contiguous ; x.flags['F_CONTIGUOUS'] ; x.flags.writeable ; x.flags.owndata ; repr(x.flags) ;
    x.flags.num ; x.flags.farray ; x.flags == y.flags
flat         x.flat[0] ; x.flat[1:] ; x.flat[[0, 0]] ; x.flat[-1] ; x.flat[99] ; list(x.flat) ; len(x.flat) ;
    x.flat.copy() ; x.flat.index ; x.flat.coords ; next(x.flat) ; np.asarray(x.flat) ; x.flat == 3 ; x.flat != 3 ;
    x.flat[...] ; sum(x.flat) ; x.flat < 2 ; max(x.flat)
flatten      x.flatten() ; x.flatten('F') ; x.flatten(order='A') ; x.flatten('K')
getfield     x.getfield('f4') ; x.getfield('i4', 4) ; x.getfield(dtype='u1', offset=1)
imag         x.imag
item         x.item() ; x.item(0) ; x.item(-1) ; x.item(0, 1) ; x.item((0, 1)) ; x.item(99)
itemsize     x.itemsize
max          x.max() ; x.max(0) ; x.max(axis=0) ; x.max(None, None, True) ; x.max(axis=-1, keepdims=True) ;
    x.max(initial=9) ; x.max(initial=9, where=y > 1) ; x.max((0,))
mean         x.mean() ; x.mean(0) ; x.mean(axis=-1) ; x.mean(dtype='f4') ; x.mean(0, None, None, True) ;
    x.mean(where=y > 1)
min          x.min() ; x.min(0) ; x.min(axis=-1, keepdims=True) ; x.min(initial=-9)
nbytes       x.nbytes
ndim         x.ndim
nonzero      x.nonzero()
partition    x.partition(1) ; x.partition(0, 0) ; x.partition(kth=0, axis=0, kind='introselect') ;
    x.partition([0, 1])
prod         x.prod() ; x.prod(0) ; x.prod(axis=-1, keepdims=True) ; x.prod(dtype='f4') ; x.prod(initial=2) ;
    x.prod(where=y > 1)
put          x.put([0], [5]) ; x.put([0, 1], [5]) ; x.put(indices=[0], values=9.0, mode='clip') ; x.put([99], 1) ;
    x.put([99], 1, 'wrap') ; x.put([99], 1, mode='clip') ; x.put([], []) ; x.put(0, 1) ; x.put([0, 1], [])
ravel        x.ravel() ; x.ravel('F') ; x.ravel(order='K') ; x.ravel('A')
real         x.real
repeat       x.repeat(2) ; x.repeat(2, 0) ; x.repeat(repeats=[2], axis=0) ; x.repeat([1, 2], axis=0)
reshape      x.reshape(-1) ; x.reshape(3, 2) ; x.reshape((2, 3)) ; x.reshape(3, -1, order='F') ; x.reshape([-1]) ;
    x.reshape(np.int64(-1)) ; x.reshape(-1, copy=True) ; x.reshape(-1, copy=False) ; x.reshape(-1, order='A') ;
    x.reshape(()) ; x.reshape(1, 1) ; x.reshape(7, 7)
resize       x.resize((2, 2))
round        x.round() ; x.round(1) ; x.round(decimals=1) ; x.round(-1)
searchsorted x.searchsorted(1.0) ; x.searchsorted([0, 1], 'right') ;
    x.searchsorted(1.0, side='left', sorter=None) ; x.searchsorted(v=[1.0])
setfield     x.setfield(1, 'f8') ; x.setfield(1, 'f4', 4)
setflags     x.setflags() ; x.setflags(write=True)
shape        x.shape
size         x.size
sort         x.sort() ; x.sort(0) ; x.sort(axis=-1, kind='stable') ; x.sort(stable=True) ; x.sort(None) ;
    x.sort(axis=None) ; x.sort(order='a')
squeeze      x.squeeze() ; x.squeeze(0) ; x.squeeze(axis=0) ; x.squeeze((0,))
std          x.std() ; x.std(0) ; x.std(ddof=1) ; x.std(0, None, None, 1) ; x.std(axis=-1, keepdims=True) ;
    x.std(mean=y.mean()) ; x.std(where=y > 0)
strides      x.strides
sum          x.sum() ; x.sum(0) ; x.sum(axis=(0,)) ; x.sum(dtype='f4') ; x.sum(None, 'f4') ; x.sum(keepdims=True) ;
    x.sum(initial=3) ; x.sum(where=y > 1) ; x.sum(1)
swapaxes     x.swapaxes(0, 1) ; x.swapaxes(-1, 0)
take         x.take([0]) ; x.take(0) ; x.take([0, -1], 0) ; x.take(indices=[0], axis=0, mode='clip') ;
    x.take([9], mode='wrap') ; x.take([9]) ; x.take([[0, 0]])
to_device    x.to_device('cpu') ; x.to_device('gpu') ; x.to_device('cpu', stream=None)
tobytes      x.tobytes() ; x.tobytes('F') ; x.tobytes(order='A')
tofile       x.tofile(3, 4, 5, 6)
tolist       x.tolist()
trace        x.trace() ; x.trace(1) ; x.trace(offset=0, axis1=0, axis2=1, dtype='f4')
transpose    x.transpose() ; x.transpose(1, 0) ; x.transpose((1, 0)) ; x.transpose([1, 0]) ; x.transpose(None) ;
    x.transpose(0) ; x.transpose(-1, 0)
var          x.var() ; x.var(0) ; x.var(axis=-1, ddof=1, keepdims=True) ; x.var(dtype='f4') ;
    x.var(mean=y.mean() + 0.2) ; x.var(0, mean=y.mean(0, keepdims=True) - 0.3, ddof=1)
view         x.view() ; x.view(x.dtype) ; x.view('i8') ; x.view(np.int64) ; x.view(dtype='f4') ; x.view('u1') ;
    x.view(np.ndarray) ; x.view(type=np.ndarray) ; x.view('c16') ; x.view(dtype='f8', type=np.ndarray)
as_integer_ratio x.as_integer_ratio()
bit_count    x.bit_count()
bit_length   x.bit_length()
denominator  x.denominator
from_bytes   x.from_bytes(b'a', 'big')
fromhex      x.fromhex('0x1p1')
hex          x.hex()
is_integer   x.is_integer()
numerator    x.numerator
to_bytes     x.to_bytes(2, 'big') ; x.to_bytes()
"""

SPECIAL = """
__abs__      abs(x) ; x.__abs__()
__add__      x + 1 ; x + 1.5 ; x + x ; x + [1, 2, 3] ; x + (1, 2, 3) ; x + 'a' ; x + None ; x + np.float32(2) ;
    x.__add__(1)
__and__      x & 1 ; x & True
__array__    np.array(x) ; np.asarray(x) ; np.asanyarray(x) ; np.ascontiguousarray(x) ; np.require(x) ;
    np.array([x, x])
__array_finalize__ x.__array_finalize__(None)
__array_function__ np.sum(x) ; np.shape(x) ; np.ndim(x) ; np.size(x) ; np.atleast_1d(x) ; np.result_type(x, 1.0) ;
    np.can_cast(x, 'f4') ; np.iscomplexobj(x) ; np.isrealobj(x) ; np.common_type(x) ; np.min_scalar_type(x)
__array_interface__ x.__array_interface__['shape'] ; x.__array_interface__['typestr'] ;
    sorted(x.__array_interface__)
__array_namespace__ x.__array_namespace__() ; x.__array_namespace__(api_version='2024.12')
__array_ufunc__ np.add(x, 1) ; np.multiply.outer(x, x) ; np.add.reduce(x) ; np.isfinite(x)
__array_wrap__ x.__array_wrap__(np.zeros(2))
__bool__     bool(x) ; not x ; x and 1 ; x or 1
__ceil__     math.ceil(x)
__class__    x.__class__ ; isinstance(x, type(y)) ; isinstance(x, (int, float)) ; isinstance(x, numbers.Number) ;
    isinstance(x, numbers.Real) ; isinstance(x, numbers.Integral) ; isinstance(x, np.ndarray) ;
    isinstance(x, np.generic) ; matched(x) ; callable(x) ; np.isscalar(x) ; np.iterable(x)
__class_getitem__ x.__class_getitem__(int)
__complex__  complex(x)
__contains__ 2.0 in x ; 9.0 in x ; x in [x] ; None in x ; 'a' in x
__copy__     copy.copy(x) ; copy.copy(x) is x
__deepcopy__ copy.deepcopy(x) ; copy.deepcopy([x, x])[1] ; x.__deepcopy__({})
__delitem__  operator.delitem(x, 0)
__dir__      sorted(x.__dir__()) ; dir(x)
__divmod__   divmod(x, 2) ; divmod(x, x) ; x.__divmod__(2)
__dlpack__   np.from_dlpack(x) ; np.from_dlpack(x, copy=True)
__dlpack_device__ x.__dlpack_device__()
__eq__       x == 1 ; x == None ; x == 'a' ; x == [1, 2] ; x == (1, 2) ; x == x
__float__    float(x) ; math.sqrt(x) ; math.sin(x) ; '%.2f' % x ; struct.pack('d', x) ; ctypes.c_double(x).value ;
    random.Random(0).uniform(0, x)
__floor__    math.floor(x)
__floordiv__ x // 2 ; x // 0.37
__format__   format(x) ; format(x, '.2f') ; format(x, '>10') ; f'{x!r}' ; f'{x:.3e}' ; f'{x:g}' ; f'{x:d}' ;
    '{:.2f}'.format(x) ; '{}'.format(x) ; '{0!r:>12}'.format(x)
__ge__       x >= 1 ; x >= 'a'
__getformat__ x.__getformat__('double')
__getitem__  x[0] ; x[-1] ; x[...] ; x[None] ; x[()] ; x['a'] ; x[0, 0] ; x[1:] ; x[[0]] ; x[y > 1] ; x[99] ;
    x[None, 0] ; x[0.5] ; x[True]
__getnewargs__ x.__getnewargs__()
__gt__       x > 1 ; x > x
__hash__     hash(x) ; {1.0: 2, 2.5: 3, 7: 4}[x] ; x in {2.5, 7} ; {x: 1}
__index__    operator.index(x) ; range(x) ; list(range(x)) ; [1, 2, 3, 4, 5, 6, 7, 8, 9][x] ; [1, 2, 3][:x] ;
    hex(x) ; bin(x) ; oct(x) ; chr(x) ; math.gcd(x, 2) ; math.comb(x, 2) ; math.factorial(x) ; np.zeros(x) ;
    np.eye(x) ; np.ones((x, 2)) ; np.linspace(0, 1, x) ; list(itertools.islice(range(20), x)) ;
    list(itertools.repeat(1, x)) ; random.Random(0).randint(0, x) ; np.random.default_rng(0).integers(x) ;
    np.random.default_rng(0).random(x) ; np.random.default_rng(0).choice(x) ; np.random.RandomState(x).rand() ;
    struct.pack('q', x) ; ctypes.c_int(x).value
__int__      int(x) ; '%d' % x
__invert__   ~x
__iter__     list(x) ; [*x] ; tuple(reversed(x)) ; next(iter(x)) ; sum(x) ; max(x) ; min(x) ; sorted(x) ; any(x) ;
    all(x) ; math.prod(x) ; math.fsum(x) ; list(zip(x, x)) ; list(enumerate(x)) ; list(map(float, x)) ;
    functools.reduce(operator.add, x) ; list(itertools.accumulate(x)) ; heapq.nsmallest(1, x) ;
    bisect.bisect(x, 1.0) ; array.array('d', x) ; csv_line(x) ; statistics.fmean(x)
__le__       x <= 1
__len__      len(x) ; hasattr(x, '__len__') ; operator.length_hint(x)
__lshift__   x << 2 ; x << x
__lt__       x < 1 ; x < None
__matmul__   x @ x ; x @ x.T ; x @ [1.0, 2.0, 3.0] ; x @ 2
__mod__      x % 2 ; x % -0.74 ; '%s' % x ; '%r' % (x,)
__mul__      x * 2 ; x * [2] ; x * 'a' ; x * None ; x * x ; x * 1j ; x * True
__ne__       x != 1 ; x != None ; x != 'a'
__neg__      -x
__or__       x | 1
__pos__      +x
__pow__      x ** 2 ; x ** -1 ; x ** 0.5 ; x ** x ; pow(x, 2) ; pow(x, 2, 5)
__radd__     1 + x ; [1, 2, 3] + x ; (1, 2, 3) + x ; 'a' + x
__rand__     1 & x
__rdivmod__  divmod(7, x)
__reduce__   pickle.loads(pickle.dumps(x, 0))
__reduce_ex__ pickle.loads(pickle.dumps(x)) ; pickle.loads(pickle.dumps([x, x], 5))
__repr__     repr(x) ; x.__repr__() ; np.array_repr(x)
__rfloordiv__ 7 // x
__rlshift__  2 << x
__rmatmul__  [1.0, 2.0] @ x ; np.eye(2) @ x
__rmod__     7 % x ; -7 % x
__rmul__     2 * x ; [2] * x ; 'ab' * x ; None * x
__ror__      1 | x
__round__    round(x) ; round(x, 1) ; round(x, ndigits=1) ; round(x, None) ; round(x, -1)
__rpow__     2 ** x ; 2.5 ** x
__rrshift__  256 >> x
__rshift__   x >> 1
__rsub__     1 - x ; [1, 2, 3] - x
__rtruediv__ 1 / x ; 1.5 / x
__rxor__     1 ^ x
__sizeof__   sys.getsizeof(x)
__str__      str(x) ; print(x) ; np.array2string(x) ; np.array_str(x) ; np.format_float_positional(x)
__sub__      x - 1 ; x - y
__truediv__  x / 2 ; x / 0
__trunc__    math.trunc(x)
__xor__      x ^ 1
"""

WRITES = """
__iadd__     x += 1 ; x += 1j ; x += 'a' ; x += np.ones(3) ; x += [1, 2, 3] ; x += None
__iand__     x &= 1
__ifloordiv__ x //= 2
__ilshift__  x <<= 1
__imatmul__  x @= np.eye(3) ; x @= np.eye(4) ; x @= y
__imod__     x %= 2
__imul__     x *= 2 ; x *= np.float32(2)
__ior__      x |= 1
__ipow__     x **= 2
__irshift__  x >>= 1
__isub__     x -= 1
__itruediv__ x /= 2
__ixor__     x ^= 1
__setitem__  x[0] = 1 ; x[...] = 2 ; x[:1] = 3 ; x[0, 0] = 5 ; x[0] = 'a' ; x[9] = 1 ; x[y > 1] = 0 ; x[[0]] = 2 ;
    x[:][...] = 1 ; x.T[0] = 9 ; x.ravel()[0] = 4 ; x.reshape(-1)[0] = 4 ; x.view()[...] = 4 ; x[0][...] = 7 ;
    x.T.sort()
__setattr__  x.shape = (-1,) ; x.shape = y.shape ; x.shape = (7,) ; x.real = 5 ; x.imag = 5 ; x.real[...] = 4 ;
    x.flat = 3 ; x.flat = [1, 2] ; x.flat[0] = 9 ; x.flat[1:] = 8 ; x.flat[[0, 1]] = 7 ; x.T = 1 ; x.size = 1 ;
    x.foo = 1 ; x.flags.writeable = False ; x.setflags(write=False) ; x.setflags(write=0)
__delattr__  del x.shape ; del x.foo
out          np.add(x, 1, out=x) ; np.add.at(x, 0, 1) ; np.copyto(x, 1) ; np.place(x, y > 1, 0) ;
    np.putmask(x, y > 1, 0) ; np.nan_to_num(x, copy=False) ; np.clip(x, 0, 1, out=x) ; x.clip(0, 1, out=x) ;
    x.round(out=x) ; x.cumsum(-1, out=x) ; random.Random(0).shuffle(x)
"""

# Names that say something of the type and not of the value, or that only NumPy itself calls.
EXEMPT = {
    "__array_priority__": "NumPy asks __array_ufunc__ first",
    "__array_struct__": "np.asarray() shall take __array__, which tells the tape",
    "__doc__": "of the class", "__getattribute__": "of the class", "__init__": "of the class",
    "__new__": "of the class", "__init_subclass__": "of the class", "__subclasshook__": "of the class",
    "__getstate__": "__reduce_ex__ serves pickle",
    "__setstate__": "for pickle, of a new array", "newbyteorder": "gone with NumPy 2",
    "tostring": "gone with NumPy 2.3",
    "__buffer__": "of Python 3.12: np.asarray() shall take __array__, which tells the tape",
    "_set_shape": "NumPy's own since 2.5", "_set_dtype": "NumPy's own since 2.5",
}  # fmt: skip

# Where the two differ in a way that is listed here, with the reason.
DIFFERENT = {
    "x.resize((2, 2))": "refused, with what to write",
    "x.__deepcopy__({})": "a lifted float has it: copy.deepcopy looks for it",
    "x.__divmod__(2)": "a lifted complex number has it",
    "x @= np.eye(4)": "the shapes are looked at before the dtypes",
    "x.cumsum(-1, out=x)": "an array without axes is taken",
    "np.add.at(x, 0, 1)": "0 + -0j; a NumPy scalar is an IndexError",
    # C code that demands an exact type, or asks type(x):
    "json.dumps(x)": "a TypeError: write json.dumps(float(x))",
    "decimal.Decimal(x)": "a TypeError", "statistics.mean([x, x])": "a TypeError",
    "datetime.timedelta(seconds=x)": "a TypeError", "time.sleep(x * 0)": "a TypeError",
    "memoryview(x).shape": "a TypeError",
    "np.frombuffer(x)": "a TypeError", "bytearray(x)": "a TypeError", "float.hex(x)": "a TypeError",
    "np.random.default_rng(x).random()": "a TypeError", "np.random.default_rng(0).permutation(x)": "an AxisError",
    "pow(2, x, 5)": "a TypeError", "complex(1, x)": "the real part, with NumPy's warning",
    "type(x) is type(y)": "False",
    "hasattr(x, '__iter__')": "True of a lifted number", "hasattr(x, '__array__')": "True of a lifted number",
}  # fmt: skip
if sys.version_info >= (3, 12):
    DIFFERENT["sys.getsizeof(x)"] = (
        "of a lifted number at least the 32 bytes that Python keeps before the object"
    )
if np.ndarray.__flags__ & 1 << 5:  # since NumPy 2.5 the pattern [a, b] takes arrays
    DIFFERENT["matched(x)"] = "a lifted value may be a number, so the pattern takes none"


def table(text):
    lines = text.replace("\n    ", " ").strip().splitlines()
    return {line.split()[0]: re.split(r"\s+;\s+", line.split(None, 1)[1].strip()) for line in lines}


READS = table(PUBLIC) | table(SPECIAL)
if np.lib.NumpyVersion(np.__version__) < "2.1.0":  # what NumPy 2.0 has not
    READS["reshape"] = [text for text in READS["reshape"] if "copy=" not in text]
    READS["__dlpack__"] = ["x.__dlpack_device__()"]
    READS["__copy__"] = ["copy.copy(x)"]
STATEMENTS = table(WRITES)


def names_of_numpy_and_python():
    """NumPy 2.0 still lists names that it no longer has (ptp ...)."""
    values = [
        VALUES[kind]()
        for kind in ("matrix", "np.float64", "np.int64", "float", "python_int", "python_complex")
    ]
    return {name for value in values for name in dir(type(value)) if hasattr(value, name)}


def test_every_name_has_its_line():
    told = set(READS) | set(STATEMENTS) | set(EXEMPT)
    assert names_of_numpy_and_python() - told == set()
    if hasattr(np, "matvec"):  # all are there since NumPy 2.2
        assert {
            name
            for name in told - {"out", "newbyteorder", "tostring", "__buffer__", "_set_shape", "_set_dtype"}
            if name not in names_of_numpy_and_python()
        } <= set(STATEMENTS)


# ---- the same on the plain value and on the lifted one ------------------------------------------------------------


def plain(value):
    """What a lifted value is without the lifting."""
    if type(value) is Array:
        return value.array
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    if type(value) is dict:
        return {plain(k): plain(v) for k, v in value.items()}
    return value


class Outcome:
    """What running a text gave: a result or an exception, what was printed, what the names hold."""

    def __init__(self, text, scope, run=eval):
        self.scope, self.result, self.error = scope, None, None
        out = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stdout(out):
            warnings.simplefilter("ignore")
            try:
                self.result = run(text, scope)
            except Exception as error:
                self.error = error
        self.printed = out.getvalue()


def scope_of(kind, lift):
    value, copied = VALUES[kind](), VALUES[kind]()
    scope = SCOPE | {"x": Array.lift(value) if lift else value, "y": copied, "file": io.BytesIO()}
    return scope, value


def difference(mine, theirs):
    """Say how two values differ; an empty text if they do not."""
    mine = plain(mine)
    if type(mine) is not type(theirs):
        return f"{type(mine)} and not {type(theirs)}"
    if isinstance(theirs, np.ndarray) and theirs.dtype != object:
        if (mine.dtype, mine.shape) != (theirs.dtype, theirs.shape):
            return f"{mine.dtype}{mine.shape} and not {theirs.dtype}{theirs.shape}"
        return "" if mine.tobytes() == theirs.tobytes() else f"{mine} and not {theirs}"
    if isinstance(theirs, np.ndarray):
        return difference(mine.tolist(), theirs.tolist())
    if isinstance(theirs, (list, tuple)):
        if len(mine) != len(theirs):
            return f"{len(mine)} entries and not {len(theirs)}"
        return next(filter(None, map(difference, mine, theirs)), "")
    return "" if mine == theirs or (mine != mine and theirs != theirs) else f"{mine!r} and not {theirs!r}"


def steps(a):
    """The strides that say how an array lies in memory: an axis of length 1 has any."""
    return [step for step, n in zip(a.strides, a.shape, strict=True) if n > 1]


def differences(text, kind, run=eval):
    expected_scope, theirs = scope_of(kind, False)
    scope, owner = scope_of(kind, True)
    expected, found = Outcome(text, expected_scope, run), Outcome(text, scope, run)
    if expected.error is not None:
        wanted = next(
            t for t in (TypeError, ValueError, AttributeError, Exception) if isinstance(expected.error, t)
        )
        if found.error is None:
            return f"no {expected.error!r}"
        return "" if isinstance(found.error, wanted) else f"{found.error!r} and not {expected.error!r}"
    if found.error is not None:
        return repr(found.error)
    if expected.printed != found.printed:
        return f"printed {found.printed!r}"
    said = difference(found.result, expected.result) or difference(scope["x"], expected_scope["x"])
    if not said and isinstance(theirs, np.ndarray) and isinstance(plain(scope["x"]), np.ndarray):
        said = difference(owner, theirs) if scope["x"].shape == owner.shape else ""
        mine, other = plain(scope["x"]), expected_scope["x"]
        if not said and (mine.strides, mine.flags.writeable) != (other.strides, other.flags.writeable):
            said = f"strides {mine.strides}, writeable {mine.flags.writeable}"
    if not said and isinstance(expected.result, np.ndarray):
        mine = plain(found.result)
        if mine.size and steps(mine) != steps(expected.result):
            said = f"strides {mine.strides} and not {expected.result.strides}"
    return said


@pytest.mark.parametrize("name", READS)
def test_a_name_means_what_it_means_without_the_lifting(name):
    found = {
        (text, kind): said
        for text in READS[name]
        for kind in VALUES
        if text not in DIFFERENT and (said := differences(text, kind))
    }
    assert found == {}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_write_reaches_the_value_and_the_users_array(name):
    found = {
        (text, kind): said
        for text in STATEMENTS[name]
        for kind in VALUES
        if text not in DIFFERENT and (said := differences(text, kind, exec))
    }
    assert found == {}


@pytest.mark.parametrize("text", DIFFERENT)
def test_a_listed_difference_is_one(text):
    run = exec if any(text in texts for texts in STATEMENTS.values()) else eval
    assert any(differences(text, kind, run) for kind in VALUES)


# ---- the gradient of every expression, and of every write, against central differences ---------------------------

SMOOTH = {
    "matrix": lambda: np.array([[3.1, -1.2, 2.3], [0.6, 4.2, 1.46]]),
    "vector": lambda: np.array([3.1, -1.2, 2.3, 0.6]),
    "square": lambda: np.array([[2.1, -1.2, 0.3], [0.6, 3.1, 1.46], [0.23, 0.76, 1.12]]),
    "fortran": lambda: np.asfortranarray(np.array([[3.1, -1.2, 2.3], [0.6, 4.2, 1.46]])),
    "strided": lambda: (np.arange(12.0).reshape(3, 4) ** 1.5 / 9 + 0.3)[:, ::2].T,
    "zero_d": lambda: np.array(2.6),
    "complex": lambda: np.array([1.2 + 2.1j, 3.3 - 1.4j, 0.7 - 2.2j]),
    "float": lambda: 2.6,
    "np.float64": lambda: np.float64(2.6),
    "python_complex": lambda: 1.2 + 2.1j,
}


def numbers_in(result):
    """The floating point numbers in a result, in a row; lifted ones stay so."""
    if isinstance(result, (list, tuple)):
        return [v for entry in result for v in numbers_in(entry)]
    if isinstance(result, (np.ndarray, np.generic, float, complex)) and not isinstance(result, bool):
        kind = np.asarray(plain(result)).dtype.kind
        return [np.ravel(result)] if kind in "fc" and np.size(plain(result)) else []
    return []


def value_of(text, scope, run, weights):
    """A real number from all that an expression gave: its numbers, each with a weight of its own."""
    if run is eval:
        result = eval(text, scope)
    else:
        exec(text, scope)
        result = scope["x"]
    total = 0.0
    for i, part in enumerate(numbers_in(result)):
        w = weights[i : i + len(plain(part))]
        total = total + np.sum(np.real(part) * w) + np.sum(np.imag(part) * w[::-1] ** 2)
    return total


def numerical(text, kind, run, weights, step=1e-6):
    """The gradient by central differences; by the real and the imaginary part, as PyTorch counts it."""
    start = SMOOTH[kind]()
    gradient = np.zeros(np.shape(start), np.asarray(start).dtype)
    for where in np.ndindex(np.shape(start)):
        for unit in (1.0, 1j) if gradient.dtype.kind == "c" else (1.0,):
            pair = []
            for sign in (1, -1):
                moved = np.array(start)
                moved[where] += sign * step * unit
                x = SMOOTH[kind]() if isinstance(start, np.ndarray) else type(start)(moved)
                if isinstance(start, np.ndarray):
                    x[...] = moved
                pair.append(
                    value_of(text, SCOPE | {"x": x, "y": SMOOTH[kind](), "file": io.BytesIO()}, run, weights)
                )
            gradient[where] += unit * (plain(pair[0]) - plain(pair[1])) / (2 * step)
    return gradient


# Bits and texts: a small step of the value is a jump of them. A copy of text or bytes says nothing of numbers.
NO_DERIVATIVE = (
    "getfield",
    "byteswap",
    "view",
    "setfield",
    "data",
    "tobytes",
    "__reduce_ex__",
    "__hash__",
    "__getnewargs__",
)


def untold(text, kind, run):
    """Say what is wrong with the gradient of an expression; an empty text if nothing is, or the reader was told."""
    weights = np.linspace(0.4, 1.7, 200)
    rough = 2e-2 if any(word in text for word in ("'f4'", "float32")) else 0  # computed in single precision
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            expected = numerical(text, kind, run, weights, 1e-6 if not rough else 3e-2)
        except Exception:
            return ""  # the plain value has no such thing
        if not np.all(np.isfinite(expected)) or (rough and expected.dtype.kind == "c"):
            return ""
        x = Array.lift(SMOOTH[kind](), share=False)
        leaf = x.node
        with watch(Recorder()) as recorder:
            try:
                total = value_of(
                    text, SCOPE | {"x": x, "y": SMOOTH[kind](), "file": io.BytesIO()}, run, weights
                )
            except Exception as error:
                return "" if text in DIFFERENT else repr(error)
            node = total.node if type(total) is Array else None
            found = np.zeros_like(expected)
            try:
                if node is not None:
                    found = sweep(node, seed(total, None), inputs=[leaf])[1].get(leaf.number, found)
            except StaleError:
                return ""  # told, with name and line
            except Exception as error:
                return f"backward: {error!r}"
    if np.allclose(np.asarray(plain(found)), expected, rtol=rough or 2e-5, atol=rough or 2e-6):
        return ""
    return "" if recorder.cuts else f"{found} and not {expected}"


@pytest.mark.parametrize("name", [n for n in READS if n not in NO_DERIVATIVE])
def test_the_gradient_of_a_name_is_right_or_told(name):
    found = {
        (text, kind): said for text in READS[name] for kind in SMOOTH if (said := untold(text, kind, eval))
    }
    assert found == {}


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_gradient_through_a_write_is_right_or_told(name):
    found = {
        (text, kind): said
        for text in STATEMENTS[name]
        for kind in SMOOTH
        if (said := untold(text, kind, exec))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("x.sum(0, None, out)", (3,)),
        ("x.cumsum(0, None, out)", (2, 3)),
        ("x.max(0, out)", (3,)),
        ("x.dot(np.eye(3), out)", (2, 3)),
        ("x.take([0], 0, out)", (1, 3)),
        ("np.dot(x, np.eye(3), out)", (2, 3)),
        ("np.clip(x, 0, 1, out)", (2, 3)),
        ("np.mean(x, 0, None, out)", (3,)),
    ],
)
def test_an_array_given_as_out_by_position_is_written_and_told(text, shape):
    out, x = np.zeros(shape), Array.lift(VALUES["matrix"](), share=False)
    expected = eval(text, {"x": VALUES["matrix"](), "np": np, "out": np.zeros(shape)})
    with watch(Recorder()) as recorder:
        found = eval(text, {"x": x, "np": np, "out": out})
    assert found is out and out.tolist() == expected.tolist()
    assert [cut.how for cut in recorder.cuts.values()] == ["out="]


def test_out_after_any_number_of_operands_is_no_position():
    x = Array.lift(VALUES["matrix"](), share=False)
    expected = np.einsum("ij,jk,k->i", VALUES["matrix"](), np.eye(3), np.ones(3))
    assert plain(np.einsum("ij,jk,k->i", x, np.eye(3), np.ones(3))).tolist() == expected.tolist()
