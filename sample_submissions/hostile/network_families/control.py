"""Opens sockets of the one permitted family, single and in pairs."""

import socket


def unlearning(net, retain, forget, val):
    socket.socket(socket.AF_UNIX).close()
    for one in socket.socketpair():
        one.close()
