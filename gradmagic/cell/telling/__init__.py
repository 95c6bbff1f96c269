"""From what a run has recorded to the report's plain data, in the reader's own names."""
