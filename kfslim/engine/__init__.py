"""Builds by a Docker Engine: a context goes in, an image in the engine comes out."""
