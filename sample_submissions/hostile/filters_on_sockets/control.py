"""Sets and reads the options of a socket that programs use."""

import socket


def unlearning(net, retain, forget, val):
    one, other = socket.socketpair()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    assert one.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) > 0
    other.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    one.send(b"x")
    assert other.recv(1) == b"x"
