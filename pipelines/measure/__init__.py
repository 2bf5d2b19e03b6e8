"""Measure images or a pipeline."""
