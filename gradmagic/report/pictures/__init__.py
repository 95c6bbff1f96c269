"""Pictures: the graph as DOT, SVG, PNG and PDF; functions as small charts, and as matplotlib draws them."""
