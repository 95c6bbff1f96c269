"""The parts of a report, each as plain data: table, graph, annotated cell, steps, history, the function's curve."""
