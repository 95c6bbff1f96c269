"""The light colours of all pictures. In: nothing. Out: hexadecimal colours, by what they say."""

INK, MUTED, EDGE, GRID = "#1f2933", "#5b6875", "#6b7680", "#d5dbe1"
POSITIVE, NEGATIVE, BOTH, BAD, GOLD = "#1d5fa8", "#b3431a", "#7a3e9d", "#b00020", "#8a6100"
SIGNS = {"+": POSITIVE, "-": NEGATIVE, "±": BOTH, "!": BAD}
FILLS = {
    "input": ("#e8f1fb", POSITIVE), "constant": ("#ffffff", "#8a949e"), "operation": ("#ffffff", EDGE),
    "result": ("#fdf3d7", GOLD),
}  # fmt: skip  # of a box, and of its line
