"""The report as a person meets it: a real JupyterLab in a real (headless) Chromium, with a picture of every page."""
