"""The engine: tracked values, the tape, the rules, derivatives of functions. It knows nothing of IPython or of pages.

In the order of reading, which is that of the floors, each knowing only those before it:

core         the seam to array libraries, places in the source, containers, values as plain data
tape         what is recorded (`nodes`), by whom (`modes`), and what a write makes stale (`memory`)
rules        what a derivative is (`rule`, `kinds`, `pointwise`), and how one is declared (`declare`)
dispatch     how NumPy's calls get to the tape (`protocols`, `calls`)
derivatives  the tables: one line for each function
sweeps       how gradients flow back; read `reference` first, then `backward`, `forward`
faces        what a tracked value looks like to NumPy's users and to PyTorch's
watch        who looks on: the recorder of a report, guards against NaN and against a tape too large
following    what is replaced outside gradmagic while a traced call runs
transforms   `gm.grad` and its kin: one run of a function (`traced`), and what is taken from it
check        derivatives held against numbers
"""
