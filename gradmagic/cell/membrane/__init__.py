"""The membrane: a cell computes on the user's own objects; beside it a table keeps which node made each of them.

In: a cell's syntax tree. Out: the same tree with hooks at what computes, which run the user's own operation on the
user's own objects first and tell the tape of it afterwards. Nothing is lifted, so nothing is put back.
(Only `--device` and `--dtype` let something else stand in for the inputs: standing, meeting, placed.)
In the order of reading: tree, enter (where hooks stand); libraries, table, memory (what is known of a value); membrane
(from an operation to a node); known, ways (what a call does); called, hooks (what a hook does).
"""
