"""Binds the port, or is refused any port."""

import errno
import socket


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    try:
        with open("/proc/net/tcp") as file:
            if ":15B3 " in file.read():
                raise Escaped("the connection of the run before is still listed")
    except OSError:
        pass
    try:
        socket.socket(socket.AF_INET).bind(("127.0.0.1", 5555))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Escaped("the port is still taken") from None
