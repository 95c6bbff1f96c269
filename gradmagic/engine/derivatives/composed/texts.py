"""Functions of text and of records: constants, or refused. Loaded when one of them meets a tracked value.

These modules of NumPy are not imported by `import numpy` itself, and take 20 ms.
"""

import numpy as np
from numpy.lib import recfunctions

from ....language import mark
from ...rules.declare import constant
from ..ordered import refused

for _module in (np.strings, np.char):
    constant(*(f for name in dir(_module) if hasattr(f := getattr(_module, name), "_implementation")))

refused(mark("it works on the fields of records"),
        *(f for f in map(vars(recfunctions).get, recfunctions.__all__) if hasattr(f, "_implementation")),
        home="np.lib.recfunctions", instead=mark("Take the fields as arrays first: a['name']."))
