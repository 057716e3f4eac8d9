"""TODO package sandbox/worker."""
