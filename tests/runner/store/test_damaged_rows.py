"""A value that was changed in the database is one sentence that names the store, whoever reads it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.errors import HostNotReadyError
from runner.store.lease import evaluation_lease
from runner.store.listing import DATABASE_FILE, read_listing
from runner.store.open_store import open_store
from runner.store.paths import unlisted_sentence
from runner.store.store import Store
from tests.support.paths import TEST_DATA

ENDED = "628abf2578c0"
DEEP = "[" * 100_000

READERS: dict[str, Callable[[Store], Any]] = {
    "runs": lambda store: store.runs(ENDED),
    "evaluations": lambda store: store.evaluations(),
    "attempts": lambda store: store.attempts(ENDED),
    "terms": lambda store: store.all_terms(ENDED),
}
DAMAGE = [
    *[("runs", f"verdict = {value}") for value in ("'oj'", "''", "7", "x'00'", "'OK'")],
    ("runs", "seed = 'x'"),
    ("runs", "attempt = 1.5"),
    ("runs", "host_seconds = 'soon'"),
    ("runs", "checkpoint_sha256 = 'zz'"),
    ("runs", "outputs_sha256 = 'zz'"),
    *[("runs", f"evaluated = {value}") for value in ("'perhaps'", "''", "2", "-1", "0.5", "x'01'")],
    ("runs", '"index" = -1'),
    ("evaluations", "begun = '2026-13-45 00:00:00.000000'"),
    ("evaluations", "begun = 'yesterday'"),
    ("evaluations", "begun = 5"),
    ("evaluations", "begun = x'ff'"),
    ("evaluations", "n = 'many'"),
    ("evaluations", "seconds = 'long'"),
    ("evaluations", "summary = '{'"),
    ("evaluations", "summary = '[]'"),
    ("evaluations", f"summary = '{DEEP}'"),
    ("evaluations", "submission = x'80'"),
    ("attempts", "begun = 'never'"),
    ("attempts", "ended = 3"),
    ("terms", "terms = '{'"),
    ("terms", "terms = '[]'"),
    ("terms", "terms = json_remove(terms, '$.wall_seconds')"),
    ("terms", "terms = json_set(terms, '$.wall_seconds', 'x')"),
    ("terms", "terms = json_set(terms, '$.feedback', 'none')"),
    ("terms", f"terms = '{DEEP}'"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TEST_DATA / "stored-version-1" / "store", tmp_path / "store"))


def change(folder: Path, table: str, values: str) -> None:
    """Change a value in one row of an evaluation."""
    key = "id" if table == "evaluations" else "evaluation"
    statement = (
        f"UPDATE {table} SET {values} WHERE rowid = (SELECT min(rowid) FROM {table} WHERE {key} = '{ENDED}')"
    )
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection, connection:
        assert connection.execute(statement).rowcount == 1


@pytest.mark.parametrize(("table", "values"), DAMAGE, ids=lambda text: text[:60])
def test_a_damaged_value_is_one_sentence(folder: Path, table: str, values: str) -> None:
    """It names the file of the store; whatever the value is, no other exception leaves the store."""
    open_store(folder, create=False).close()
    change(folder, table, values)
    with closing(open_store(folder, create=False)) as store:
        with pytest.raises(HostNotReadyError) as caught:
            READERS[table](store)
        assert str(folder / DATABASE_FILE) in str(caught.value) or "The store cannot be used" in str(
            caught.value
        )
        assert len(str(caught.value)) < 500
        for name, read in READERS.items():
            if name != table:
                read(store)


@pytest.mark.parametrize(
    ("table", "values"), [case for case in DAMAGE if case[0] == "evaluations"], ids=lambda text: text[:60]
)
def test_the_quick_listing_leaves_it_to_the_store(folder: Path, table: str, values: str) -> None:
    """It reads the same rows with the same function."""
    open_store(folder, create=False).close()
    assert read_listing(folder)
    change(folder, table, values)
    assert read_listing(folder) is None


def test_outputs_without_a_row_are_mentioned(folder: Path) -> None:
    """An emptied database would begin anew over them without a word."""
    assert unlisted_sentence(folder, {ENDED, "da46a8ae322c"}) == ""
    assert "da46a8ae322c" not in unlisted_sentence(folder, set()), "it has no outputs"
    for name in ("0123456789ab", "0123456789ac", "0123456789ad", "0123456789ae"):
        (folder / name / "outputs").mkdir(parents=True)
    sentence = unlisted_sentence(folder, {ENDED})
    assert f"{folder} has outputs of evaluations that its database does not list (0123456789ab" in sentence
    assert "and 1 more" in sentence
    assert unlisted_sentence(folder / "none", set()) == ""


@pytest.mark.parametrize("values", ["expires = 'x'", "expires = 1e300", "token = 'x'", "beats = 'x'"])
def test_a_damaged_lease_is_one_sentence(folder: Path, values: str) -> None:
    """It is read before the runs of an evaluation, and again while another process holds it."""
    with closing(open_store(folder, create=True)) as store, evaluation_lease(store.database, folder, ENDED):
        pass
    change(folder, "leases", values)
    with (
        closing(open_store(folder, create=True)) as store,
        pytest.raises(HostNotReadyError),
        evaluation_lease(store.database, folder, ENDED),
    ):
        pass
