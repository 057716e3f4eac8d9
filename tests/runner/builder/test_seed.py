"""A challenge's seed is secret unless it was typed, and the same when the command is repeated."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.builder.seed import SEEDS, choose_seed
from runner.challenge.layout import DESCRIPTION_FILE
from runner.challenge.seeds import GUESSABLE_SEEDS
from runner.challenge.unfinished import PLAN_FILE
from runner.errors import ConfigurationError

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder


def least(_below: int) -> int:
    return 0


def greatest(below: int) -> int:
    return below - 1


def test_what_was_typed_counts(tmp_path: Path) -> None:
    """A typed seed is used as it is, however easy to guess."""
    assert choose_seed(tmp_path, 0) == 0
    assert choose_seed(tmp_path, SEEDS - 1) == SEEDS - 1
    with pytest.raises(ConfigurationError, match="below 2\\^40"):
        choose_seed(tmp_path, SEEDS)


def test_a_random_seed_cannot_be_guessed(tmp_path: Path) -> None:
    """It is from 2^32 to 2^40, and different each time."""
    assert choose_seed(tmp_path, None, least) == GUESSABLE_SEEDS
    assert choose_seed(tmp_path, None, greatest) == SEEDS - 1
    assert len({choose_seed(tmp_path, None) for _ in range(10)}) == 10


def test_an_unfinished_build_keeps_its_seed(tmp_path: Path) -> None:
    """The stored plan determines it; a plan that cannot be read has none."""
    plan = tmp_path / PLAN_FILE
    plan.parent.mkdir()
    plan.write_text(json.dumps({"seed": 77}))
    assert choose_seed(tmp_path, None, least) == 77
    for damaged in ("", "[]", "{}", '{"seed": null}', '{"seed": "x"}'):
        plan.write_text(damaged)
        assert choose_seed(tmp_path, None, least) == GUESSABLE_SEEDS


def test_a_complete_challenge_keeps_its_seed(challenge_folder: ChallengeFolder) -> None:
    """A command without a seed does not rebuild a complete challenge; a damaged one is an error."""
    folder = challenge_folder.describe()
    assert choose_seed(folder, None, least) < GUESSABLE_SEEDS
    (folder / DESCRIPTION_FILE).write_text("nonsense")
    with pytest.raises(ConfigurationError, match="not TOML"):
        choose_seed(folder, None)


@pytest.mark.parametrize("name", [DESCRIPTION_FILE, PLAN_FILE])
def test_a_file_that_is_too_large_has_no_seed(name: str, tmp_path: Path) -> None:
    """It is measured before it is read: one of 3 GiB needs no memory."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as opened:
        opened.truncate(3 << 30)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), hard))
    try:
        assert choose_seed(tmp_path, None) >= GUESSABLE_SEEDS
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
