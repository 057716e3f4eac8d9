"""Reads its own command line."""


def unlearning(net, retain, forget, val):
    with open("/proc/self/cmdline", "rb") as file:
        assert b"python" in file.read()
