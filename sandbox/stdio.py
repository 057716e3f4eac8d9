"""The container's end of the stream: frames in on stdin, frames out on stdout."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from sandbox.protocol.frames import Decoder, Frame, FrameRule, Scalar, encode_header

_READ_BYTES = 1 << 20


class Stdio:
    """Owns both directions of the stream and keeps stray output out of them.

    After construction, file descriptor 1 is the container's stderr and 0 is /dev/null: only `send`
    writes into the stream to the host.
    """

    def __init__(self, rules: Mapping[str, FrameRule]) -> None:
        """Take over stdin and stdout; accept the frames that ``rules`` lists."""
        self._decoder = Decoder(rules)
        self.in_fd = os.dup(0)
        self._out_fd = os.dup(1)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        os.dup2(2, 1)

    def receive(self) -> list[Frame] | None:
        """Wait for bytes and return the frames that they complete; None after the host has disconnected."""
        data = os.read(self.in_fd, _READ_BYTES)
        if not data:
            return None
        return list(self._decoder.feed(data))

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the host closes the stream."""
        while (batch := self.receive()) is not None:
            yield from batch

    def send(self, kind: str, payload: bytes | memoryview = b"", **fields: Scalar) -> None:
        """Write one complete frame; block until the host has read enough of it."""
        self._write(memoryview(encode_header(kind, len(payload), **fields)))
        if payload:
            self._write(memoryview(payload))

    def _write(self, view: memoryview) -> None:
        while view:
            view = view[os.write(self._out_fd, view) :]
