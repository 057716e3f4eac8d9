"""Resolves names and fetches pages; nothing outside may be found or reached."""

import socket
import urllib.request


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    socket.setdefaulttimeout(0.5)
    for name in ("example.com", "localhost.localdomain", "host.docker.internal", "metadata.google.internal"):
        try:
            found = {entry[4][0] for entry in socket.getaddrinfo(name, 80)}
        except OSError:
            continue
        if not found <= {"127.0.0.1", "::1"}:
            raise Escaped(f"{name} is {found}")
    try:
        urllib.request.urlopen("http://example.com/", timeout=0.5)
    except OSError:
        return
    raise Escaped("fetched a page")
