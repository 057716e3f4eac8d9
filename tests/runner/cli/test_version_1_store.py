"""A store that the version before the packages wrote is listed, shown, verified and scored as ever.

``tests/data/stored-version-1`` holds a small challenge, an evaluation that had ended (manifest of version 1, no
``card.json``), and one that had begun. The name of the kernel and of the host were removed from it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.command import unlearn
from tests.support.paths import TEST_DATA

ENDED, BEGUN = "628abf2578c0", "da46a8ae322c"
IMAGE = "000f2590f85a7db2"
CHALLENGE = TEST_DATA / "stored-version-1" / "challenge"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TEST_DATA / "stored-version-1" / "store", tmp_path / "store"))


def test_it_is_listed_with_the_image_that_the_unfinished_one_needs(store: Path) -> None:
    """The score as it was, and how to continue the other."""
    text = " ".join(unlearn("list", "--store", store).stdout.split())
    assert ENDED in text
    assert f"not finished ({BEGUN}). It needs image {IMAGE}" in text
    ended, begun = map(json.loads, unlearn("list", "--store", store, "--json").stdout.splitlines())
    assert (ended["evaluation"], begun["evaluation"]) == (ENDED, BEGUN)
    assert ended["summary"] == json.loads((store / ENDED / "summary.json").read_text())
    assert (begun["summary"], begun["image"][:16]) == (None, IMAGE)


def test_it_is_shown(store: Path) -> None:
    """Run by run."""
    shown = json.loads(unlearn("show", ENDED, "--store", store, "--json").stdout)
    assert [run["verdict"] for run in shown["runs"]] == ["ok"] * 8
    assert f"image {IMAGE}" in " ".join(unlearn("show", BEGUN, "--store", store).stdout.split())


def test_it_is_verified_and_what_was_changed_is_named(store: Path) -> None:
    """Every hash, and the score from the outputs."""
    command = ("verify", ENDED, "--store", store, "--challenge", CHALLENGE)
    assert "all of it matches" in unlearn(*command).stdout
    (store / ENDED / "outputs" / "00003.npz").unlink()
    assert "outputs/00003.npz is missing" in unlearn(*command, code=1).stdout


def test_its_card_is_computed_because_none_is_stored(store: Path) -> None:
    """With the score of the summary."""
    card = json.loads(unlearn("score", ENDED, "--store", store, "--challenge", CHALLENGE, "--json").stdout)
    summary = json.loads((store / ENDED / "summary.json").read_text())
    assert card["published"]["score"] == pytest.approx(summary["score"], rel=1e-9)
    refused = unlearn("score", ENDED, "--store", store, code=2)
    assert "name it with --challenge" in refused.stderr
