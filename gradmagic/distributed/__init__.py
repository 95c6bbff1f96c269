"""Data on many machines: `gm.distributed.loss`, a sum over Dask's partitions that is one operation on the tape.

In: a function of parameters and of one partition's data, and the data (Dask's collections, files, delayed parts). Out:
a function of the parameters alone. `partitions` says what a partition is, `worker` computes one, `packing` takes the
user's function there, `cluster` runs a pass over all of them, `loss` puts it on the tape.
"""

from ..language import tr

try:
    import distributed as _distributed  # noqa: F401
except ImportError as error:
    raise ImportError(tr('gm.distributed needs Dask: pip install "gradmagic[distributed]".')) from error

from .loss import Loss, loss

__all__ = ["Loss", "loss"]
