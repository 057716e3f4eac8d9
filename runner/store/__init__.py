"""TODO package runner/store."""
