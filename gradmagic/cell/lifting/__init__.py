"""The inputs of a run: read from names, lifted; and putting back what stood in for them."""
