"""Does the same to a folder of its own."""

import os


def unlearning(net, retain, forget, val):
    os.mkdir("own")
    os.utime("own", (12_345, 12_345))
    os.chmod("own", 0o777)
    try:
        os.setxattr("own", "user.own", b"a note")
    except OSError as error:
        print("this file system has no attributes:", error)
