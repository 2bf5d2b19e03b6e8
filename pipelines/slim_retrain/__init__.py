"""The example retrain on slim images that it assembles first."""
