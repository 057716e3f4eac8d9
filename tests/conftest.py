"""What all tests share: how property tests are run. A busy machine is no counterexample."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "unlearn",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,  # what is found by chance is looked for with `make fuzz`
)
settings.load_profile("unlearn")
