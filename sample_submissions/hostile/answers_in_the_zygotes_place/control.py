"""Sends itself messages over a pair of sockets."""

import socket


def unlearning(net, retain, forget, val):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.send(b"hello")
    assert theirs.recv(5) == b"hello"
