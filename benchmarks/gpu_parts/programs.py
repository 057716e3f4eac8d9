"""Start a program of `sandbox` as an ordinary process and speak frames with it, without a container.

The worker changes what lies in /tmp, /scratch and /dev, and ends processes by their uid, so it is only
started where these are its own: in the project's image, or in new namespaces that `unshare` makes.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sandbox.protocol.frames import Decoder, Frame, FrameRule, Scalar, encode_header

ROOT: Final = Path(__file__).parents[2]
_IMAGE: Final = Path("/opt/unlearn/sandbox")
_UNSHARE: Final = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--ipc", "--net", "--mount-proc")
"""With its child end all processes of the namespace, also those that hold a device."""
_LAST_LINES: Final = 2_000
_TRIAL_SECONDS: Final = 20.0
_READ_BYTES: Final = 1 << 20


class ProgramEndedError(Exception):
    """A program ended, or sent nothing in time."""


def isolation() -> tuple[str, ...] | None:
    """Return the command in front of the worker's, or None where it cannot have folders of its own."""
    if _IMAGE.is_dir():
        return ()
    if os.getuid() != 0 or shutil.which(_UNSHARE[0]) is None:
        return None
    try:
        trial = subprocess.run([*_UNSHARE, "true"], capture_output=True, timeout=_TRIAL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _UNSHARE if trial.returncode == 0 else None


class Program:
    """A running program; use as a context manager, which ends it."""

    def __init__(
        self, module: str, rules: Mapping[str, FrameRule], *arguments: str, before: tuple[str, ...] = ()
    ) -> None:
        """Start it.

        Args:
            module: As `python -m` takes it.
            rules: The frames that it may send.
            arguments: Of the module.
            before: A command that starts it.
        """
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._decoder, self._arrived = Decoder(rules), deque[Frame]()
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the program
        self._process = subprocess.Popen(
            [*before, sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            env=environment,
            cwd=ROOT,
        )

    def __enter__(self) -> Program:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill the program, and show what it has written to stderr."""
        self._process.kill()
        self._process.wait()
        sys.stderr.write(self._last_words())
        self._messages.close()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):  # what was not sent yet
                pipe.close()

    def _last_words(self) -> str:
        """Return the end of what the program has written to stderr.

        It still writes there, at a position that is this process's too: nothing here may move it.
        """
        fd = self._messages.fileno()
        start = max(0, os.fstat(fd).st_size - _LAST_LINES)
        return os.pread(fd, _LAST_LINES, start).decode(errors="replace")

    def _ended(self, how: str) -> ProgramEndedError:
        words = self._last_words().strip()
        return ProgramEndedError(f"{how}: {words}" if words else how)

    def send(self, kind: str, payload: bytes = b"", **fields: Scalar) -> None:
        """Send one frame.

        Raises:
            ProgramEndedError: it has ended.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(encode_header(kind, len(payload), **fields) + payload)
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended("it closed its end") from error

    def receive(self, seconds: float) -> Frame:
        """Return the next frame.

        Raises:
            ProgramEndedError: it has ended, or sent nothing in time.
        """
        assert self._process.stdout is not None
        deadline, fd = time.monotonic() + seconds, self._process.stdout.fileno()
        while not self._arrived:
            if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise self._ended(f"it sent nothing within {seconds:.0f} s")
            data = os.read(fd, _READ_BYTES)
            if not data:
                raise self._ended(f"it ended with exit code {self._process.wait()}")
            self._arrived.extend(self._decoder.feed(data))
        return self._arrived.popleft()

    def receive_kind(self, kind: str, seconds: float) -> Frame:
        """Return the next frame of a kind, and pass over logs and notices before it.

        Raises:
            ProgramEndedError: it has ended, sent nothing in time, or reports that it cannot go on.
        """
        while True:
            frame = self.receive(seconds)
            if frame.kind == kind:
                return frame
            if frame.kind in ("unready", "unfit", "failed", "rejected", "exhausted"):
                raise ProgramEndedError(f"{frame.kind}: {frame.fields.get('reason', '')}")
