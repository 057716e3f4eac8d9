"""A store written before the code moved into packages is still listed, shown, verified and scored.

``tests/data/stored-version-1`` holds a small challenge, a finished evaluation (manifest of version 1, no
``card.json``), and an unfinished one. The names of kernel and host were removed from it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.command import unlearn
from tests.support.paths import TEST_DATA

ENDED, UNFINISHED = "628abf2578c0", "da46a8ae322c"
IMAGE = "000f2590f85a7db2"
CHALLENGE = TEST_DATA / "stored-version-1" / "challenge"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TEST_DATA / "stored-version-1" / "store", tmp_path / "store"))


def test_the_list_names_the_image_that_the_unfinished_evaluation_needs(store: Path) -> None:
    """The finished evaluation is listed with its stored summary."""
    text = " ".join(unlearn("list", "--store", store).stdout.split())
    assert ENDED in text
    assert f"{UNFINISHED}: interrupted; " in text
    assert f"--image {IMAGE}" in text
    unfinished, ended = map(json.loads, unlearn("list", "--store", store, "--json").stdout.splitlines())
    assert (ended["evaluation"], unfinished["evaluation"]) == (ENDED, UNFINISHED)
    stored = json.loads((store / ENDED / "summary.json").read_text())
    kinds, sentences = stored.pop("flags"), stored.pop("flag_sentences")
    assert stored.items() <= ended["summary"].items()
    flags = [flag for flag in ended["summary"]["notices"] if flag["kind"] in kinds]
    assert sorted(flag["sentence"] for flag in flags) == sorted(sentences)
    assert (unfinished["summary"], unfinished["image"][:16]) == (None, IMAGE)


def test_every_run_is_shown(store: Path) -> None:
    """`unlearn show` lists all eight verdicts, and the image of the unfinished evaluation."""
    shown = json.loads(unlearn("show", ENDED, "--store", store, "--json").stdout)
    assert [run["verdict"] for run in shown["runs"]] == ["ok"] * 8
    assert f"image {IMAGE}" in " ".join(unlearn("show", UNFINISHED, "--store", store).stdout.split())


def test_verify_accepts_it_and_names_a_removed_file(store: Path) -> None:
    """Every hash and the score match until a file of outputs is removed."""
    command = ("verify", ENDED, "--store", store, "--challenge", CHALLENGE)
    assert "all of it matches" in unlearn(*command).stdout
    (store / ENDED / "outputs" / "00003.npz").unlink()
    assert "outputs/00003.npz is missing" in unlearn(*command, code=1).stdout


def test_a_missing_card_is_computed_from_the_outputs(store: Path) -> None:
    """The computed score equals the one in the stored summary."""
    card = json.loads(unlearn("score", ENDED, "--store", store, "--challenge", CHALLENGE, "--json").stdout)
    summary = json.loads((store / ENDED / "summary.json").read_text())
    assert card["published"]["score"] == pytest.approx(summary["score"], rel=1e-9)
    refused = unlearn("score", ENDED, "--store", store, code=2)
    assert "name it with --challenge" in refused.stderr


@pytest.mark.parametrize("name", [ENDED, UNFINISHED])
@pytest.mark.parametrize("options", [(), ("--participant",)])
def test_every_evaluation_has_a_page(store: Path, name: str, options: tuple[str, ...]) -> None:
    """The finished one has 8 runs, too few for a score; the other one none."""
    unlearn("show", name, "--store", store, "--html", store / "page.html", *options)
    page = (store / "page.html").read_text()
    assert ("too few runs for a score" in page) == (name == ENDED)
    assert ("not finished" in page) == (name == UNFINISHED)
    assert unlearn("show", name, "--store", store, "--markdown", *options).stdout.startswith("### Machine")
