"""Serves and calls such a socket within one run."""

import socket


def unlearning(net, retain, forget, val):
    server = socket.socket(socket.AF_UNIX)
    server.bind("\0own")
    server.listen()
    caller = socket.socket(socket.AF_UNIX)
    caller.connect("\0own")
