"""Connects to itself and closes, so that a port stays in use for a minute after its process has ended."""

import socket


def unlearning(net, retain, forget, val):
    try:
        server = socket.create_server(("127.0.0.1", 5555))
        caller = socket.create_connection(("127.0.0.1", 5555))
    except OSError as error:
        print(error)
        return
    accepted, _address = server.accept()
    accepted.close()
    caller.close()
    server.close()
