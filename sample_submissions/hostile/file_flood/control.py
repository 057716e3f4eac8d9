"""Creates 500 files with long names in each folder, in three processes."""

import os


def unlearning(net, retain, forget, val):
    children = []
    for folder in ("/tmp", "/dev/shm", os.getcwd()):
        child = os.fork()
        if child == 0:
            for number in range(500):
                os.close(os.open(f"{folder}/{'own-' * 50}{number}", os.O_CREAT | os.O_WRONLY))
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
