"""The component ``assemble``."""
