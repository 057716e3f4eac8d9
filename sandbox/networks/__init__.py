"""TODO package sandbox/networks."""
