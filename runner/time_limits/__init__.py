"""TODO package runner/time_limits."""
