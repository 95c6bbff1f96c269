"""PyTorch's settings of cuDNN, which is not used: they are taken and change nothing; the same input gives the same."""

enabled, deterministic, benchmark, allow_tf32 = True, False, False, False


def is_available() -> bool:
    """Tell that convolutions do not go to cuDNN."""
    return False


def version() -> None:
    """Give no version: it is not used."""
    return None
