"""A service that is killed at any moment leaves no row without its bytes, and no entry twice."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from pathlib import Path

import httpx2
import pytest

from runner.contest.opened import open_contest
from runner.contest.service.checker import Checker
from runner.store.paths import uploads_folder
from runner.web.intake.uploads import KEPT_SECONDS, sweep_uploads
from tests.runner.contest.conftest import NAME, Contest
from tests.runner.web.conftest import CODE, add_tokens, token_of
from tests.support.web.service import WebService, web_service

_CLIENTS = 6


class Client(threading.Thread):
    """Hands in one file after another until the service is gone; remembers what was acknowledged."""

    def __init__(self, service: WebService, name: str, team: str) -> None:
        super().__init__()
        self.service, self.label, self.team = service, name, team
        self.acknowledged: list[bytes] = []
        self.last: bytes = b""

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {token_of(self.team)}"}
        url = f"{self.service.address}/api/v1/phases/feedback/entries?file_name=a.py"
        for number in range(10_000):
            self.last = CODE + f"# {self.label} {number}\n".encode() * 2000
            try:
                answer = httpx2.put(url, content=self.last, headers=headers, timeout=20.0)
            except httpx2.TransportError:
                return
            assert answer.status_code == 201, answer.text
            self.acknowledged.append(self.last)


def require_whole(contest: Contest, clients: list[Client]) -> None:
    """Require that every acknowledged file has one row, and every row its bytes."""
    entries = contest.entries()
    hashes = [entry.upload_sha256 for entry in entries]
    assert len(hashes) == len(set(hashes))
    for client in clients:
        for content in client.acknowledged:
            assert hashlib.sha256(content).hexdigest() in hashes
    for entry in entries:
        assert entry.upload is not None
        content = (uploads_folder(contest.store_folder) / entry.upload).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry.upload_sha256


def kill_often(contest: Contest, times: int) -> None:
    """Kill the service so often while clients hand in, and hand in again what was not acknowledged."""
    chance = random.Random(0)
    pending: list[Client] = []
    for kill in range(times):
        with web_service(contest.folder, contest.store_folder, uploads_per_minute=1_000_000) as service:
            url = f"{service.address}/api/v1/phases/feedback/entries?file_name=a.py"
            for client in pending:  # the last request is repeated, as `unlearn submit` does
                headers = {"Authorization": f"Bearer {token_of(client.team)}"}
                assert httpx2.put(url, content=client.last, headers=headers, timeout=20.0).is_success
            clients = [
                Client(service, f"{kill}.{number}", ("alpha", "beta")[number % 2])
                for number in range(_CLIENTS)
            ]
            for client in clients:
                client.start()
            while not any(client.acknowledged for client in clients):
                time.sleep(0.01)
            time.sleep(chance.random())
            service.kill()
            for client in clients:
                client.join()
        require_whole(contest, clients)
        pending = clients


def require_sweepable(contest: Contest, folder: Path) -> None:
    """Require that a sweep, a day later, leaves the files of entries alone; then that all are checked."""
    with contest.store() as store:
        needed = store.needed_uploads()
    sweep_uploads(folder, needed, now=time.time() + 2 * KEPT_SECONDS)
    assert {file.name for file in folder.iterdir()} == needed
    with open_contest(contest.folder, contest.store_folder) as opened:
        assert Checker(contest=opened, report=contest.reports.append).check() == len(needed)
        assert opened.store.needed_uploads() == frozenset()
    assert list(folder.iterdir()) == []
    assert set(contest.states().values()) == {"queued"}
    assert NAME


@pytest.mark.parametrize("times", [1, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_a_killed_service(contest_template: Contest, tmp_path: Path, times: int) -> None:
    """Whatever was acknowledged is there once, whatever is there is whole, and the rest is swept away."""
    contest = contest_template.copied(tmp_path / "contest")
    add_tokens(contest)
    kill_often(contest, times)
    require_sweepable(contest, uploads_folder(contest.store_folder))
