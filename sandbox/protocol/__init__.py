"""TODO package sandbox/protocol."""
