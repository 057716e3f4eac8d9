"""TODO package scoring/statistics."""
