"""Where you can ask: each translates, and nothing else."""
