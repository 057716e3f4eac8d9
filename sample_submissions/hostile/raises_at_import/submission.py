"""Raises while it is imported; must be told with the reason."""

raise ValueError("no luck")
