"""Which evaluations the words of `compare` name, in a store or among the checks."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from runner.cli.participant.stored_view import find_named, find_to_compare
from runner.errors import ConfigurationError
from runner.store.open_store import open_store
from runner.store.paths import DEFAULT_STORE
from tests.conformance.test_entries import ALPHA
from tests.conformance.test_store import FIRST

SCORED, CHECKED, OTHER = "a" * 12, "b" * 12, "c" * 12


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    """Return a store in which `mine` was scored and then checked again, and `yours` scored."""
    folder = tmp_path / "checks"
    with closing(open_store(folder, create=True)) as store:
        for name, n in ((SCORED, 64), (CHECKED, 2), (OTHER, 64)):
            store.begin(replace(FIRST, id=name, n=n))
        mine = replace(ALPHA, name="mine", path="mine")
        store.record_entries("first", [replace(mine, evaluation=SCORED)])
        store.record_entries("second", [replace(ALPHA, name="yours", path="yours", evaluation=OTHER)])
        store.record_entries("third", [replace(mine, evaluation=CHECKED)])
    return folder


def test_checks_are_compared_by_their_submissions_names(checks: Path, tmp_path: Path) -> None:
    """Without --store, where no folder of evaluations exists; a name means the one with enough runs."""
    assert find_to_compare(["mine", "yours"], tmp_path / "nowhere", checks) == (checks, [SCORED, OTHER])


def test_an_evaluations_own_name_and_last_mean_what_they_say(checks: Path, tmp_path: Path) -> None:
    """However few its runs are."""
    found = find_to_compare([CHECKED[:4], "last"], tmp_path / "nowhere", checks)
    assert found == (checks, [CHECKED, CHECKED])


def test_the_store_goes_before_the_checks(checks: Path, tmp_path: Path) -> None:
    """All words have to be in one of them; the refusal is about the store that was asked for."""
    store = tmp_path / "store"
    with closing(open_store(store, create=True)) as opened:
        opened.begin(replace(FIRST, id=OTHER, n=16))
        opened.record_entries("a", [replace(ALPHA, name="yours", path="yours", evaluation=OTHER)])
    assert find_to_compare(["yours"], store, checks) == (store, [OTHER])
    assert find_to_compare(["yours", "mine"], store, checks) == (checks, [OTHER, SCORED])
    with pytest.raises(ConfigurationError, match="No evaluation begins with 'nobody'"):
        find_to_compare(["yours", "nobody"], store, checks)


@pytest.mark.parametrize("damage", ["not TOML", "two databases"])
def test_no_check_answers_for_a_store_that_cannot_be_used(damage: str, checks: Path, tmp_path: Path) -> None:
    """A check of the same name would be shown as if it were what the store has."""
    store = tmp_path / "store"
    open_store(store, create=True).close()
    (store / "store.toml").write_text(
        "database = 'postgresql+psycopg://u@h/d'" if damage == "two databases" else "\0"
    )
    for find in (lambda: find_named("mine", store, checks), lambda: find_to_compare(["mine"], store, checks)):
        with pytest.raises(ConfigurationError, match=r"store\.toml"):
            find()


def test_a_check_that_answers_for_a_missing_store_is_called_one(
    checks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The path of --store may be mistyped; without --store, nothing is missing."""
    for find in (
        lambda: find_named("mine", tmp_path / "typo", checks),
        lambda: find_to_compare(["mine"], tmp_path / "typo", checks),
    ):
        find()
        said = capsys.readouterr().err
        assert f"There are no evaluations at {tmp_path / 'typo'}" in said
        assert "This is a check" in said
    find_named("mine", DEFAULT_STORE, checks)
    find_to_compare(["mine"], DEFAULT_STORE, checks)
    assert not capsys.readouterr().err
