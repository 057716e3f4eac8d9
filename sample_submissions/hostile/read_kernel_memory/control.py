"""Reads what every program may know about the machine."""


def unlearning(net, retain, forget, val):
    for name in ("/proc/meminfo", "/proc/cpuinfo", "/proc/stat"):
        with open(name) as file:
            assert file.read()
