"""The component ``upload``."""
