"""Opens a socket of every family but Unix, among them vsock, netlink and Bluetooth; each must be refused.

It connects to nothing: the existence of such a socket alone is the failure.
"""

import socket


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    found = set()
    for family in range(64):
        for kind in (1, 2, 3, 5):
            for protocol in (0, 1, 6, 17):
                try:
                    socket.socket(family, kind, protocol).close()
                except OSError:
                    continue
                found.add(family)
    if found - {socket.AF_UNIX}:
        raise Escaped(f"families {sorted(found - {socket.AF_UNIX})}")
