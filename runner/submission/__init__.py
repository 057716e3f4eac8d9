"""TODO package runner/submission."""
