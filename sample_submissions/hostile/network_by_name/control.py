"""Sends itself a message through a socket pair, and resolves its own name."""

import socket


def unlearning(net, retain, forget, val):
    one, other = socket.socketpair()
    one.send(b"hello")
    assert other.recv(5) == b"hello"
    assert socket.gethostname()
