"""The team's own package, installed into its fat image from a folder."""

LIMIT = 3
