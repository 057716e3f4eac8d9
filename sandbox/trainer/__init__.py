"""TODO package sandbox/trainer."""
