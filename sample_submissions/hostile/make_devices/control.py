"""Creates a FIFO and uses the public devices."""

import os


def unlearning(net, retain, forget, val):
    os.mkfifo("fifo")
    with open("/dev/urandom", "rb") as file:
        assert len(file.read(8)) == 8
    with open("/dev/null", "w") as file:
        file.write("gone")
