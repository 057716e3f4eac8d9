"""Uses a command line and environment of a megabyte and file names that are not text; cleanup must cope."""

import os


def unlearning(net, retain, forget, val):
    for index in range(10):
        if os.fork() == 0:
            big = ["x" * 100_000] * 8
            os.execve(
                "/bin/sleep",
                ["\n\x1b[2J\udcff", "1000"],
                {f"V{number}": text for number, text in enumerate(big)},
            )
    for folder in (b".", b"/tmp", b"/dev/shm"):
        for name in (b"\xff\xfe", b"\n", b"-rf", b" ", b"\x1b[2J", b"*", b"x" * 255, b"$(id)", b"..."):
            with open(folder + b"/" + name, "wb"):
                pass
