"""Looks up a number, for which nobody need be asked."""

import socket


def unlearning(net, retain, forget, val):
    assert socket.inet_aton("127.0.0.1")
