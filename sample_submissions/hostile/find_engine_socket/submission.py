"""Connects to every possible path of an engine's socket and to every socket file; none may answer."""

import os
import socket
import stat

PLACES = (
    *(
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/run/containerd/containerd.sock",
        "/run/podman/podman.sock",
    ),
    *(
        "/run/crio/crio.sock",
        "/run/user/0/docker.sock",
        "/run/dbus/system_bus_socket",
        "/run/systemd/private",
    ),
    *("\0docker", "\0/run/docker.sock", "\0/containerd-shim/default.sock"),
)


class Escaped(Exception):
    """A forbidden action succeeded."""


def sockets():
    for top in ("/run", "/var", "/tmp", "/dev", "/host", "/mnt", "/home", "/root"):
        for parent, _folders, files in os.walk(top):
            for name in files:
                path = os.path.join(parent, name)
                if os.path.lexists(path) and stat.S_ISSOCK(os.lstat(path).st_mode):
                    yield path


def unlearning(net, retain, forget, val):
    for place in (*PLACES, *sockets()):
        with socket.socket(socket.AF_UNIX) as one:
            if one.connect_ex(place) == 0:
                raise Escaped(f"something answers at {place!r}")
    with open("/proc/net/unix") as file:
        if named := [line for line in file.readlines()[1:] if len(line.split()) > 7]:
            raise Escaped(f"sockets with names: {named[:3]}")
