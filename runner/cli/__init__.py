"""TODO package runner/cli."""
