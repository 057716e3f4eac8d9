"""The text of a new ``competition.toml``, as `unlearn competition init` writes it."""
