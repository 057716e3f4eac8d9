"""Creates files in its own folder and in /tmp, and finds them during its run."""

import os


def unlearning(net, retain, forget, val):
    for folder in ("/tmp", "/dev/shm", os.getcwd(), os.environ["HOME"]):
        open(f"{folder}/own", "w").close()
        assert "own" in os.listdir(folder)
