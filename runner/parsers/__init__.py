"""TODO package runner/parsers."""
