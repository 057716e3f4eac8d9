"""Submissions that cheat for the score, in real runs: what they get, and which flag tells."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.challenge.challenge import Challenge
from scoring.card.levels import flag_level
from tests.support.command import type_command
from tests.support.paths import SAMPLES

pytestmark = [pytest.mark.container, pytest.mark.slow, pytest.mark.timeout(600)]

CHEATS = SAMPLES / "score" / "cheats"
HONEST = SAMPLES / "score" / "honest"
RUNS = 16
KNOWN = 8
"""Networks that a submission brings along: sixteen of them are larger than the challenge allows."""


def run(store: Path, challenge: Challenge, *submissions: Path) -> dict[str, tuple[dict[str, Any], set[str]]]:
    """Return the score card of each submission, and the kinds of flags that are more than notes."""
    done = type_command(
        *("run", *submissions, "-c", challenge.folder, "-n", RUNS, "--store", store),
        *("--json", "--keep-checkpoints", "all"),
    )
    assert done.returncode == 0, done.stderr
    cards = {}
    for summary in map(json.loads, done.stdout.splitlines()):
        shown = type_command("score", summary["evaluation"][:8], "--store", store, "--json")
        assert shown.returncode == 0, shown.stderr
        card = json.loads(shown.stdout)
        levels = {flag["kind"]: flag_level(flag["kind"], flag["sentence"]) for flag in card["flags"]}
        cards[summary["submission"]] = card, {kind for kind, level in levels.items() if level != "note"}
    return cards


@pytest.fixture(scope="module")
def cards(challenge: Challenge, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return cards and suspicions: first of retraining in the run, whose checkpoints are then known by heart."""
    folder, store = tmp_path_factory.mktemp("cheats"), tmp_path_factory.mktemp("store")
    for name in ("by_heart", "steered"):
        shutil.copytree(CHEATS / name, folder / name)
    retrained = run(store, challenge, CHEATS / "from_scratch")
    for file in sorted(store.glob("*/checkpoints/*.safetensors"))[:KNOWN]:
        shutil.copy(file, folder / "by_heart")
    assert challenge.references is not None
    answers = challenge.references.logits.astype(np.float16)
    np.savez_compressed(folder / "steered" / "answers.npz", answers=answers)
    others = (folder / "by_heart", folder / "steered", HONEST / "tuned", HONEST / "reset_head")
    return retrained | run(store, challenge, *others)


@pytest.mark.parametrize("name", ["from_scratch", "by_heart", "steered"])
def test_cheats_reach_the_ceiling(cards: dict[str, Any], name: str) -> None:
    """A score alone does not show unlearning."""
    card, _suspicions = cards[name]
    assert card["share_of_ceiling"]["high"] > 1


def test_networks_that_are_known_by_heart_come_twice(cards: dict[str, Any]) -> None:
    """No run knows its number, so sixteen draws of eight networks repeat some."""
    assert "duplicates" in cards["by_heart"][1]


def test_steering_towards_references_is_suspected(cards: dict[str, Any]) -> None:
    """Its outputs are nearer to single references than references are to each other."""
    card, suspicions = cards["steered"]
    assert suspicions, card["flags"]


@pytest.mark.parametrize("name", ["tuned", "reset_head"])
def test_honest_twins_are_not_suspected(cards: dict[str, Any], name: str) -> None:
    """The same effort, spent on unlearning."""
    assert cards[name][1] == set()
