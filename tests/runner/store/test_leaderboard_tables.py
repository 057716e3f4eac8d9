"""What leaderboards store of evaluations: with the manifest it was computed from, and as long as that stands."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.errors import HostNotReadyError
from runner.store.leaderboard.records import StoredConditions, StoredHalves
from runner.store.listing import DATABASE_FILE, read_listing
from runner.store.migrations import HEAD, VERSION_QUERY
from runner.store.open_store import open_store
from runner.store.store import Store
from tests.support.paths import TEST_DATA

VERSION_3 = (TEST_DATA / "store-version-3.sql").read_text()
ENDED, FAILED, UNFINISHED = (f"{at}123456789ab" for at in range(3))
MANIFEST = "f" * 64
CONDITIONS = StoredConditions(
    image="1" * 64, isolation="process", runtime="runc", device="cpu", limits='{"cpus": 2.0}', scorer=1
)
HALVES = StoredHalves(value=0.25, halves=[(0.2, 0.3), (0.1, 0.30000000000000004)])
TABLES = ("conditions", "halved_scores", "verifications")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a store of the version before leaderboards, with rows in all of its tables."""
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.executescript(VERSION_3)
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with closing(open_store(folder, create=False)) as opened:
        yield opened


def record_all(store: Store, manifest: str = MANIFEST) -> None:
    store.record_conditions(ENDED, manifest, CONDITIONS)
    store.record_halves(ENDED, manifest, HALVES, seed=7, scorer=1)
    store.record_verification(ENDED, manifest, reruns=2, mismatches=0)


def read_all(store: Store) -> list[dict[str, Any]]:
    return [store.all_conditions(), store.all_halves(seed=7, scorer=1), store.all_verifications()]


def sql(folder: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection, connection:
        return connection.execute(statement).fetchall()


def test_a_store_of_the_version_before_is_upgraded_with_its_rows(folder: Path) -> None:
    """Every row of every table is there afterwards; the new tables are empty, and the quick listing works."""
    names = [name for (name,) in sql(folder, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    data_tables = [name for name in names if name not in ("alembic_version", "sqlite_sequence")]
    columns = {
        name: ", ".join(f'"{row[1]}"' for row in sql(folder, f"PRAGMA table_info({name})"))
        for name in data_tables
    }
    before = {name: sql(folder, f"SELECT {columns[name]} FROM {name} ORDER BY 1, 2") for name in data_tables}
    assert all(before[name] for name in ("entries", "evaluations", "runs", "submissions", "terms"))
    assert read_listing(folder) is None
    with closing(open_store(folder, create=False)) as store:
        assert read_all(store) == [{}, {}, {}]
        assert {entry.outcome for entry in store.entries()} == {"scored", "failed", "refused", None}
    assert sql(folder, VERSION_QUERY) == [(HEAD,)]
    after = {name: sql(folder, f"SELECT {columns[name]} FROM {name} ORDER BY 1, 2") for name in data_tables}
    assert after == before
    assert read_listing(folder) is not None


def test_what_is_recorded_is_read_to_the_last_digit(store: Store) -> None:
    """And what is recorded again replaces it."""
    record_all(store)
    conditions, halves, verifications = read_all(store)
    assert (conditions, halves) == ({ENDED: CONDITIONS}, {ENDED: HALVES})
    assert (verifications[ENDED].reruns, verifications[ENDED].mismatches) == (2, 0)
    store.record_verification(ENDED, MANIFEST, reruns=0, mismatches=1)
    assert store.all_verifications()[ENDED].mismatches == 1
    assert store.all_verifications()[ENDED].verified_at >= verifications[ENDED].verified_at


def test_halves_belong_to_a_seed_and_a_scorer(store: Store) -> None:
    """Several may be stored of an evaluation; none is taken for another."""
    for seed, scorer in ((7, 1), (8, 1), (7, 2)):
        value = StoredHalves(value=seed + scorer / 10, halves=HALVES.halves)
        store.record_halves(ENDED, MANIFEST, value, seed=seed, scorer=scorer)
    assert store.all_halves(seed=8, scorer=1)[ENDED].value == 8.1
    assert store.all_halves(seed=7, scorer=2)[ENDED].value == 7.2
    assert store.all_halves(seed=9, scorer=1) == {}


def test_what_belongs_to_another_manifest_is_not_returned(store: Store) -> None:
    """The evaluation has been finished anew since."""
    record_all(store, manifest="0" * 64)
    assert read_all(store) == [{}, {}, {}]
    record_all(store)
    assert all(read_all(store))
    store.record_verification(UNFINISHED, None, reruns=0, mismatches=0)
    assert UNFINISHED not in store.all_verifications()


@pytest.mark.parametrize(
    "act",
    [lambda store: store.remove(ENDED), lambda store: store.restart(ENDED)],
    ids=["removed", "restarted"],
)
def test_it_goes_with_the_result(store: Store, folder: Path, act: Callable[[Store], Any]) -> None:
    """Whether the evaluation is removed or evaluated again."""
    record_all(store)
    act(store)
    assert [sql(folder, f"SELECT COUNT(*) FROM {table}") for table in TABLES] == [[(0,)]] * 3


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("conditions", "conditions = '{'"),
        ("conditions", "conditions = '{}'"),
        ("conditions", "conditions = json_set(conditions, '$.scorer', 'x')"),
        ("halved_scores", "halves = '['"),
        ("halved_scores", "halves = '[]'"),
        ("halved_scores", "halves = '[[1, 2], [1]]'"),
        ("halved_scores", "halves = '[[1, 2], [1, NaN]]'"),
        ("halved_scores", "halves = '[[1, 2], [1, 1e999]]'"),
        ("halved_scores", "value = 'x'"),
        ("verifications", "verified_at = 'yesterday'"),
        ("verifications", "mismatches = -1"),
        ("verifications", "reruns = 'many'"),
    ],
)
def test_a_damaged_value_is_one_sentence(store: Store, folder: Path, table: str, values: str) -> None:
    """It names the file of the store, and no score results from it."""
    record_all(store)
    sql(folder, f"UPDATE {table} SET {values}")
    with pytest.raises(HostNotReadyError, match=DATABASE_FILE):
        read_all(store)


def test_terms_of_all_evaluations_are_read_at_once(store: Store) -> None:
    """As `all_terms` reads those of one."""
    terms = store.terms_by_evaluation()
    assert terms.keys() == {ENDED, FAILED, UNFINISHED}
    for evaluation, each in terms.items():
        stored = store.all_terms(evaluation)
        assert [json.loads(item.model_dump_json()) for item in each] == [
            {name: item[name] for name in each[0].model_fields_set} for item in stored
        ]
