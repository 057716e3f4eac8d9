"""Waits for a pipe with poll, which is sufficient."""

import os
import select


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    waiting = select.poll()
    waiting.register(read, select.POLLIN)
    os.write(write, b"x")
    assert waiting.poll(1_000) == [(read, select.POLLIN)]
