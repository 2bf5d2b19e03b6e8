"""The example: a nightly retrain in six steps."""
