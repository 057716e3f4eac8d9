"""TODO package runner/results."""
