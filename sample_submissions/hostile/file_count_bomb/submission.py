"""Creates empty files in every folder that it can write until it is refused; the limit is 2000."""

import errno
import os


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    seen = []
    for folder in ("/tmp", "/dev/shm", os.getcwd()):
        try:
            for number in range(10_000):
                os.close(os.open(f"{folder}/unlearn-hostile-{number}", os.O_CREAT | os.O_WRONLY))
            raise Escaped(f"made {number + 1} files in {folder}")
        except OSError as error:
            seen.append(errno.errorcode[error.errno])
    print(*seen)
