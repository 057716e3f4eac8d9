"""Files of the image that are open, and names in folders: one function makes one object."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

_PROGRAM: Final = os.path.realpath("/opt/venv/bin/python")
_TMP: Final = "/tmp"  # noqa: S108 - a mount inside the container


def _path(index: int) -> str:
    return f"{_TMP}/{os.getpid()}-{index}"


def open_image_file(_index: int) -> None:
    """Open a file of the image: below overlayfs, two files for the kernel."""
    os.open(_PROGRAM, os.O_RDONLY)


def socket_with_path(index: int) -> None:
    """Give a socket a name in a folder."""
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(_path(index))
    unix.detach()


def file_with_signal(_index: int) -> None:
    """Choose the signal that tells of a file."""
    fcntl.fcntl(os.open(f"{_TMP}/file", os.O_RDWR | os.O_CREAT), fcntl.F_SETSIG, signal.SIGRTMIN)


def folder(index: int) -> None:
    """Make a folder, with a name in it: the kernel keeps a table for each that has any."""
    Path(_path(index), "in").mkdir(parents=True)


def named_pipe(index: int) -> None:
    """Make a pipe with a name."""
    os.mkfifo(_path(index))


def short_link(index: int) -> None:
    """Make a link whose text is short enough to be kept beside the file."""
    Path(_path(index)).symlink_to("x" * 120)


def second_name(index: int) -> None:
    """Give a file a second name, and move that."""
    first = f"{_TMP}/named-{os.getpid()}"
    os.close(os.open(first, os.O_RDWR | os.O_CREAT))
    os.link(first, _path(index))
    Path(_path(index)).rename(f"{_path(index)}-moved")


def file_with_holes(index: int) -> None:
    """Write a byte far behind the end: the kernel keeps a tree of places."""
    opened = os.open(_path(0), os.O_RDWR | os.O_CREAT)
    os.ftruncate(opened, (index + 1) << 30)
    os.pwrite(opened, b"x", index << 30)
    os.close(opened)


def message_out_of_band(_index: int) -> None:
    """Leave a message out of band in a socket."""
    left, right = socket.socketpair()
    left.send(b"x", socket.MSG_OOB)
    left.detach(), right.detach()


KINDS: Final[dict[str, tuple[Callable[[int], object], int]]] = {
    "open file of the image": (open_image_file, 4000),
    "socket with a path": (socket_with_path, 1000),
    "file with a signal": (file_with_signal, 4000),
    "folder": (folder, 500),
    "named pipe": (named_pipe, 1000),
    "short link": (short_link, 1000),
    "second name of a file": (second_name, 1000),
    "file with holes": (file_with_holes, 4000),
    "message out of band": (message_out_of_band, 2000),
}
"""As in `sandbox.worker.kernel_objects`. Names stay in the container, whose folders have room for 200 000."""
