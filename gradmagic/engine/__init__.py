"""The engine: tracked values, the tape, the rules, derivatives of functions. It knows nothing of IPython or of pages.

A reader starts at `tape` (what is recorded), then `sweep` (how gradients flow back), `rules` (the derivatives), and
`dispatch` (how NumPy's calls get here).
"""
