"""The component ``publish``."""
