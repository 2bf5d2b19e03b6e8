"""Models → tables, progress bars, JSON and HTML."""
