"""The parts of a report, each as plain data or text: table, graph, cell, steps, history, pictures of functions."""
