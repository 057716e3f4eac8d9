"""Asks for the place of files on the disk, the disk's UUID and its name; each question must be refused."""

import array
import errno
import fcntl
import os
import sys

FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/passwd", sys.executable)
QUESTIONS = {
    "FS_IOC_FIEMAP": 0xC020660B,
    "FS_IOC_GETFSUUID": 0x80111500,
    "FS_IOC_GETFSSYSFSPATH": 0x80811501,
    "FS_IOC_GETFSLABEL": 0x81009431,
    "FS_IOC_GETFLAGS": 0x80086601,
    "FS_IOC_GETVERSION": 0x80087601,
    "FS_IOC_FSGETXATTR": 0x801C581F,
    "BTRFS_IOC_FS_INFO": 0x8400941F,
    "XFS_IOC_FSGEOMETRY": 0x8100587E,
    "EXT4_IOC_GETFSUUID": 0x8008662C,
}


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for name in FILES:
        fd = os.open(name, os.O_RDONLY)
        for question, number in QUESTIONS.items():
            answer = array.array("B", bytes(4096))
            answer[8:16] = array.array("B", b"\xff" * 8)  # of FIEMAP: the whole file
            answer[24:28] = array.array("B", (16).to_bytes(4, "little"))
            try:
                fcntl.ioctl(fd, number, answer)
            except OSError as error:
                print(name, question, errno.errorcode[error.errno])
            else:
                raise Escaped(f"{name} answered {question}: {bytes(answer[:96]).hex()}")
        os.close(fd)
    for name in FILES[:3]:
        with open(name, "rb") as file:
            if text := file.read():
                raise Escaped(f"{name} is the host's: {text[:60]!r}")
