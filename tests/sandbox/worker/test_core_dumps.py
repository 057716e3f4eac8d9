"""The limit of core dumps is 1 byte, or what the machine leaves of it."""

from __future__ import annotations

import os
import resource

import pytest

from sandbox.worker.core_dumps import no_core_bytes

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "limit"),
    [(0, UNLIMITED, 1), (UNLIMITED, UNLIMITED, 1), (0, 0, 0), (1, 1, 1), (0, 4096, 1)],
)
def test_the_limit_can_always_be_set(
    soft: int, hard: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever limit a process has: nobody may raise a hard one."""
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (soft, hard))
    assert no_core_bytes() == limit


def test_a_process_that_may_have_none_sets_none() -> None:
    """With a hard limit of 0 and without privileges, as on a machine that others run."""
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            if os.geteuid() == 0:
                os.setresuid(45_678, 45_678, 45_678)
            resource.setrlimit(resource.RLIMIT_CORE, 2 * (no_core_bytes(),))
            os._exit(0 if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0) else 3)
        finally:
            os._exit(4)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
