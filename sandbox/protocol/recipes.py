"""TODO sandbox.protocol.recipes."""

from __future__ import annotations

RECIPES = ("arrays", "cifar10", "digits", "faces", "idx")
"""Where data can come from: `sandbox.recipes` holds a function for each."""

PERSON_RECIPES = ("arrays", "faces")
"""Those whose data may say whom an example is of."""

EMBEDDED_RECIPE = "digits"
"""The one that brings its data; all others read the organizer's files."""
