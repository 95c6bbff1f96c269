"""Sweeps over the tape: backward, forward, from several results; recorded operations computed again."""
