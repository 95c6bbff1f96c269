"""Tests of gradmagic.engine; they mirror its rooms."""
