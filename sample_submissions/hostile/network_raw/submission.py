"""Opens sockets below IP or to the kernel's drivers; each must be refused."""

import socket

WANTED = [
    (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
    (socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP),
    (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
    (socket.AF_PACKET, socket.SOCK_RAW, 0x0300),
    (socket.AF_PACKET, socket.SOCK_DGRAM, 0x0300),
]


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    for wanted in WANTED:
        try:
            socket.socket(*wanted)
        except OSError as error:
            print(wanted, error)
            continue
        raise Escaped(f"a socket {wanted}")
