"""Opens ordinary sockets of the one permitted family."""

import socket


def unlearning(net, retain, forget, val):
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        socket.socket(socket.AF_UNIX, kind).close()
