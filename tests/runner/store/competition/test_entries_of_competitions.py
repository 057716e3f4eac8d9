"""Entries are taken with their quota in one transaction, and moved one checked step at a time."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runner.competition.intake import Intake
from runner.competition.phase import Quota
from runner.competition.quota import PastEntry, allowance
from runner.competition.states import EntryState
from runner.errors import ConfigurationError, HostNotReadyError
from runner.store.competition.records import Act, NewCompetitionEntry
from runner.store.open_store import open_store
from runner.store.store import Store
from tests.support.databases.fixtures import DATABASES, REFUSALS, SQLITE, PrepareStore, execute_in

NAME = "Forgetting 2026"
ACT = Act(who="me", act="withdraw", subject="entry 1", reason="asked by mail")


def new_entry(**changes: Any) -> NewCompetitionEntry:
    values: dict[str, Any] = {
        "competition": NAME,
        "phase": "feedback",
        "team": "alpha",
        "file_name": "mine.zip",
        "archive_sha256": "a" * 64,
        "bytes": 10,
        "challenge": "challenges/feedback",
    }
    return NewCompetitionEntry(**(values | changes))


def within(quota: Quota, past: Sequence[PastEntry], now: datetime) -> Intake:
    """Decide by a quota alone."""
    allowed = allowance(quota, past, now, UTC)
    return Intake(
        state=None if allowed.refusal else EntryState.RECEIVED,
        refusal=allowed.refusal,
        remaining=allowed.remaining,
    )


@pytest.fixture
def folder(tmp_path: Path, prepare_store: PrepareStore) -> Path:
    with closing(open_store(prepare_store(tmp_path), create=True)) as store:
        for team in ("alpha", "beta"):
            store.add_team(NAME, team, token_sha256=None, who="me")
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with closing(open_store(folder, create=False)) as opened:
        yield opened


def taken(folder: Path, quota: Quota, number: int, *, key: str | None = None) -> bool:
    """Open the store, try to hand in, and return whether it became an entry."""
    with closing(open_store(folder, create=False)) as store:
        new = new_entry(file_name=f"{number}.zip", idempotency_key=key)
        return store.take_entry(new, partial(within, quota)).is_new


def in_threads(count: int, try_once: Callable[[int], bool]) -> int:
    with ThreadPoolExecutor(20) as pool:
        return sum(pool.map(try_once, range(count)))


@pytest.mark.parametrize(
    ("prepare_store", "quota"),
    [
        *((SQLITE, quota) for quota in (Quota(per_day=3), Quota(in_flight=3), Quota(interval_seconds=3600))),
        *((database, Quota(total=3)) for database in DATABASES),
    ],
    indirect=["prepare_store"],
    ids=str,
)
def test_parallel_hand_ins_cannot_exceed_a_quota(folder: Path, store: Store, quota: Quota) -> None:
    """Of 100 at once with one left in the quota, exactly one is accepted; whichever limit it is."""
    for number in range(0 if quota.interval_seconds else 2):
        assert taken(folder, quota, number)
    assert in_threads(100, partial(taken, folder, quota)) == 1
    assert len(store.competition_entries(NAME)) == (1 if quota.interval_seconds else 3)


def test_processes_cannot_exceed_a_quota(folder: Path, store: Store) -> None:
    """The same of separate processes; another team's quota is its own."""
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("fork")) as pool:
        assert sum(pool.map(partial(taken, folder, Quota(total=1)), range(24))) == 1
    assert store.take_entry(new_entry(team="beta"), partial(within, Quota(total=1))).is_new


def test_one_key_is_one_entry(folder: Path, store: Store) -> None:
    """What is handed in again under its key is returned as it is, and uses no quota; also in parallel."""
    assert in_threads(50, partial(taken, folder, Quota(), key="same")) == 1
    again = store.take_entry(new_entry(idempotency_key="same"), partial(within, Quota(total=1)))
    assert not again.is_new
    assert again.intake is None
    assert again.entry is not None
    other = store.take_entry(new_entry(idempotency_key="other"), partial(within, Quota(total=1)))
    assert other.entry is None
    assert other.intake is not None
    assert other.intake.remaining == 0


def take(store: Store, **changes: Any) -> int:
    entry = store.take_entry(new_entry(**changes), partial(within, Quota())).entry
    assert entry is not None
    return entry.id


def test_only_known_teams_hand_in(store: Store) -> None:
    """A team that is unknown, revoked or of another competition hands in nothing."""
    store.revoke_team(NAME, "beta", act=Act(who="me", act="team revoke", subject="beta"))
    store.add_team("Another", "gamma", token_sha256=None, who="me")
    for team in ("nobody", "beta", "gamma", ""):
        with pytest.raises(ConfigurationError, match=r"[Tt]eam"):
            take(store, team=team)
    assert store.competition_entries(NAME) == []
    with pytest.raises(ConfigurationError, match="already"):
        store.add_team(NAME, "alpha", token_sha256=None, who="me")


