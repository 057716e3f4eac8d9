"""TODO package runner/challenge."""
