"""How often a coordinator looks at its nodes, and how long the runs of one that dies can be without a device.

A process that is killed, or whose machine loses power without its network, has its connections ended by the
kernel: a call to it fails as soon as Ray has asked why. A machine that is cut off ends nothing: what it does
not answer is lost with its lease, or earlier if Ray gives the node up first.
"""

from __future__ import annotations

from typing import Final

LEASE_SECONDS: Final = 60.0
"""After which a device that does not answer is lost, and those of a coordinator that does not renew it."""
BEAT_SECONDS: Final = 2.0
"""Between two looks at all devices; each asks those that have answered again."""
FAILED_CALL_SECONDS: Final = 6.0
"""In which Ray fails a call to a process whose connection has ended. It waits a second for news of its death
(``timeout_ms_task_wait_for_death_info``) and looks at its list once a second; the rest is for a busy one."""
POLL_SECONDS: Final = 0.2
"""Between two looks of an executor at its devices."""


def pickup_seconds(
    *, beat: float = BEAT_SECONDS, failed_call: float = FAILED_CALL_SECONDS, poll: float = POLL_SECONDS
) -> float:
    """Return the longest time from the death of a node's processes until its runs wait for another device.

    The node dies just after it has answered: the next beat sees the answer and asks again, that call fails,
    the beat after that sees it, and the executor sees the device lost when it looks next.

    Args:
        beat: Seconds between two looks at all devices.
        failed_call: Seconds in which a call to a dead process fails.
        poll: Seconds between two looks of an executor.
    """
    return beat + failed_call + beat + poll


def cut_off_seconds(lease: float = LEASE_SECONDS, *, beat: float = BEAT_SECONDS) -> float:
    """Return the longest time from a cut of a node's network until its runs wait for another device.

    Args:
        lease: Seconds without an answer after which a device is lost.
        beat: Seconds between two looks at all devices.
    """
    return lease + beat + beat + POLL_SECONDS
