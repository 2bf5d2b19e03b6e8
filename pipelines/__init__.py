"""Ready pipelines, and the example that they retrain."""
