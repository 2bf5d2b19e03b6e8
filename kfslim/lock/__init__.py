"""Requirements → wheels with hashes → installed trees.  uv is started here and nowhere else."""
