"""Connects to itself by a path, of which nothing stays."""

import os
import socket


def unlearning(net, retain, forget, val):
    server = socket.socket(socket.AF_UNIX)
    server.bind("own")
    os.unlink("own")
