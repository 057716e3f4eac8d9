"""TODO package runner/engine."""
