"""The seeds of runs: distinct, stable, and without information on the challenge's seed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from runner.challenge.challenge import Challenge
from runner.challenge.layout import REFERENCES_FILE
from runner.challenge.load import load_challenge

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder
from tests.support.npy import npz
from tests.support.untrusted.challenge_files import edit_description


def test_run_seeds_are_distinct(loaded: Challenge) -> None:
    """Ten thousand runs have ten thousand seeds, of 63 bits."""
    seeds = {loaded.run_seed(index) for index in range(10_000)}
    assert len(seeds) == 10_000
    assert min(seeds) >= 0
    assert max(seeds).bit_length() == 63


def test_run_seeds_are_stable(challenge_folder: ChallengeFolder) -> None:
    """The seed of a run is the same on every machine, so that an evaluation can be resumed.

    Challenges from before the field `visibility` keep their seeds.
    """
    folder = challenge_folder.describe()
    loaded = load_challenge(folder)
    assert loaded.description.seed == 0
    drawn = hashlib.sha256(f"run 0 {loaded.description.files[REFERENCES_FILE]} 0".encode()).digest()
    assert loaded.run_seed(0) == int.from_bytes(drawn[:8], "big") >> 1
    assert loaded.run_seed(1) != loaded.run_seed(0)
    edit_description(folder, visibility=None)
    assert load_challenge(folder).run_seed(0) == 1315983647641129118


def test_run_seeds_do_not_reveal_the_seed(challenge_folder: ChallengeFolder) -> None:
    """A run's seed depends on the references too, so that trying challenge seeds is not enough."""
    one = load_challenge(challenge_folder.describe()).run_seed(0)
    outputs = npz(
        logits=2 * np.ones((3, 3, 2), np.float32),
        correct=np.zeros((3, 4, 2), np.int64),
        unseen_losses=np.zeros((3, 2), np.float32),
    )
    challenge_folder.write(REFERENCES_FILE, outputs)
    assert load_challenge(challenge_folder.describe()).run_seed(0) != one


def test_run_seeds_differ_between_challenges(challenge_folder: ChallengeFolder) -> None:
    """Another seed of the challenge gives other run seeds, even where seed and index share digits."""
    folder = challenge_folder.describe()
    edit_description(folder, seed=1)
    first = load_challenge(folder)
    edit_description(folder, seed=11)
    second = load_challenge(folder)
    assert first.run_seed(11) != second.run_seed(1)
    assert not {first.run_seed(index) for index in range(100)} & {
        second.run_seed(index) for index in range(100)
    }
