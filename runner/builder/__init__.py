"""TODO package runner/builder."""
