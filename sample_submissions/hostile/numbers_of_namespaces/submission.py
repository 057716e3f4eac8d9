"""Asks namespaces and a pidfd which of the host's they are, and for others; each question must be refused."""

import array
import fcntl
import os

KINDS = ("mnt", "pid", "user", "cgroup", "ipc", "uts", "net", "time")
QUESTIONS = {
    "NS_GET_USERNS": 0xB701,
    "NS_GET_PARENT": 0xB702,
    "NS_GET_MNTNS_ID": 0x8008B705,
    "NS_MNT_GET_INFO": 0x8010B70A,
    "NS_GET_ID": 0x8008B70D,
}
PIDFD_GET_INFO, EXTENSIBLE = 0xC040FF0B, (0xC048FF0B, 0xC050FF0B)


class Escaped(Exception):
    """A forbidden action succeeded."""


def ask(what, number, request):
    answer = array.array("B", bytes(256))
    answer[0:8] = array.array("B", (0x07).to_bytes(8, "little"))  # what is asked for
    try:
        fcntl.ioctl(number, request, answer)
    except OSError as error:
        print(what, error)
    else:
        raise Escaped(f"{what}: {answer.tobytes()[:64].hex()}")


def unlearning(net, retain, forget, val):
    for kind in KINDS:
        try:
            number = os.open(f"/proc/self/ns/{kind}", os.O_RDONLY)
        except OSError as error:  # gVisor has some of them only
            print(kind, error)
            continue
        for name, request in QUESTIONS.items():
            ask(f"{kind} {name}", number, request)
        os.close(number)
    try:
        number = os.pidfd_open(os.getpid())
    except OSError as error:  # gVisor has none
        print("pidfd", error)
        return
    for request in (PIDFD_GET_INFO, *EXTENSIBLE):
        ask(f"pidfd {request:x}", number, request)
