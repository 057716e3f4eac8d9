"""A commit that is done, and whose answer is lost, counts once: whoever repeats it finds what is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.errors import BusyError, HostNotReadyError
from runner.store.databases.address import StoreAddress, write_address
from runner.store.lease import Lease
from runner.store.open_store import open_store
from runner.store.records import RunRecord
from runner.store.store import Store
from runner.verdict import Verdict
from tests.support.databases.proxy import LosingProxy
from tests.support.databases.server import OWNER, Server
from tests.support.records import evaluation_record

EVALUATION = evaluation_record(archive_bytes=100, challenge="tiny", n=4)
ID = EVALUATION.id
RUN = RunRecord(
    index=0,
    seed=7,
    attempt=1,
    verdict=Verdict.OK,
    detail="",
    host_seconds=1.5,
    run_seconds=1.25,
    checkpoint_sha256="d" * 64,
    log_bytes_dropped=0,
)


@pytest.fixture
def proxy(postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LosingProxy]:
    with closing(LosingProxy(tmp_path_factory.mktemp("proxy"), postgresql.folder)) as proxy:
        yield proxy


@pytest.fixture
def store(postgresql: Server, proxy: LosingProxy, tmp_path: Path) -> Iterator[Store]:
    """Return a store with one evaluation, whose database is behind the proxy."""
    name, folder = postgresql.new_store(), tmp_path / "store"
    write_address(folder, StoreAddress(database=f"postgresql+psycopg://{OWNER}@/{name}?host={proxy.folder}"))
    with closing(open_store(folder, create=True)) as opened:
        opened.begin(EVALUATION)
        yield opened
    postgresql.release(name)


def test_a_run_whose_answer_is_lost_is_published_once(store: Store, proxy: LosingProxy) -> None:
    """The call fails; repeated, it says that the run was there before, and nothing of it has changed."""
    proxy.lose(1)
    with pytest.raises(HostNotReadyError):
        store.publish(ID, RUN)
    assert proxy.lost == 1
    assert store.runs(ID) == [RUN]
    assert not store.publish(ID, RUN)
    assert store.runs(ID) == [RUN]


def test_the_next_attempt_does_not_replace_such_a_run(store: Store, proxy: LosingProxy) -> None:
    """The first that was published stays, whatever its publisher was told."""
    proxy.lose(1)
    with pytest.raises(HostNotReadyError):
        store.publish(ID, RUN)
    another = RunRecord(
        **{**{name: getattr(RUN, name) for name in RUN.__slots__}, "checkpoint_sha256": "e" * 64}
    )
    assert not store.publish(ID, another)
    assert store.runs(ID) == [RUN]


def test_a_lease_whose_answer_is_lost_expires(store: Store, proxy: LosingProxy) -> None:
    """Nobody holds it although the database says so: another process takes it once it has not been renewed."""
    now = [0.0]

    def lease(holder: str) -> Lease:
        return Lease(
            store.database,
            ID,
            holder=holder,
            place=holder,
            lease_seconds=10.0,
            beat_seconds=1.0,
            clock=lambda: now[0],
            wait=lambda seconds: now.__setitem__(0, now[0] + seconds),
        )

    proxy.lose(1, after=1)  # what it reads before is answered
    with pytest.raises(HostNotReadyError), lease("one"):
        pass
    assert proxy.lost == 1
    with pytest.raises(BusyError), lease("two"):
        pass
    now[0] = 11.0
    with lease("two") as held:
        assert held.token == 2
