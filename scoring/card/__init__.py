"""TODO package scoring/card."""
