"""Observations of a build are kept beside the challenge, and are never in its way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.challenge.build_facts import BuildFacts, read_build_facts
from runner.challenge.layout import BUILD_FACTS_FILE
from runner.challenge.load import load_challenge

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder

TRAINER = {
    "class_counts": {"retain": [6, 4], "forget": [2, 2]},
    "notes": ["images in no table, which were not read: 3"],
    "original_correct": {"retain": 10, "forget": 3},
    "epoch_seconds": 0.25,
    "training_bytes": 1000,
}


def write(folder: Path, content: bytes) -> None:
    file = folder / BUILD_FACTS_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def test_what_the_trainer_sends_is_read_back(tmp_path: Path) -> None:
    """With the host's own note first, and accuracies in place of counts."""
    facts = BuildFacts.of_trainer(TRAINER, file_note="faces reads 5 of your files")
    write(tmp_path, facts.to_bytes())
    assert read_build_facts(tmp_path) == facts
    assert facts.notes == ("faces reads 5 of your files", "images in no table, which were not read: 3")
    assert facts.original_accuracy == {"retain": 1.0, "forget": 0.75}


def test_trainers_of_earlier_images_send_less() -> None:
    """What they do not send is not known."""
    assert BuildFacts.of_trainer({}) == BuildFacts.of_trainer({"class_counts": {}}) == BuildFacts()
    assert (
        BuildFacts.of_trainer({"class_counts": {}, "notes": None, "original_correct": None}) == BuildFacts()
    )


ODD = [
    {"epoch_seconds": float("nan")},
    {"epoch_seconds": -1},
    {"epoch_seconds": "slow"},
    {"epoch_seconds": []},
    {"training_bytes": 0.5},
    {"training_bytes": float("inf")},
    {"class_counts": None},
    {"class_counts": [1]},
    {"class_counts": {"retain": None}},
    {"class_counts": {"retain": ["10"]}},
    {"class_counts": {"retain": []}},
    {"class_counts": {"retain": [0, 0]}},
    {"class_counts": {"test": [1]}},
    {"original_correct": {}},
    {"original_correct": "all"},
    {"original_correct": [10, 3]},
    {"original_correct": {"retain": 11, "forget": 3}},
    {"original_correct": {"retain": "10", "forget": 3}},
    {"original_correct": {"retain": float("nan"), "forget": 3}},
    {"original_correct": {"retain": 10**400, "forget": 3}},
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: ascii(odd)[:40])
def test_of_odd_facts_the_notes_are_taken(odd: dict[str, Any]) -> None:
    """A build does not fail for them after hours: nothing is judged by them."""
    facts = BuildFacts.of_trainer({**TRAINER, **odd}, file_note="a note")
    assert facts == BuildFacts(notes=("a note", "images in no table, which were not read: 3"))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"notes": 5}', b'{"epoch_seconds": "NaN"}', b'{"original_accuracy": {"forget": 2}}'],
)
def test_a_damaged_file_means_that_nothing_is_known(
    challenge_folder: ChallengeFolder, content: bytes
) -> None:
    """The challenge is loaded as ever, with the same hash."""
    folder = challenge_folder.describe()
    before = load_challenge(folder)
    write(folder, content)
    assert load_challenge(folder).build_facts == before.build_facts == BuildFacts()
    assert load_challenge(folder).sha256 == before.sha256


def test_stored_notes_are_sanitized(tmp_path: Path) -> None:
    """Somebody may have edited the file; later fields are passed over."""
    values: dict[str, Any] = {"notes": ["a\x1b[2J\nb"], "later": 1}
    write(tmp_path, json.dumps(values).encode())
    assert read_build_facts(tmp_path).notes == ("a\N{REPLACEMENT CHARACTER}[2J b",)
