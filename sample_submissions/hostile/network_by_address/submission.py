"""Connects and sends to outside addresses, the host's bridge and metadata services.

All must be unreachable.
"""

import socket

IPV4 = ("1.1.1.1", "8.8.8.8", "169.254.169.254", "172.17.0.1", "192.168.0.1", "10.0.0.1", "255.255.255.255")
IPV6 = ("2606:4700:4700::1111", "2001:4860:4860::8888", "fd00:ec2::254", "fe80::1", "ff02::1")


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    socket.setdefaulttimeout(0.2)
    for family, addresses in ((socket.AF_INET, IPV4), (socket.AF_INET6, IPV6)):
        for address in addresses:
            for port in (53, 80, 443):
                try:
                    socket.socket(family, socket.SOCK_STREAM).connect((address, port))
                except OSError:
                    pass
                else:
                    raise Escaped(f"connected to {address} port {port}")
                try:
                    one = socket.socket(family, socket.SOCK_DGRAM)
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                    one.sendto(b"x", (address, port))
                except OSError:
                    continue
                raise Escaped(f"sent to {address} port {port}")
