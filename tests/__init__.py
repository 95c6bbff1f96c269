"""The tests mirror the package; `python -m pytest` runs all; what a machine lacks is skipped with a message.

`gradmagic/engine/tape/nodes.py` is tested by `tests/engine/tape/test_nodes.py`. A test of a whole room stands in the
room under a name of its own (`watch/test_devices.py`); a promise that only several rooms together can keep stands one
folder up (`cell/test_promise_one.py`). What draws its cases draws few; `DRAWS=20 python -m pytest tests/engine` draws
twenty times as many (draws.py), `python -m tests.fuzz` whole cells. `golden/` has what PyTorch prints; `outside/` and
`benchmarks/` are no tests.
"""
