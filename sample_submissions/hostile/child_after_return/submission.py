"""Returns at once and leaves children that recreate their files whenever these are removed; both must end."""

import os


def unlearning(net, retain, forget, val):
    for number in range(6):
        if os.fork() == 0:
            while True:
                for folder in ("/tmp", "/dev/shm", os.environ["HOME"]):
                    try:
                        open(f"{folder}/unlearn-hostile-{number}", "w").close()
                        os.makedirs(f"{folder}/unlearn-hostile-{number}.d/deep/deeper", exist_ok=True)
                    except OSError:
                        pass
