"""Connects to itself by a path."""

import socket


def unlearning(net, retain, forget, val):
    server = socket.socket(socket.AF_UNIX)
    server.bind("own")
    server.listen()
    socket.socket(socket.AF_UNIX).connect("own")
