"""Waits for 512 files at once, as a server does, and uses sockets of the kinds that Python does."""

import logging.handlers
import multiprocessing.connection
import os
import select
import socket

MOST = 512


def unlearning(net, retain, forget, val):
    read, write = os.pipe()
    copies = [read, *(os.dup(read) for _ in range(MOST - 1))]
    poll = select.poll()
    for fd in copies:
        poll.register(fd, select.POLLIN)
    assert poll.poll(0) == []
    os.write(write, b"x")
    assert len(poll.poll(0)) == MOST
    few = [fd for fd in copies if fd < MOST]
    assert select.select(few, [], [], 0)[0] == few
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        left, right = socket.socketpair(socket.AF_UNIX, kind)
        left.send(b"x")
        assert right.recv(1) == b"x"
    with multiprocessing.connection.Listener(family="AF_UNIX") as listener:
        client = multiprocessing.connection.Client(listener.address)
        with listener.accept() as server:
            client.send("x")
            assert multiprocessing.connection.wait([server], 1.0) == [server]
            assert server.recv() == "x"
    logging.handlers.SysLogHandler(address="/dev/log").close()  # there is no log; it must not fail here
