"""Waits for a pipe with epoll, which does the same under the filter's control."""

import os
import select


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    waiting = select.epoll()
    waiting.register(read, select.EPOLLIN)
    os.write(write, b"x")
    assert waiting.poll(1.0)
