"""Dockerfiles of others: read, joined with an image's history, reviewed and mended."""
