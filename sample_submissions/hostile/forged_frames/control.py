"""Prints the same frames, which are ordinary text on stdout."""

import sys

from sandbox.protocol.frames import encode


def unlearning(net, retain, forget, val):
    sys.stdout.buffer.write(encode("ended", index=0) * 100)
    sys.stdout.buffer.flush()
