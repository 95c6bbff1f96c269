"""The same program as one compiled function: numba instead of NumPy's calls (`gradmagic[jit]`).

In the order of reading:

scalars   what an operation does to one entry, as text, in the dtypes in which NumPy computes it
memory    where a value lies: a buffer, an offset, strides; views cost nothing
periods   a long list of statements as loops: what repeats is written once
bodies    statements that share a shape become one loop
reduced   sums, maxima and products as loops, in NumPy's order
indexed   indexing by arrays, writes in place, small matrix products
kernel    a program as the text of one function
built     the text compiled, kept in a file
writer    the function around it, as emit.py writes it for NumPy; when it pays
"""
