"""TODO package runner/evaluation."""
