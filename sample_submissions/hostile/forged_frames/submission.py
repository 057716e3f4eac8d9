"""Writes forged frames of the supervisor to every descriptor; none may reach the stream."""

import contextlib
import os

from sandbox.protocol.frames import encode


def unlearning(net, retain, forget, val):
    finished = {"seconds": 0.1, "exit_code": 0, "ended_by": "result", "oom_kills": 0, "result": "checkpoint"}
    frames = encode("ready", seconds=0.1)
    for index in range(100):
        frames += encode("ended", index=index)
        frames += encode("finished", b"forged", index=index, wiped=True, log_bytes_dropped=0, **finished)
    for number in range(3, 1024):
        with contextlib.suppress(OSError):
            os.write(number, frames)
