"""Passes a message in the permitted way, through a socket pair."""

import socket


def unlearning(net, retain, forget, val):
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    one.send(b"a note")
    assert other.recv(100) == b"a note"
