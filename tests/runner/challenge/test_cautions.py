"""Challenges that are valid and of little use are named as such, each by a sentence that says what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from runner.challenge.build_facts import BuildFacts
from runner.challenge.cautions import (
    all_cautions,
    at_chance,
    few_forget_examples,
    few_references,
    half_precision,
    nothing_to_forget,
    tight_limits,
)
from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.parsers.checkpoint import checkpoint_spec
from runner.reports.challenges import challenge_remarks, challenge_warnings
from runner.units import MIB
from sandbox.protocol.splits import SPLITS


def variant(
    challenge: Challenge, split: str, right: list[int], examples: list[int], **facts: Any
) -> Challenge:
    """Return the challenge whose references get so many examples of a split right, out of these by class."""
    counts = {**{name: [100, 100] for name in SPLITS}, split: examples}
    correct = np.zeros((len(right), 4, 2), np.int64)
    correct[:, SPLITS.index(split), 0] = right
    assert challenge.references is not None
    return replace(
        challenge,
        description=challenge.description.model_copy(update={"class_counts": counts}),
        references=replace(challenge.references, correct=correct),
        forget_labels=np.zeros(sum(counts["forget"]), np.int64),
        build_facts=BuildFacts(**facts),
    )


@pytest.mark.parametrize(("references", "sentences"), [(2, 1), (31, 1), (32, 0), (512, 0)])
def test_few_references(references: int, sentences: int) -> None:
    """Fewer than 32."""
    assert len(list(few_references(references))) == sentences


@pytest.mark.parametrize(("examples", "sentences"), [(1, 1), (19, 1), (20, 0), (4000, 0)])
def test_few_forget_examples(examples: int, sentences: int) -> None:
    """Fewer than 20."""
    assert len(list(few_forget_examples(examples))) == sentences


def test_an_original_beyond_half_precision_is_named() -> None:
    """The largest tensor and its value; 65504 itself fits, integers do not matter."""

    def of(**tensors: Any) -> list[str]:
        return list(half_precision(checkpoint_spec(save(tensors))))

    fits = np.array([65504.0, -65504.0], np.float32)
    assert of(weight=fits, count=np.array(10**9)) == []
    assert of() == []
    (sentence,) = of(weight=fits, **{"bn1.running_var": np.array([1.0, 508838.4], np.float32)})
    assert sentence.startswith(
        "the original network does not fit half precision: bn1.running_var reaches 508838; values above 65504 "
    )
    (sentence,) = of(a=np.array([-7e4]), b=np.array([1e5]), c=np.array([1e300]))
    assert "c reaches 1e+300, and 2 more tensors are such;" in sentence


@pytest.mark.parametrize(
    ("facts", "limits", "words"),
    [
        (
            {"epoch_seconds": 2.0},
            {"wall_seconds": 1.5},
            ["a run may take 1.5 s, and one epoch of training took 2 s"],
        ),
        ({"epoch_seconds": 2.0}, {"wall_seconds": 2.0}, []),
        ({"epoch_seconds": 2.0}, {"wall_fraction": 0.01}, []),
        (
            {"training_bytes": 65 * MIB},
            {"memory_bytes": 64 * MIB},
            ["a run may use 64 MiB of memory, and training"],
        ),
        ({"training_bytes": 64 * MIB}, {"memory_bytes": 64 * MIB}, []),
        ({}, {"wall_seconds": 0.001, "memory_bytes": 1}, []),
    ],
)
def test_limits_below_what_the_build_used(
    facts: dict[str, Any], limits: dict[str, Any], words: list[str]
) -> None:
    """Time and memory; nothing is said of what was not measured."""
    sentences = list(tight_limits(Limits(**limits), BuildFacts(**facts)))
    assert [sentence[: len(start)] for sentence, start in zip(sentences, words, strict=True)] == words


@pytest.mark.parametrize(
    ("right", "examples", "is_at_chance"),
    [
        ([0, 0, 0], [9, 9], True),
        ([100, 101, 140], [100, 100], True),
        ([150, 150, 90], [100, 100], False),
        ([180, 181, 182], [180, 20], True),
        ([195, 195, 195], [180, 20], False),
        ([1, 1, 1], [1, 0], True),
    ],
)
def test_references_at_chance(
    loaded: Challenge, right: list[int], examples: list[int], is_at_chance: bool
) -> None:
    """Not clearly better than the commonest class, by the median of the references."""
    sentences = list(at_chance(variant(loaded, "test", right, examples)))
    assert len(sentences) == is_at_chance
    assert not list(at_chance(replace(loaded, references=None)))


@pytest.mark.parametrize(
    ("right", "original", "is_named"),
    [
        ([40, 40, 39], 1.0, True),
        ([39, 39, 40], 1.0, False),
        ([30, 31, 20], 0.5, True),
        ([10, 11, 9], 0.9, False),
    ],
)
def test_references_that_know_the_forget_set(
    loaded: Challenge, right: list[int], original: float, is_named: bool
) -> None:
    """As well as the original network, by the median, to within one example."""
    challenge = variant(loaded, "forget", right, [20, 20], original_accuracy={"forget": original})
    assert len(list(nothing_to_forget(challenge))) == is_named
    assert not list(nothing_to_forget(replace(challenge, build_facts=BuildFacts())))


def test_all_of_them_are_shown_with_the_notes(loaded: Challenge) -> None:
    """In `challenge show`, notes first, and every sentence on one line."""
    challenge = replace(
        loaded, build_facts=BuildFacts(notes=("not read: 3 .heic",), original_accuracy={"forget": 0.0})
    )
    lines = [text.plain for text in challenge_remarks(challenge)]
    assert lines[0] == "note: not read: 3 .heic"
    assert lines[1:] == [f"warning: {text}" for text in challenge_warnings(challenge)]
    assert challenge_warnings(challenge)[-4:] == all_cautions(challenge)
    assert len(all_cautions(challenge)) == 4
