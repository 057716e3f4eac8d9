"""Leaves daemons that serve a note on an abstract Unix socket, and one socket that is in flight in itself."""

import os
import signal
import socket
import time


def unlearning(net, retain, forget, val):
    server = socket.socket(socket.AF_UNIX)
    server.bind("\0unlearn-hostile")
    server.listen()
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    socket.send_fds(pair[0], [b"x"], [server.fileno(), pair[0].fileno(), pair[1].fileno()])
    if os.fork() == 0:
        os.setsid()
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(1_000)
