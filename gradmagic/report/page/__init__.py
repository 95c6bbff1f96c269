"""The report as a page: HTML, its script's data, LaTeX."""
