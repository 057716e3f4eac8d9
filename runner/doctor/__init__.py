"""TODO package runner/doctor."""
