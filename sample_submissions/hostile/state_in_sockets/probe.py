"""Connects to the socket, which must be refused, and binds its name, which must be free."""

import socket


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    try:
        socket.socket(socket.AF_UNIX).connect("\0unlearn-hostile")
    except ConnectionRefusedError:
        socket.socket(socket.AF_UNIX).bind("\0unlearn-hostile")
        return
    raise Escaped("somebody serves the socket")
