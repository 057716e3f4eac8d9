"""TODO package runner/setup."""
