"""Raises an exception during its import; the report must give the reason."""

raise ValueError("no luck")
