"""What all tests share: how property tests are run. A busy machine is no counterexample."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unlearn", deadline=None)
settings.load_profile("unlearn")
