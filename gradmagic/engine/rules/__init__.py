"""What a derivative is, and how one is declared; the derivatives themselves stand in `derivatives`."""
