"""A fuzzer of whole cells: programs as people write them, run with and without `%%grad`, and everything compared.

    python -m tests.fuzz --programs 50000 --seed 1 --jobs 2

To be read in this order: templates*.py (what programs are made of), draw.py (one program from a number), running.py
(one run, plain or with the magic), reach.py (all that a run left), truth.py (gradients by differences), judge.py (the
verdict), shrink.py (the smallest program of the same verdict), batches.py and __main__.py (many of them, in child
processes). A fixed sample is in the ordinary suite: test_sample.py. The same programs as functions that `gm.replay`
records on one input and replays on others: `python -m tests.fuzz.replays`. Functions that hold arrays and numbers from
call to call, and what others change there: `python -m tests.fuzz.states`.
"""
