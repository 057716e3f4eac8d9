"""TODO package runner/reports."""
