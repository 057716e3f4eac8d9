"""Opens descriptors, requests writing of its files, and checks that it has no terminal."""

import os


def unlearning(net, retain, forget, val):
    pipes = [os.pipe() for _ in range(100)]
    assert len(pipes) == 100
    with open("own", "wb") as file:
        file.write(b"own")
        file.flush()
        os.fsync(file.fileno())
    os.sync()
    assert not os.isatty(1)
