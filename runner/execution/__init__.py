"""TODO package runner/execution."""
