"""What stands below the tape: the seam to array libraries, places in the source, trees, values as data."""
