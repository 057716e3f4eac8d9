"""Makes system calls of administrators, with arguments that change nothing; must be refused."""

import ctypes
import errno

SETTIMEOFDAY, ADJTIMEX, CLOCK_SETTIME, CLOCK_ADJTIME, REBOOT, QUOTACTL, ACCT = (
    164,
    159,
    227,
    305,
    169,
    179,
    163,
)
SWAPON, SWAPOFF, SETHOSTNAME, SETDOMAINNAME, VHANGUP, IOPL, IOPERM, SYSLOG = (
    167,
    168,
    170,
    171,
    153,
    172,
    173,
    103,
)
CAD_OFF, SYNC_QUOTAS = 0, 0x800001 << 8


class Escaped(Exception):
    """A forbidden action succeeded."""


REFUSALS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EROFS}
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def refused(what, function, *arguments):
    """Call, and require that it fails for missing permission, not for its arguments."""
    ctypes.set_errno(0)
    if function(*arguments) != -1:
        raise Escaped(f"{what} succeeded")
    if ctypes.get_errno() not in REFUSALS:
        raise Escaped(f"{what} got as far as {errno.errorcode.get(ctypes.get_errno())}")


def unlearning(net, retain, forget, val):
    now = (ctypes.c_long * 2)()
    libc.clock_gettime(0, now)
    refused("settimeofday", libc.syscall, SETTIMEOFDAY, now, None)
    refused("clock_settime", libc.syscall, CLOCK_SETTIME, 0, now)
    change = ctypes.create_string_buffer(
        b"\x01\x80\0\0", 256
    )  # a value next to ADJ_SETOFFSET: any change is refused
    refused("adjtimex", libc.syscall, ADJTIMEX, change)
    refused("clock_adjtime", libc.syscall, CLOCK_ADJTIME, 0, change)
    refused("reboot", libc.syscall, REBOOT, 0xFEE1DEAD, 672274793, CAD_OFF, None)
    refused("swapon", libc.syscall, SWAPON, b"/tmp/there-is-none", 0)
    refused("swapoff", libc.syscall, SWAPOFF, b"/tmp/there-is-none")
    refused("acct", libc.syscall, ACCT, None)
    refused("sethostname", libc.syscall, SETHOSTNAME, b"own", 3)
    refused("setdomainname", libc.syscall, SETDOMAINNAME, b"own", 3)
    refused("iopl", libc.syscall, IOPL, 3)
    refused("ioperm", libc.syscall, IOPERM, 0, 1, 1)
    refused("syslog", libc.syscall, SYSLOG, 5, None, 0)
    refused("vhangup", libc.syscall, VHANGUP)
    refused("quotactl", libc.syscall, QUOTACTL, SYNC_QUOTAS, b"/tmp", 0, None)
