"""Writes 16 MiB into a file that has a name, in memory too."""


def unlearning(net, retain, forget, val):
    with open("/dev/shm/own", "wb") as file:
        assert file.write(b"x" * (16 << 20)) == 16 << 20
