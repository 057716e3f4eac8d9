"""Build the default challenge of the gallery: digits, with the fewest references."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from runner.builder.build import build_challenge
from runner.builder.plan import BuildPlan, default_limits
from runner.challenge.challenge import Challenge
from runner.engine.api import Engine
from runner.image.image import Image
from runner.progress import Reporter

_REFERENCES: Final = 2
"""The gallery computes no score, so the smallest challenge is enough."""


def small_challenge(
    *, engine: Engine, image: Image, labels: dict[str, str], reporter: Reporter, folder: Path
) -> Challenge:
    """Build the smallest digits challenge in a folder."""
    plan = BuildPlan(
        recipe="digits",
        name="gallery",
        seed=7,
        forget_fraction=0.05,
        references=_REFERENCES,
        item_format="dict",
        limits=default_limits("digits"),
        probes="none",
    )
    return build_challenge(
        engine=engine, image=image, plan=plan, folder=folder, labels=labels, reporter=reporter
    )
