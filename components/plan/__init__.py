"""The component ``plan``."""
