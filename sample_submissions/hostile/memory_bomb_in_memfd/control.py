"""Writes 16 MiB into a named file in memory."""


def unlearning(net, retain, forget, val):
    with open("/dev/shm/own", "wb") as file:
        assert file.write(b"x" * (16 << 20)) == 16 << 20
