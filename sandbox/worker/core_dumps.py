"""The limit under which no crash starts a program of the host."""

from __future__ import annotations

import resource

from sandbox.protocol.jobs import NO_CORE_BYTES


def no_core_bytes() -> int:
    """Return the limit of core dumps that a process takes: 1 byte, or 0 where it may not have more.

    A hard limit of 0 comes from an engine without root, or from a machine without containers; then a crash
    may start the host's crash reporter, as it does for every other program of that machine.
    """
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    return NO_CORE_BYTES if hard == resource.RLIM_INFINITY else min(NO_CORE_BYTES, hard)
