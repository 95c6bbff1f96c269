"""The report on one cell: table, graph, annotated source, steps and history, as HTML and as text."""
