"""Each system call that runs may make is exercised by an attack or a measurement, or excused by name."""

from __future__ import annotations

import collections
import inspect
import json
from collections.abc import Callable
from typing import Final

import pytest

from sandbox.seccomp import _FIRST_UNKNOWN, REFUSED
from sandbox.worker.kernel_objects import KINDS
from tests.containers.system_calls import EXERCISED, KIND, NOT_EXERCISED, Exercise
from tests.support.paths import ROOT

HOSTILE = ROOT / "sample_submissions" / "hostile"
LISTED: Final = [
    *(call for row in EXERCISED for call in row.calls),
    *(call for calls in NOT_EXERCISED.values() for call in calls),
]
NAMES_OF_ALL_CALLS = f"""
import ctypes, json
libseccomp = ctypes.CDLL("libseccomp.so.2")
libseccomp.seccomp_syscall_resolve_num_arch.restype = ctypes.c_char_p
names = [libseccomp.seccomp_syscall_resolve_num_arch(0xC000003E, number) for number in range({_FIRST_UNKNOWN})]
print(json.dumps([name.decode() for name in names if name]))
"""


@pytest.mark.container
def test_every_call_that_the_filter_lets_through_is_listed(in_image: Callable[..., str]) -> None:
    """By the kernel's own numbers, up to the first that is refused as unknown."""
    names = set(json.loads(in_image(NAMES_OF_ALL_CALLS)))
    assert {"read", "openat", "pidfd_open"} < names
    refused = {name for names_of_error in REFUSED.values() for name in names_of_error}
    allowed = names - refused
    assert allowed - set(LISTED) == set(), "allowed, and neither exercised nor excused"
    assert set(LISTED) - allowed == set(), "listed, and refused or unknown"


def test_no_call_is_listed_twice() -> None:
    """Whoever excuses a call that is exercised contradicts the list."""
    assert [call for call, times in collections.Counter(LISTED).items() if times > 1] == []


@pytest.mark.parametrize("row", EXERCISED, ids=lambda row: row.calls[0])
def test_what_exercises_a_call_makes_it(row: Exercise) -> None:
    """The attack or the kind exists, and its source has the text of the row."""
    kind = row.by.removeprefix(KIND)
    if kind == row.by:
        source = (HOSTILE / row.by / "submission.py").read_text()
    else:
        source = inspect.getsource(KINDS[kind][0])
    assert row.text in source
