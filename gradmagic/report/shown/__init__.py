"""What is shown, worked out once for all parts: one view of a trace, folded; names, numbers, formulas."""
