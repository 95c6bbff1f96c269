"""A shell, as the tests of cells have it."""

from ..cell.conftest import _one_shell, run  # noqa: F401
