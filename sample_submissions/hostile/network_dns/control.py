"""Resolves a numeric address, which needs no resolver."""

import socket


def unlearning(net, retain, forget, val):
    assert socket.inet_aton("127.0.0.1")
