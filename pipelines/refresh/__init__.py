"""Slim, pin and upload a pipeline anew."""
