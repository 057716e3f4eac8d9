"""TODO package scoring/published."""
