"""Sets up io_uring, whose operations no system call filter sees; must be refused."""

import ctypes

IO_URING_SETUP = 425


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    parameters = ctypes.create_string_buffer(120)
    if libc.syscall(IO_URING_SETUP, 8, parameters) >= 0:
        raise Escaped("a queue")
    print(ctypes.get_errno())
