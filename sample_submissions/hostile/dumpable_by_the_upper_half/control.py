"""Sets its own name by the same call; with the upper half of the register set, every option is refused."""

import ctypes

SYS_PRCTL = 157
PR_SET_NAME = 15


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None)
    libc.syscall(SYS_PRCTL, PR_SET_NAME, ctypes.c_char_p(b"control"), 0, 0, 0)
    with open("/proc/self/comm") as file:
        assert file.read() == "control\n"
