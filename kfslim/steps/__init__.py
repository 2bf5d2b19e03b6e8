"""What a compiled pipeline, its project and its old images say each step needs."""
