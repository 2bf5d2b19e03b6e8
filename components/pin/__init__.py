"""The component ``pin``."""
