"""Copies files and sends one through a socket, with functions that would use `sendfile`."""

import os
import shutil
import socket


def unlearning(net, retain, forget, val):
    with open("own", "wb") as file:
        file.write(bytes(range(256)) * 4_000)
    shutil.copyfile("own", "copy")
    assert os.path.getsize("copy") == 1_024_000
    left, right = socket.socketpair()
    with open("own", "rb") as file:
        assert left.sendfile(file, count=256) == 256
    assert right.recv(256) == bytes(range(256))
