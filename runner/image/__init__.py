"""TODO package runner/image."""
