"""Sends every known resolver a question with data in it; no question may leave."""

import socket
import struct

QUESTION = struct.pack(">6H", 1, 256, 1, 0, 0, 0) + b"\6secret\7example\3com\0" + struct.pack(">2H", 1, 1)


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    resolvers = {"127.0.0.11", "127.0.0.53", "1.1.1.1", "8.8.8.8"}
    try:
        with open("/etc/resolv.conf") as file:
            resolvers |= {line.split()[1] for line in file if line.startswith("nameserver ")}
    except OSError:
        pass
    for resolver in resolvers:
        try:
            one = socket.socket(socket.AF_INET6 if ":" in resolver else socket.AF_INET, socket.SOCK_DGRAM)
            one.settimeout(0.3)
            one.connect((resolver, 53))
            one.send(QUESTION)
            one.recv(512)
        except OSError:
            continue
        raise Escaped(f"{resolver} answered")