def test_a_step_is_compared_and_checked(store: Store) -> None:
    """Of many that would start an entry one does; a step that makes no sense changes nothing."""
    entry = take(store)
    store.move_entry(entry, EntryState.CHECKING, EntryState.QUEUED)

    def start(_number: int) -> bool:
        return store.move_entry(entry, EntryState.RUNNING, expected={EntryState.QUEUED}) is not None

    assert in_threads(20, start) == 1
    for step in (EntryState.QUEUED, EntryState.SCORED, EntryState.RECEIVED):
        with pytest.raises(ConfigurationError, match="cannot become"):
            store.move_entry(entry, step)
    with pytest.raises(ConfigurationError, match="cannot become"):
        store.move_entry(entry, EntryState.SCORING, EntryState.QUEUED, seconds=5.0, act=ACT)
    with pytest.raises(ConfigurationError, match="no entry"):
        store.move_entry(99, EntryState.WITHDRAWN)
    with pytest.raises(ConfigurationError, match="no entry"):
        store.competition_entry("Another", entry)
    now = store.competition_entry(NAME, entry)
    assert (now.state, now.seconds) == (EntryState.RUNNING, 0.0)
    assert [act.act for act in store.audit(NAME)] == ["team add", "team add"]


def test_what_is_spent_counts_whatever_became_of_the_entry(store: Store) -> None:
    """Seconds of an evaluation whose entry was withdrawn meanwhile are its team's all the same."""
    entry = take(store)
    store.move_entry(entry, EntryState.CHECKING, EntryState.QUEUED, EntryState.RUNNING)
    store.move_entry(entry, EntryState.WITHDRAWN, reason="asked by mail", act=ACT)
    assert store.move_entry(entry, EntryState.SCORING, expected={EntryState.RUNNING}, seconds=7.5) is None
    now = store.competition_entry(NAME, entry)
    assert (now.state, now.seconds, now.reason) == (EntryState.WITHDRAWN, 7.5, "asked by mail")
    assert store.used_seconds(NAME, datetime(2020, 1, 1, tzinfo=UTC)) == {"alpha": 7.5}
    assert store.used_seconds(NAME, datetime(2100, 1, 1, tzinfo=UTC)) == {}


@pytest.mark.parametrize(
    "change",
    ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "DELETE FROM audit WHERE id = 1"],
)
def test_the_audit_only_grows(folder: Path, store: Store, change: str) -> None:
    """No statement changes or deletes an act, not even one of another program."""
    take(store)
    store.move_entry(1, EntryState.WITHDRAWN, act=ACT)
    before = store.audit(NAME)
    with pytest.raises(REFUSALS, match="only grows"):
        execute_in(folder, change)
    assert store.audit(NAME) == before
    assert [(act.who, act.act, act.subject, act.reason) for act in before][-1] == (
        "me",
        "withdraw",
        "entry 1",
        "asked by mail",
    )


def test_a_pause_and_a_choice_are_stored(store: Store) -> None:
    """Pausing twice is refused, a choice replaces the earlier one, and a refused choice changes nothing."""
    pause = Act(who="me", act="pause", subject=NAME)
    assert store.paused_since(NAME) is None
    store.set_paused(NAME, True, act=pause)
    assert store.paused_since(NAME) is not None
    with pytest.raises(ConfigurationError, match="already"):
        store.set_paused(NAME, True, act=pause)
    store.set_paused(NAME, False, act=pause)
    first, second = take(store), take(store)
    act = Act(who="alpha", act="choose", subject="final")
    for chosen in ([first], [second], [first, second]):
        store.choose_entries(NAME, "final", "alpha", chosen, require=lambda _now: None, act=act)
        assert store.choices(NAME, "final") == {"alpha": frozenset(chosen)}

    def too_late(_now: datetime) -> None:
        raise ConfigurationError("Too late.")

    with pytest.raises(ConfigurationError, match="Too late"):
        store.choose_entries(NAME, "final", "alpha", [], require=too_late, act=act)
    assert store.choices(NAME, "final") == {"alpha": frozenset({first, second})}
    assert store.competition_secret(NAME) == store.competition_secret(NAME) != store.competition_secret("B")


def test_a_damaged_state_is_one_sentence(folder: Path, store: Store) -> None:
    """A state that no program of ours wrote is an error of the store."""
    take(store)
    execute_in(folder, "UPDATE competition_entries SET state = 'fine'")
    with pytest.raises(HostNotReadyError, match="damaged row"):
        store.competition_entries(NAME)
