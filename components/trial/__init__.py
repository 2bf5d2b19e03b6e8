"""The component ``trial``."""
