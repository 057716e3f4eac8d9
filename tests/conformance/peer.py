"""The program at the other end of a stream: it returns each submission, and ends at a stop frame."""

import os
import sys

from sandbox.protocol.frames import Decoder
from sandbox.protocol.messages import TO_WORKER

STDERR = b"the peer ends\n"
EXIT_CODE = 3


def main() -> None:
    """Serve until the host sends a stop frame, or closes the stream."""
    decoder = Decoder(TO_WORKER)
    while data := os.read(0, 1 << 16):
        for frame in decoder.feed(data):
            if frame.kind == "submission":
                sys.stdout.buffer.write(frame.payload)
                sys.stdout.buffer.flush()
            elif frame.kind == "stop":
                sys.stderr.buffer.write(STDERR)
                sys.stderr.buffer.flush()
                sys.exit(EXIT_CODE)


if __name__ == "__main__":
    main()
