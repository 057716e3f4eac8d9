"""TODO package scoring/baselines."""
