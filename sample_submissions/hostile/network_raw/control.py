"""Asks for ordinary sockets of the one family that is allowed."""

import socket


def unlearning(net, retain, forget, val):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        socket.socket(socket.AF_UNIX, kind).close()
