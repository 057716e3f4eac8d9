"""What the engine writes to the host's disk because a run has no memory left is bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import docker
import pytest

from runner.clients.runs import EndedRun
from runner.engine.api import Engine
from runner.verdict import Verdict
from tests.support.paths import ROOT

pytestmark = [pytest.mark.container, pytest.mark.slow]

ATTACK: Final = ROOT / "sample_submissions/hostile/ends_without_memory/submission.py"
SMALL: Final = {
    "memory_bytes": 402653184,
    "wall_seconds": 60.0,
    "scratch_bytes": 67108864,
    "shared_memory_bytes": 16777216,
}
MOST_REPORTS: Final = 400
"""Up to 249 were seen, most of them in the engine's queue at the end; 600 and more where nobody looks."""
_ENDING: Final = "    for event in may_end:\n        event.set()\n        time.sleep(0.002)\n"
ENDS: Final = {
    "one thread after another": ("", ""),
    "killed by itself": (_ENDING, "    os.kill(os.getpid(), 9)\n"),
    "more threads": ("= 150, 64", "= 230, 64"),
}
"""What is put in the place of what in the attack."""


@contextmanager
def counted_reports(engine: Engine) -> Iterator[Callable[[], int]]:
    """Count the containers' reports of having no memory left, as they come: the engine keeps only the last."""
    api = docker.APIClient(base_url=engine.address)
    stream = api.events(filters={"event": ["oom"]}, decode=True)
    seen: list[str] = []

    def read() -> None:
        seen.extend(event["id"] for event in stream)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    yield lambda: max((seen.count(identity) for identity in set(seen)), default=0)
    stream.close()
    reader.join(10)
    api.close()


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.skipif(not Path("/sys/fs/cgroup/memory").is_dir(), reason="version 2 reports kills alone")
def test_a_run_without_memory_is_ended(
    engine: Engine, run_submission: Callable[..., list[EndedRun]], end: tuple[str, str]
) -> None:
    """However its threads end, each of which needs a page for that."""
    source = ATTACK.read_text()
    assert end[0] in source
    source = source.replace(*end, 1)
    with counted_reports(engine) as reports:
        (run,) = run_submission(source, [0], **SMALL)
        time.sleep(1.0)  # the engine may still be writing
        assert run.judgement.verdict is Verdict.MEMORY_LIMIT
        assert reports() < MOST_REPORTS
