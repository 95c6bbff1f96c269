"""Load every table of rules. Import this module, not the tables, where rules are needed."""

from ..dispatch.protocols import LATE
from .composed import linalg as composed_linalg  # noqa: F401
from .nn import readings, table  # noqa: F401
from .numpy import constants, fft, indexing, linalg, reductions, shapes, ufuncs  # noqa: F401

from .composed import (  # noqa: F401  # isort: skip
    calculus, general, nans, options, padding, polynomials, sets, statistics, ufunc_methods, writes,
)

LATE |= {"scipy.special": f"{__package__}.scipy.special", "numpy.strings": f"{__package__}.composed.texts"}
