"""Connects to itself by a path, which leaves no port in use."""

import os
import socket


def unlearning(net, retain, forget, val):
    server = socket.socket(socket.AF_UNIX)
    server.bind("own")
    os.unlink("own")
