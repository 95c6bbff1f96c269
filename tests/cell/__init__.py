"""Tests of running a cell: as a user meets it, in a shell, a kernel and a terminal."""
