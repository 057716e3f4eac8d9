"""Processes publish runs at the same time where the database can do so, and nobody else writes meanwhile."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from runner.errors import HostNotReadyError, TakenOverError
from runner.store.database import Database
from runner.store.lease import evaluation_lease
from runner.store.open_store import open_store
from runner.store.records import EvaluationRecord
from runner.store.store import Store
from tests.support.databases.fixtures import PrepareStore
from tests.support.databases.server import Server
from tests.support.records import run_record

NAME = "0123456789ab"
RUNS = 40


def begin(store: Store) -> None:
    store.begin(
        EvaluationRecord(
            id=NAME,
            submission_sha256="a" * 64,
            submission="mine",
            archive_bytes=1,
            challenge="tiny",
            challenge_sha256="b" * 64,
            image="c" * 64,
            n=RUNS,
        )
    )


def test_publishers_share_and_others_wait(postgresql: Server) -> None:
    """Two that publish go on together; a transaction of another kind is refused as long as one of them does."""
    url = postgresql.url(postgresql.new_store())
    with ExitStack() as stack:
        first, second = (stack.enter_context(closing(Database(url))) for _number in range(2))
        other = stack.enter_context(closing(Database(url, busy_seconds=0.2)))
        with first.writing_rows(sharing=True):
            with second.writing_rows(sharing=True):
                pass
            with pytest.raises(HostNotReadyError, match="lock timeout"), other.writing():
                pass
            with pytest.raises(HostNotReadyError, match="lock timeout"), other.writing_rows(sharing=False):
                pass
        impatient = stack.enter_context(closing(Database(url, busy_seconds=0.2)))
        publishing = impatient.writing_rows(sharing=True)
        with other.writing(), pytest.raises(HostNotReadyError, match="lock timeout"):
            publishing.__enter__()


def test_a_run_is_published_once_by_several_processes(prepare_store: PrepareStore, tmp_path: Path) -> None:
    """All of them hold the token, and publish the same runs at the same time: one of them each."""
    folder = prepare_store(tmp_path)
    published: list[int] = []
    errors: list[BaseException] = []
    with closing(open_store(folder, create=True)) as store:
        begin(store)
        with evaluation_lease(store.database, folder, NAME) as lease:
            attempt = store.begin_attempt(NAME, token=lease.token)
            start = threading.Barrier(3)

            def publish() -> None:
                with closing(open_store(folder, create=False)) as own:
                    start.wait()
                    try:
                        for index in range(RUNS):
                            run = run_record(index=index, attempt=attempt)
                            published.extend([index] * own.publish(NAME, run, token=lease.token))
                    except BaseException as error:  # noqa: BLE001 - the test shows it
                        errors.append(error)

            threads = [threading.Thread(target=publish) for _number in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert errors == []
        assert sorted(published) == list(range(RUNS))
        with pytest.raises(TakenOverError):
            store.publish(NAME, run_record(index=0, attempt=attempt), token=lease.token + 1)
