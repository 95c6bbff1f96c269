"""What is replaced outside gradmagic while a traced call runs, and what stands in its place."""
