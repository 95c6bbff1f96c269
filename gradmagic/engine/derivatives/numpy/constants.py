"""Functions of NumPy without a derivative: what they give is no smooth function of the input, or is refused.

Two tables. `constant`: places, counts, answers, types, files, text; their results are plain. `refused`: a derivative
exists, or somebody may expect one, and gradmagic has none; the message says what to write instead.
"""

import numpy as np

from ....language import mark
from ...dispatch.protocols import SAVING
from ...rules.declare import constant
from ..ordered import refused

# ---- places, counts and answers --------------------------------------------------------------------------------
constant(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, np.ravel_multi_index, np.unravel_index)
constant(np.einsum_path, np.can_cast, np.isnat, np.histogram_bin_edges, np.array_repr, np.array_str, np.array2string)
constant(np.bitwise_count, np.packbits, np.unpackbits)

# ---- dates, text and files -------------------------------------------------------------------------------------
constant(np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string)
FILES = (np.save, np.savez, np.savez_compressed, np.savetxt, np.loadtxt, np.genfromtxt, np.fromfile)
constant(*FILES)
SAVING.update(FILES[:4])
_umath = getattr(np, "_core").umath  # noqa: B009
# NumPy's own ufuncs of text are not among its public names, but dispatch.
constant(*(f for name, f in vars(_umath).items() if isinstance(f, np.ufunc) and not hasattr(np, name)))

# ---- new arrays (they dispatch by like=) -----------------------------------------------------------------------
NEW = (np.arange, np.empty, np.zeros, np.ones, np.eye, np.identity, np.tri, np.fromfunction, np.frombuffer, np.fromiter,
       np.fromstring)
constant(*NEW)

# ---- refused: what to write instead ----------------------------------------------------------------------------
refused(mark("the next number is not a smooth function"), np.nextafter, home="np",
        instead=mark("Write x itself: its slope is 1."))
