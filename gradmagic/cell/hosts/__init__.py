"""Where cells come from: IPython's magics, `gm.trace`, the settings of a session."""
