"""`gm.save` and `gm.load`: our own file, safetensors', and PyTorch's, without running anybody's pickle.

In: tensors, state dicts, lists and numbers. Out: a file; and from a file, the same again.
"""

from .files import load, save

__all__ = ["load", "save"]
