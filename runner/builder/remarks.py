"""Remarks on a challenge that is being built, as early as each is known."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from runner.builder.build_folder import BuildFolder
from runner.builder.plan import BuildPlan
from runner.challenge.build_facts import BuildFacts
from runner.challenge.cautions import (
    few_forget_examples,
    few_references,
    half_precision,
    short_gpu_limit,
    tight_limits,
)
from runner.challenge.layout import ORIGINAL_FILE
from runner.challenge.load import early_split_warnings
from runner.challenge.split_checks import empty_class_warnings
from runner.engine.info import EngineInfo
from runner.engine.placement import CPU, offers_gpu
from runner.parsers.checkpoint import checkpoint_spec
from runner.parsers.safetensors import CheckpointError


def remarks_on_plan(plan: BuildPlan, info: EngineInfo) -> Iterator[str]:
    """Yield what can be said before anything is trained."""
    yield from few_references(plan.references)
    if plan.device != CPU:
        yield from short_gpu_limit(plan.limits)
    if plan.device != CPU and not offers_gpu(info):
        yield (
            "this host's engine offers no GPU, so no submission to this challenge, which is for cuda, can be "
            "run here"
        )


def early_remarks(build_folder: BuildFolder, plan: BuildPlan) -> Iterator[str]:
    """Yield what can be said as soon as the original network is trained."""
    raw = build_folder.facts()
    facts = BuildFacts.of_trainer(raw)
    yield from facts.notes
    yield from empty_class_warnings(raw["class_counts"].values())
    yield from few_forget_examples(sum(raw["class_counts"]["forget"]))
    yield from early_split_warnings(
        build_folder.folder, raw["class_counts"], shared_persons=bool(plan.source.shared_persons)
    )
    yield from tight_limits(plan.limits, facts)
    with contextlib.suppress(CheckpointError):  # the complete challenge is checked when it is loaded
        yield from half_precision(checkpoint_spec((build_folder.folder / ORIGINAL_FILE).read_bytes()))
