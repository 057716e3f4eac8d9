"""Access tokens and counters of rates: what is valid, and what an upgrade keeps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from runner.competition.scopes import TEAM_SCOPES, Scope, require_scopes
from runner.errors import ConfigurationError
from runner.store import migrations
from runner.store.competition.records import Act
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.store import Store
from tests.support.databases.fixtures import PrepareStore

ACT = Act(who="me", act="token", subject="a token")
NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path, create=True)) as opened:
        opened.add_team("C", "alpha", token_sha256="a" * 64, who="me")
        yield opened


def test_a_token_is_valid_until_it_ends(store: Store) -> None:
    """By its hash and by its number; not after its end, not once revoked, not in another competition."""
    token = store.add_token(
        "C", "alpha", sha256="b" * 64, scopes={Scope.READ}, expires=NOW + timedelta(hours=1), act=ACT
    )
    assert store.token_of_hash("C", "b" * 64, NOW) == token
    assert store.token_of_session("C", token.id, "e" * 64, NOW) == token
    assert store.token_of_hash("C", "b" * 64, NOW + timedelta(hours=1)) is None
    assert store.token_of_hash("D", "b" * 64, NOW) is None
    assert store.token_of_session("D", token.id, "e" * 64, NOW) is None
    store.end_session("e" * 64, expires=NOW + timedelta(hours=2), now=NOW)
    store.end_session("e" * 64, expires=NOW + timedelta(hours=1), now=NOW)
    assert store.token_of_session("C", token.id, "e" * 64, NOW) is None
    assert store.token_of_session("C", token.id, "f" * 64, NOW) == token
    assert store.token_of_hash("C", "c" * 64, NOW) is None
    store.revoke_token("C", token.id, act=ACT)
    assert store.token_of_hash("C", "b" * 64, NOW) is None
    with pytest.raises(ConfigurationError, match="revoked already"):
        store.revoke_token("C", token.id, act=ACT)
    with pytest.raises(ConfigurationError, match="has no token 99"):
        store.revoke_token("C", 99, act=ACT)


def test_a_session_ends_once_for_all(prepare_store: PrepareStore, tmp_path: Path) -> None:
    """On every database: it stays ended, others go on, and rows are removed when their cookies have expired."""
    with closing(open_store(prepare_store(tmp_path / "store"), create=True)) as store:
        store.add_team("C", "alpha", token_sha256="a" * 64, who="me")
        (token,) = store.tokens("C")
        for hours in (0, 1):
            now = NOW + timedelta(hours=hours)
            store.end_session("e" * 64, expires=now + timedelta(hours=12), now=now)
            assert store.token_of_session("C", token.id, "e" * 64, now) is None
            assert store.token_of_session("C", token.id, "f" * 64, now) == token
        later = NOW + timedelta(hours=14)
        store.end_session("f" * 64, expires=later, now=later)
        assert store.token_of_session("C", token.id, "e" * 64, later) == token


def test_a_revoked_team_has_no_token(store: Store) -> None:
    """All of its tokens end with it, and it gets no new ones."""
    assert store.token_of_hash("C", "a" * 64, NOW) is not None
    store.revoke_team("C", "alpha", act=ACT)
    assert store.token_of_hash("C", "a" * 64, NOW) is None
    assert all(token.revoked is not None for token in store.tokens("C"))
    with pytest.raises(ConfigurationError, match="was revoked"):
        store.add_token("C", "alpha", sha256="d" * 64, scopes=TEAM_SCOPES, expires=None, act=ACT)


@pytest.mark.parametrize(
    ("scopes", "of_team"),
    [
        (set(), True),
        (set(), False),
        ({Scope.ORGANIZER}, True),
        ({Scope.READ}, False),
        ({Scope.READ, Scope.METRICS}, True),
    ],
)
def test_scopes_belong_to_teams_or_to_organizers(scopes: set[Scope], of_team: bool) -> None:
    """A token of a team never sees all teams; one of nobody hands nothing in."""
    with pytest.raises(ValueError, match="has one or more of these scopes"):
        require_scopes(scopes, of_team=of_team)


def test_a_rate_counts_within_its_interval(store: Store) -> None:
    """So many, then none until the interval is over; names count apart."""
    minute = timedelta(minutes=1)

    def allow(name: str, at: timedelta) -> bool:
        return store.allow(name, most=2, interval=minute, now=NOW + at)

    assert [allow("a", timedelta(seconds=n)) for n in range(3)] == [True, True, False]
    assert allow("b", timedelta(seconds=3))
    assert not allow("a", timedelta(seconds=59))
    assert allow("a", minute)


def test_a_rate_holds_for_parallel_requests(store: Store) -> None:
    """Of many at one moment exactly as many are allowed."""
    with ThreadPoolExecutor(8) as pool:
        allowed = list(
            pool.map(lambda _n: store.allow("a", most=5, interval=timedelta(minutes=1), now=NOW), range(40))
        )
    assert allowed.count(True) == 5


def test_an_upgrade_keeps_the_tokens_of_teams(tmp_path: Path) -> None:
    """A store of version 0008: each team's token is valid as before, that of a revoked team is not."""
    engine = create_engine(f"sqlite:///{tmp_path / DATABASE_FILE}")
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as database, database:
        rows = [
            ("alpha", "a" * 64, None),
            ("beta", "b" * 64, "2026-11-02 00:00:00.000000"),
            ("gamma", None, None),
        ]
        database.executemany(
            "INSERT INTO teams (competition, name, created, token_sha256, revoked) VALUES ('C', ?, '2026-11-01 00:00:00.000000', ?, ?)",
            rows,
        )
    with closing(open_store(tmp_path, create=False)) as store:
        token = store.token_of_hash("C", "a" * 64, NOW)
        assert token is not None
        assert (token.team, token.scopes, token.expires) == ("alpha", TEAM_SCOPES, None)
        assert store.token_of_hash("C", "b" * 64, NOW) is None
        assert [team.has_token for team in store.teams("C")] == [True, True, False]
