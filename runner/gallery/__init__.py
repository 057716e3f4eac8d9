"""TODO package runner/gallery."""
