"""The service runs as a user who can do nothing else, and has nothing loaded that could."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from runner.competition.competition import COMPETITION_FILE
from runner.contest.opened import open_contest
from runner.contest.service.checker import Checker
from runner.errors import ConfigurationError
from runner.store.listing import DATABASE_FILE
from runner.store.paths import uploads_folder
from runner.web.privileges import engine_sockets, reachable, require_ordinary_user
from tests.runner.contest.conftest import Contest
from tests.runner.web.conftest import CODE, add_tokens, token_of
from tests.support.paths import ROOT
from tests.support.web.service import web_service

_IMPORTS = """
import sys
import runner.cli.web.serve, runner.web.serve, runner.web.sessions
bad = [name for name in sys.modules if name.split(".")[0] in ("docker", "torch", "sklearn") or name.startswith("runner.engine")]
assert not bad, bad
"""
_USER, _GROUP = 65534, 64000
"""Of the service; the evaluating process is root here, and in the same group."""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become others")


def test_the_service_imports_no_engine() -> None:
    """Neither docker nor what speaks to an engine is in the process, so no fault of it can start a container."""
    subprocess.run([sys.executable, "-c", _IMPORTS], cwd=ROOT, check=True)


def test_root_is_refused() -> None:
    """The sentence says what to do instead."""
    with pytest.raises(ConfigurationError, match="does not run as root; run it as a user of its own"):
        require_ordinary_user([], user=0)


def test_a_user_who_reaches_an_engine_is_refused(tmp_path: Path) -> None:
    """A socket that listens is found; one that nobody listens on, or that is none, is not."""
    listening, silent, none = tmp_path / "listening", tmp_path / "silent", tmp_path / "none"
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as closed:
        server.bind(str(listening))
        server.listen()
        closed.bind(str(silent))
        assert reachable([none, silent]) is None
        require_ordinary_user([none, silent], user=1000)
        with pytest.raises(ConfigurationError, match="can reach the container engine at"):
            require_ordinary_user([silent, listening], user=1000)


def test_sockets_are_looked_for_where_engines_listen() -> None:
    """The usual places, the user's own, and those that the environment names."""
    found = {
        str(path)
        for path in engine_sockets({"DOCKER_HOST": "unix:///tmp/d.sock", "CONTAINER_HOST": "tcp://h"}, 7)
    }
    assert {
        "/run/docker.sock",
        "/run/podman/podman.sock",
        "/run/user/7/podman/podman.sock",
        "/tmp/d.sock",
    } <= found
    assert "tcp://h" not in found


def _shared(contest: Contest) -> None:
    """Give the store to a group, as docs/serve.md says: a setgid folder, and files that the group may write."""
    contest.folder.chmod(0o755)
    (contest.folder / COMPETITION_FILE).chmod(0o644)  # whatever umask another test had
    for parent in contest.folder.parents:
        if parent == Path("/tmp"):
            break
        parent.chmod(parent.stat().st_mode | 0o011)
    for path in (contest.store_folder, *contest.store_folder.rglob("*")):
        os.chown(path, 0, _GROUP)
        path.chmod(0o2770 if path.is_dir() else 0o660)
    for challenge in ("feedback", "final", "final-2"):
        (contest.folder / challenge).chmod(0o700)  # hidden data, which the service need not read


@needs_root
def test_two_users_share_a_store(contest_template: Contest, tmp_path: Path) -> None:
    """The service as nobody takes a file, and root checks it; both write to SQLite, whoever opened it first.

    The service can open no socket of an engine here, nor the challenge.
    """
    contest = contest_template.copied(tmp_path / "contest")
    add_tokens(contest)
    _shared(contest)
    headers = {"Authorization": f"Bearer {token_of('alpha')}"}
    before = os.umask(0o007)
    try:
        for number in range(2):
            with web_service(contest.folder, contest.store_folder, user=(_USER, _GROUP)) as service:
                url = f"{service.address}/api/v1/phases/feedback/entries?file_name=a.py"
                code = CODE + f"# {number}".encode()
                assert httpx2.put(url, content=code, headers=headers, timeout=30).status_code == 201
                status = Path(f"/proc/{service.process.pid}/status").read_text()
                assert f"Uid:\t{_USER}\t{_USER}" in status
                assert "CapEff:\t0000000000000000" in status
                maps = Path(f"/proc/{service.process.pid}/maps").read_text()
                assert "docker" not in maps
                (upload,) = uploads_folder(contest.store_folder).iterdir()
                assert (upload.stat().st_uid, upload.stat().st_gid) == (_USER, _GROUP)
                assert stat.S_IMODE(upload.stat().st_mode) == 0o660
                with open_contest(contest.folder, contest.store_folder) as opened:
                    assert Checker(contest=opened, report=contest.reports.append).check() == 1
                listed = httpx2.get(f"{service.address}/api/v1/entries", headers=headers, timeout=30).json()
                assert [entry["state"] for entry in listed["entries"]] == ["queued"] * (number + 1)
            assert list(uploads_folder(contest.store_folder).iterdir()) == []
    finally:
        os.umask(before)
    assert contest.reports == []
    key = contest.store_folder / "web.key"
    assert (key.stat().st_uid, stat.S_IMODE(key.stat().st_mode)) == (_USER, 0o600)
    database = contest.store_folder / DATABASE_FILE
    assert stat.S_IMODE(database.stat().st_mode) == 0o660


@needs_root
def test_the_user_of_the_service_reaches_no_engine() -> None:
    """The check itself, as that user on this host: it finds nothing that it could connect to."""
    code = (
        "from runner.web.privileges import require_ordinary_user as check; "
        f"from tests.support.web.service import become; become({_USER}, {_GROUP}); check()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
