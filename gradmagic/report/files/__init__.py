"""The report as files: Markdown and JSON."""
