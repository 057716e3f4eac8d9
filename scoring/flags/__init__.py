"""TODO package scoring/flags."""
