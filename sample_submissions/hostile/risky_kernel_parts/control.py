"""Waits with epoll, which is sufficient."""

import os
import select


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    with select.epoll() as poll:
        poll.register(read, select.EPOLLIN)
        os.write(write, b"x")
        assert poll.poll(1) == [(read, select.EPOLLIN)]
