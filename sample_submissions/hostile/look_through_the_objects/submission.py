"""Searches the frames and objects of the zygote; must find no open socket and no other run's order."""

import gc
import os
import socket
import sys


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    frame, names = sys._getframe(), set()
    seats = []
    while frame is not None:
        names.add(frame.f_code.co_name)
        for name, value in frame.f_locals.items():
            if name == "children" and value:
                raise Escaped(f"other runs: {value}")
            if type(value).__name__ == "Order":
                seats.append(value)
        frame = frame.f_back
    gc.unfreeze()
    for one in gc.get_objects():
        if type(one).__name__ == "Order" and not any(one is seat for seat in seats):
            raise Escaped(f"another run's order: {one}")
        if type(one) is socket.socket and one.fileno() >= 0:
            try:
                os.fstat(one.fileno())
            except OSError:
                continue
            raise Escaped(f"an open socket: {one}")
    assert "unlearning" in names
