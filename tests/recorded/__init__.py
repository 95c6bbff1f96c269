"""Programs that run with PyTorch and with gradmagic alike, and what PyTorch gave: `python -m tests.recorded.make`.

Each case is a function of the module (`torch`, or gradmagic in its place) that gives tensors, numbers or text.
"""
