"""Sentences about a challenge that is valid, and on which scores may mean little. Pure.

Each function yields its sentence or nothing, without a full stop. A build reports each as soon as it can be
known, most of them before hours are spent on references; `challenge show` reports all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from runner.challenge.build_facts import BuildFacts
from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.parsers.checkpoint import HALF_MAX
from runner.parsers.safetensors import CheckpointSpec
from runner.units import duration, size_text
from runner.wording import quantity
from sandbox.protocol.splits import SPLITS

FEW_REFERENCES: Final = 32
FEW_FORGET_EXAMPLES: Final = 20
SHORT_GPU_SECONDS: Final = 5.0


def all_cautions(challenge: Challenge) -> list[str]:
    """Return every sentence about a challenge that is built."""
    description, facts = challenge.description, challenge.build_facts
    return [
        *few_references(description.references),
        *few_forget_examples(len(challenge.forget_labels)),
        *half_precision(challenge.spec),
        *tight_limits(description.limits, facts),
        *(short_gpu_limit(description.limits) if description.device != "cpu" else ()),
        *at_chance(challenge),
        *nothing_to_forget(challenge),
    ]


def few_references(references: int) -> Iterator[str]:
    """Yield a sentence if a score could hardly be told from noise."""
    if references < FEW_REFERENCES:
        yield (
            f"{references} references are few: below {FEW_REFERENCES}, scores are mostly noise; "
            "good enough for a trial, not for a competition"
        )


def few_forget_examples(examples: int) -> Iterator[str]:
    """Yield a sentence if a score would be the mean over a handful of examples."""
    if examples < FEW_FORGET_EXAMPLES:
        yield (
            f"the forget set has {quantity(examples, 'example')}: below {FEW_FORGET_EXAMPLES}, a score "
            "depends on a few of them; raise --forget-fraction, or use more data"
        )


def half_precision(original: CheckpointSpec) -> Iterator[str]:
    """Yield a sentence if the original network itself does not fit half precision."""
    largest = max(original.items(), key=lambda item: item[1].largest, default=None)
    if largest is None or largest[1].largest <= HALF_MAX:
        return
    count = sum(tensor.largest > HALF_MAX for tensor in original.values())
    yield (
        f"the original network does not fit half precision: {largest[0]} reaches {largest[1].largest:.6g}"
        f"{f', and {count - 1} more tensors are such' if count > 1 else ''}; values above {HALF_MAX:g} "
        "become infinite, so every submission that returns net.half() is refused; use a lower learning rate, "
        "or scale the images"
    )


def tight_limits(limits: Limits, facts: BuildFacts) -> Iterator[str]:
    """Yield a sentence for each limit of a run below what the build itself used."""
    seconds = limits.wall_seconds
    if facts.epoch_seconds is not None and seconds is not None and seconds < facts.epoch_seconds:
        yield (
            f"a run may take {seconds:g} s, and one epoch of training took {duration(facts.epoch_seconds)} "
            "here, on one core"
        )
    if facts.training_bytes is not None and limits.memory_bytes < facts.training_bytes:
        yield (
            f"a run may use {size_text(limits.memory_bytes)} of memory, and training the original network "
            f"took {size_text(facts.training_bytes)} here, besides torch and the data"
        )


def short_gpu_limit(limits: Limits) -> Iterator[str]:
    """Yield a sentence if runs on a GPU have less time than the first use of its kernels may take."""
    if limits.wall_seconds is not None and limits.wall_seconds < SHORT_GPU_SECONDS:
        yield (
            f"a run on a GPU may take {limits.wall_seconds:g} s, and the first use of each kernel takes time "
            f"as well; give it {SHORT_GPU_SECONDS:g} s or more"
        )


def at_chance(challenge: Challenge) -> Iterator[str]:
    """Yield a sentence if the references are not clearly better than always answering the commonest class."""
    if challenge.references is None:
        return
    counts = challenge.description.class_counts["test"]
    examples, commonest = sum(counts), max(counts) / sum(counts)
    correct = challenge.references.correct[:, SPLITS.index("test")].sum(axis=1)
    median = float(np.median(correct)) / examples
    if median <= commonest + 2 * math.sqrt(commonest * (1 - commonest) / examples):
        yield (
            f"the references are not clearly better than chance: their median accuracy on test is "
            f"{median:.4f}, and always answering the commonest class gives {commonest:.4f}; nothing was "
            "learned that could be forgotten; train longer, or use more data"
        )


def nothing_to_forget(challenge: Challenge) -> Iterator[str]:
    """Yield a sentence if the references know the forget set as well as the original network does."""
    original = challenge.build_facts.original_accuracy.get("forget")
    if challenge.references is None or original is None:
        return
    examples = len(challenge.forget_labels)
    correct = challenge.references.correct[:, SPLITS.index("forget")].sum(axis=1)
    median = float(np.median(correct)) / examples
    if (original - median) * examples < 1:
        yield (
            "the references get as much of the forget set right as the original network does "
            f"({median:.4f} and {original:.4f}), so right answers do not show what was forgotten; use harder "
            "data, or train longer"
        )
