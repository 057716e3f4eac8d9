"""TODO package runner/clients."""
