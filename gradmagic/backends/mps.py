"""Whether Apple's GPUs can be used: not by gradmagic."""


def is_available() -> bool:
    """Tell that there is no such device."""
    return False


def is_built() -> bool:
    """Tell that it is not built in."""
    return False
