"""Installs filters of its own that let calls pass and have them logged, by every way; must be refused.

So must rules of Landlock: what they forbid is logged since Linux 6.15.
"""

import ctypes
import os
import struct

PR_SET_SECCOMP, STRICT, FILTER = 22, 1, 2
SET_MODE_FILTER, FLAG_LOG = 1, 2
RETURN_LOG, RETURN_ALLOW = 0x7FFC0000, 0x7FFF0000
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446
READ_FILES = 1 << 2
SECCOMP = {"x86_64": 317, "aarch64": 277}

libc = ctypes.CDLL(None, use_errno=True)


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    number = SECCOMP[os.uname().machine]
    for action in (RETURN_LOG, RETURN_ALLOW):
        instructions = struct.pack("=HBBI", 0x06, 0, 0, action)
        buffer = ctypes.create_string_buffer(instructions, len(instructions))
        program = struct.pack("HxxxxxxP", 1, ctypes.addressof(buffer))
        installed = (
            libc.prctl(PR_SET_SECCOMP, FILTER, program, 0, 0),
            libc.syscall(number, SET_MODE_FILTER, 0, program),
            libc.syscall(number, SET_MODE_FILTER, FLAG_LOG, program),
        )
        if 0 in installed:
            raise Escaped("a filter that logs")
    upper_half = ctypes.c_ulong(1 << 32 | PR_SET_SECCOMP)
    if libc.prctl(upper_half, FILTER, program, 0, 0) == 0:
        raise Escaped("a filter by the upper half of an argument")
    process = os.fork()
    if process == 0:
        libc.prctl(PR_SET_SECCOMP, STRICT, 0, 0, 0)
        os.getppid()  # would end the process, and that is logged
        os._exit(0)
    if os.waitpid(process, 0)[1] != 0:
        raise Escaped("a call that ends its process")
    rights = struct.pack("Q", READ_FILES)
    rules = libc.syscall(LANDLOCK_CREATE_RULESET, rights, len(rights), 0)
    if rules >= 0 and libc.syscall(LANDLOCK_RESTRICT_SELF, rules, 0) == 0:
        raise Escaped("rules of Landlock")
