"""Pictures: the graph as DOT, SVG, PNG and PDF; functions as matplotlib draws them."""
