"""Reading a cell before it runs: its names, its source, where its values go."""
