"""Tracked values in place of the user's for the time of one cell, and everything put back."""
