"""The component ``measure``."""
