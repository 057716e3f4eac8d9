"""The accuracy of the references is reported, and the references that did not learn are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.challenge.reference_accuracy import reference_accuracy
from runner.challenge.training import TrainingChoice
from runner.reports.challenges import challenge_remarks, challenge_table


@pytest.fixture
def challenge(load_challenge: Callable[[Limits], Challenge]) -> Challenge:
    """Return the tiny challenge with six references, which know none to all of a hundred examples a class."""
    found = load_challenge(Limits())
    assert found.references is not None
    counts = {split: [100, 100] for split in ("retain", "forget", "val", "test")}
    right = np.array([90, 92, 94, 96, 98, 100])
    correct = np.repeat(np.repeat(right[:, None, None], 4, axis=1), 2, axis=2)
    return replace(
        found,
        description=found.description.model_copy(update={"class_counts": counts}),
        references=replace(found.references, correct=correct),
    )


def with_retain(challenge: Challenge, *right: int) -> Challenge:
    """Return the challenge whose first references know so many of each class of retain."""
    assert challenge.references is not None
    correct = challenge.references.correct.copy()
    for index, count in enumerate(right):
        correct[index, 0] = count
    return replace(challenge, references=replace(challenge.references, correct=correct))


def shown(challenge: Challenge) -> str:
    console = Console(width=200, highlight=False)
    with console.capture() as captured:
        console.print(challenge_table(challenge), *challenge_remarks(challenge))
    return captured.get()


def test_spread(challenge: Challenge) -> None:
    """Minimum, median and maximum accuracy are reported for each split; no reference fell behind."""
    spread = reference_accuracy(with_retain(challenge, 80))
    assert spread.accuracy["retain"] == pytest.approx((0.80, 0.95, 1.0))
    assert spread.accuracy["test"] == pytest.approx((0.90, 0.95, 1.0))
    assert spread.behind == []
    assert spread.warning() is None
    assert spread.facts()["reference_accuracy"]["val"] == pytest.approx(
        {"min": 0.9, "median": 0.95, "max": 1.0}
    )
    assert "0.8000, 0.9500, 1.0000" in shown(with_retain(challenge, 80))
    assert "fell behind" not in shown(challenge)


def test_who_fell_behind_is_named(challenge: Challenge) -> None:
    """A reference that knows less than half of what the median knows of retain; exactly half is enough."""
    spread = reference_accuracy(with_retain(challenge, 10, 47, 48, 0))
    assert spread.behind == [0, 3]
    assert spread.facts()["references_behind"] == [0, 3]
    warning = spread.warning()
    assert warning is not None
    assert "0, 3" in warning
    assert warning in shown(with_retain(challenge, 10, 47, 48, 0))


def test_references_that_are_held_back_have_no_spread(challenge: Challenge) -> None:
    """An export of a private challenge has no accuracy of references."""
    spread = reference_accuracy(replace(challenge, references=None))
    assert (spread.facts()["reference_accuracy"], spread.warning()) == ({}, None)


def test_half_is_enough(challenge: Challenge) -> None:
    """The line itself is not behind."""
    assert reference_accuracy(with_retain(challenge, 50, 100, 100, 100, 100)).behind == []


def test_training_is_shown(challenge: Challenge) -> None:
    """In words, with all that was chosen."""
    said = challenge.description
    assert "sgd, learning rate 0.1 one-cycle, Nesterov momentum 0.9, weight decay 0, 1 epoch" in shown(
        challenge
    )
    update = {"optimizer": "adam", "momentum": 0.0, "nesterov": False, "class_weights": "balanced"}
    training = said.training.model_copy(update={**update, "keep": "best-by-validation"})
    source = said.source.model_copy(update={"device": "cuda", "training": TrainingChoice(preset="contest")})
    changed = said.model_copy(update={"training": training, "source": source})
    line = shown(replace(challenge, description=changed))
    assert "batches of 4, classes balanced, best epoch by validation on a GPU" in line
