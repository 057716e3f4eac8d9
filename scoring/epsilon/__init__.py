"""TODO package scoring/epsilon."""
