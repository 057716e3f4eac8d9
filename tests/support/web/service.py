"""The web service as a process: started with any settings, by any user, until the test ends it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.support.paths import ROOT

Ids = tuple[int, int]
_START_SECONDS = 50.0
_NO_NEW_PRIVILEGES = 38
"""Of prctl."""


@dataclass(kw_only=True)
class WebService:
    """A running service."""

    process: subprocess.Popen[str]
    address: str
    port: int

    @property
    def memory_bytes(self) -> int:
        """Memory of the process that is not shared away: what a body could grow."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def kill(self) -> None:
        """Kill it at once."""
        self.process.kill()
        self.process.wait()


@contextmanager
def web_service(
    contest: Path, store: Path, *, user: Ids | None = None, **settings: Any
) -> Iterator[WebService]:
    """Yield the service of a contest once it listens; it is killed in the end.

    Args:
        contest: Folder of the competition.
        store: Folder of the store.
        user: The user and group that it runs as; None for those of this process.
        settings: Of `runner.web.settings.WebSettings`, in place of those for tests.
    """
    chosen = json.dumps({"user": user, "settings": settings})
    words = [sys.executable, "-m", "tests.support.web.service", str(contest), str(store), chosen]
    process = subprocess.Popen(
        words,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": "/nonexistent"},
    )
    try:
        address = _address(process)
        yield WebService(process=process, address=address, port=int(address.rpartition(":")[2]))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def _address(process: subprocess.Popen[str]) -> str:
    """Return the address that the service prints once it listens."""
    assert process.stderr is not None
    text, deadline = "", time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        ready, _, _ = select.select([process.stderr], [], [], 1.0)
        if ready:
            line = process.stderr.readline()
            text += line
            if match := re.search(r"serving at (\S+)", line):
                return match[1]
            if not line:
                break
    raise AssertionError(f"the service did not start: {text}")


def become(user: int, group: int) -> None:
    """Become an ordinary user for good; what is to be imported must be by then, since Python may be root's."""
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    assert ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
    os.umask(0o007)


def _main(contest: str, store: str, options: str) -> None:
    import anyio._backends._asyncio  # noqa: F401 - with the next ones all that is imported late
    import uvicorn.lifespan.off
    import uvicorn.loops.auto  # noqa: F401

    from runner.contest.opened import open_contest
    from runner.web.context import WebContext
    from runner.web.serve import serve
    from runner.web.sessions import load_key
    from runner.web.settings import WebSettings

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as `runner.cli.main` does
    given = json.loads(options)
    chosen = WebSettings(**{"origin": "http://localhost", "port": 0, **given["settings"]})
    if given["user"] is not None:
        become(*given["user"])
    with open_contest(Path(contest), Path(store)) as opened:
        context = WebContext(contest=opened, settings=chosen, key=load_key(Path(store)))
        serve(context, ready=lambda address: sys.stderr.write(f"serving at {address}\n"))


if __name__ == "__main__":
    _main(*sys.argv[1:])
