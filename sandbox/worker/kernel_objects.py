"""Make objects of the kernel as a run may: one function for each kind, which makes one object.

`sandbox.worker.kernel_memory` makes many of a kind, in processes that end soon and so keep them open.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sandbox.worker.objects import ended, files, waits

_PR_SET_VMA: Final = 0x5356_4D41
_PR_SET_SECCOMP: Final = 22
_PAGE: Final = mmap.PAGESIZE
_FILE: Final = "/tmp/file"  # noqa: S108 - a mount inside the container
_PIDFD_OPEN, _LANDLOCK_CREATE_RULESET = 434, 444
_GETDENTS64: Final = 217  # on x86-64
_LONG_SECONDS: Final = 1e9
_CONNECTIONS_OF_A_SOCKET: Final = 4
"""As many as may wait to be accepted, at least, by the container's settings."""

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)


def _check(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def _open_file(_index: int) -> int:
    return os.open(_FILE, os.O_RDWR | os.O_CREAT, 0o666)


def _read_folder(_index: int) -> None:
    # One that neither the base image nor another layer has, with many names.
    folder = os.open("/opt/venv/lib/python3.11/site-packages/torch/include/ATen/ops", os.O_RDONLY)
    _check(_libc.syscall(_GETDENTS64, folder, ctypes.create_string_buffer(512), 512))


def _epoll_item(index: int) -> None:
    if index % 50 == 0:
        _epoll_item.polls.append(select.epoll())  # type: ignore[attr-defined]
        _epoll_item.read = os.pipe()[0]  # type: ignore[attr-defined]
    _epoll_item.polls[-1].register(os.dup(_epoll_item.read))  # type: ignore[attr-defined]


_epoll_item.polls = []  # type: ignore[attr-defined]


def _pair(data: int = 0, descriptors: int = 0) -> None:
    left, right = socket.socketpair()
    if descriptors:
        socket.send_fds(left, [b"x"], [right.fileno()] * descriptors)
    elif data:
        left.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(data):
                left.send(b"x")
    left.detach(), right.detach()


def _bound_socket(index: int) -> None:
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(f"\0{os.getpid()}-{index:05}" + "x" * 80)
    unix.detach()


def _filtered_socket(_index: int) -> None:
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    instructions = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0xFFFF) * 200)
    fprog = struct.pack("HxxxxxxP", 200, ctypes.addressof(instructions))
    unix.setsockopt(socket.SOL_SOCKET, 26, fprog)  # SO_ATTACH_FILTER
    unix.detach()


def _owned_file(index: int) -> None:
    fcntl.fcntl(_open_file(index), fcntl.F_SETOWN, os.getpid())


def _signalled_pipe(_index: int) -> None:
    read, _write = os.pipe()
    fcntl.fcntl(read, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)


def _flock(_index: int) -> None:
    # A file for each process: the kernel takes time of order n² for n locks on the same file.
    fcntl.flock(os.open(f"{_FILE}-{os.getpid()}", os.O_RDWR | os.O_CREAT), fcntl.LOCK_SH)


def _partial_lock(index: int) -> None:
    if index == 0:
        _partial_lock.fd = _open_file(0)  # type: ignore[attr-defined]
    fcntl.lockf(_partial_lock.fd, fcntl.LOCK_SH, 1, 2 * index)  # type: ignore[attr-defined]


def _session(_index: int) -> None:
    if os.fork() == 0:
        os.setsid()
        time.sleep(_LONG_SECONDS)


def _lease(index: int) -> None:
    path = f"/tmp/{os.getpid()}-{index}"  # noqa: S108 - a mount inside the container
    fcntl.fcntl(os.open(path, os.O_RDWR | os.O_CREAT), fcntl.F_SETLEASE, fcntl.F_WRLCK)


def _folder_notice(_index: int) -> None:
    fcntl.fcntl(os.open("/tmp", os.O_RDONLY), fcntl.F_NOTIFY, fcntl.DN_CREATE | fcntl.DN_MULTISHOT)  # noqa: S108


def _inotify_watch(index: int) -> None:
    if index == 0:
        _inotify_watch.fd = _check(_libc.inotify_init1(0))  # type: ignore[attr-defined]
    folder = f"/tmp/{os.getpid()}-{index}"  # noqa: S108 - a mount inside the container
    Path(folder).mkdir()
    _check(_libc.inotify_add_watch(_inotify_watch.fd, folder.encode(), 0x100))  # type: ignore[attr-defined]


def _timer(_index: int) -> None:
    _check(_libc.timer_create(1, None, ctypes.byref(ctypes.c_void_p())))


def _queued_signal(_index: int) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN + 3])
    _check(_libc.sigqueue(os.getpid(), signal.SIGRTMIN + 3, None))


def _mapping(index: int, flags: int = 0x22) -> int:
    address = _libc.mmap(None, _PAGE, 1 + index % 2 * 2, flags, -1, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "refused")
    return int(address)


def _file_mapping(index: int) -> None:
    if index == 0:
        _file_mapping.fd = _open_file(0)  # type: ignore[attr-defined]
        os.truncate(_FILE, 1 << 20)
    _check(_libc.mmap(None, _PAGE, 1 + index % 2 * 2, 2, _file_mapping.fd, index % 8 * 2 * _PAGE) or -1)  # type: ignore[attr-defined]


def _pending_connection(index: int) -> None:
    if index % _CONNECTIONS_OF_A_SOCKET == 0:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"\0{os.getpid()} {index}")
        listener.listen(1 << 16)
        _pending_connection.listeners.append(listener)  # type: ignore[attr-defined]
    with socket.socket(socket.AF_UNIX) as client:
        client.setblocking(False)
        client.connect(_pending_connection.listeners[-1].getsockname())  # type: ignore[attr-defined]


_pending_connection.listeners = []  # type: ignore[attr-defined]


def _named_mapping(index: int) -> None:
    name = ctypes.c_char_p(f"{index:06}".encode() * 13)
    _check(_libc.prctl(_PR_SET_VMA, 0, ctypes.c_ulong(_mapping(index)), ctypes.c_ulong(_PAGE), name))


def _page_table(_index: int) -> None:
    address = _libc.mmap(None, 4 << 20, 1, 0x4022, -1, 0)  # PROT_READ, MAP_NORESERVE: maps the page of zeros
    _check(_libc.madvise(ctypes.c_void_p(address), 4 << 20, 15))  # MADV_NOHUGEPAGE
    ctypes.string_at(address + (2 << 20), 1)


def _syscall_filter(_index: int) -> None:
    instructions = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF_0000) * 4000)
    fprog = struct.pack("HxxxxxxP", 4000, ctypes.addressof(instructions))
    _check(_libc.prctl(_PR_SET_SECCOMP, 2, fprog, 0, 0))


def _ruleset(_index: int) -> None:
    _check(_libc.syscall(_LANDLOCK_CREATE_RULESET, struct.pack("Q", 1), 8, 0))


def _thread(_index: int) -> None:
    threading.stack_size(1 << 16)
    threading.Thread(target=time.sleep, args=(_LONG_SECONDS,), daemon=True).start()


def _process(_index: int) -> None:
    if os.fork() == 0:
        time.sleep(_LONG_SECONDS)


def _read_proc(_index: int) -> None:
    os.read(os.open("/proc/self/maps", os.O_RDONLY), 1)


def _absent_file(index: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        Path(f"/opt/absent-{os.getpid()}-{index}").stat()


def _extended_attribute(index: int) -> None:
    os.setxattr(_open_file(index), f"user.{index}", b"x" * 64)


def _access_list(index: int) -> None:
    # As long as an attribute may be: the owner, 8 000 users, the group, the mask and all others.
    users = b"".join(struct.pack("<HHI", 2, 4, number) for number in range(8000))
    owner, *others = (struct.pack("<HHI", kind, 4, 0xFFFF_FFFF) for kind in (1, 4, 16, 32))
    value = struct.pack("<I", 2) + owner + users + b"".join(others)
    file = os.open(f"{_FILE}-{os.getpid()}-{index}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.setxattr(file, "system.posix_acl_access", value)
    finally:
        os.close(file)


def _page_in_a_socket(_index: int) -> None:
    left, right = socket.socketpair()
    zeros = os.open("/dev/zero", os.O_RDONLY)
    try:
        os.sendfile(left.fileno(), zeros, 0, _PAGE)
    finally:
        os.close(zeros)
    left.detach(), right.detach()


def _message_queue(index: int) -> None:
    os.open(f"/dev/mqueue/{os.getpid()}-{index}", os.O_RDWR | os.O_CREAT)


def _mempolicy(index: int) -> None:
    address = ctypes.c_void_p(_mapping(index))
    _check(_libc.syscall(237, address, _PAGE, 1, struct.pack("Q", 1), 64, 0))  # mbind, on x86-64


def _pidfd(_index: int) -> None:
    _check(_libc.syscall(_PIDFD_OPEN, os.getpid(), 0))


KINDS: Final[dict[str, tuple[Callable[[int], object], int]]] = {
    "nothing": (lambda _index: None, 1),
    "open file": (_open_file, 4000),
    "folder being read": (_read_folder, 4000),
    "epoll": (lambda _index: _check(_libc.epoll_create1(0)), 4000),
    "epoll item": (_epoll_item, 3500),
    "eventfd": (lambda _index: _check(_libc.eventfd(0, 0)), 4000),
    "timerfd": (lambda _index: _check(_libc.timerfd_create(1, 0)), 4000),
    "signalfd": (lambda _index: _check(_libc.signalfd(-1, bytes(128), 0)), 4000),
    "inotify watch": (_inotify_watch, 3000),
    "pipe": (lambda _index: os.pipe(), 2000),
    "pipe with notice": (_signalled_pipe, 2000),
    "socket pair": (lambda _index: _pair(), 2000),
    "socket pair with data": (lambda _index: _pair(data=100), 1500),
    "socket pair with descriptors": (lambda _index: _pair(descriptors=100), 400),
    "bound socket": (_bound_socket, 4000),
    "connection that nobody accepts": (_pending_connection, 12_000),
    "filter on a socket": (_filtered_socket, 2000),
    "file with owner": (_owned_file, 4000),
    "flock": (_flock, 4000),
    "lock on a part of a file": (_partial_lock, 4000),
    "lease": (_lease, 4000),
    "notice of a folder": (_folder_notice, 4000),
    "timer": (_timer, 8000),
    "queued signal": (_queued_signal, 8000),
    "mapping": (_mapping, 30_000),
    "mapping of a file": (_file_mapping, 30_000),
    "named mapping": (_named_mapping, 30_000),
    "memory policy": (_mempolicy, 30_000),
    "page table": (_page_table, 1500),
    "filter of system calls": (_syscall_filter, 7),
    "landlock ruleset": (_ruleset, 4000),
    "thread": (_thread, 100),
    "process": (_process, 20),
    "session": (_session, 20),
    "open file of /proc": (_read_proc, 4000),
    "name that does not exist": (_absent_file, 30_000),
    "extended attribute": (_extended_attribute, 4000),
    "access list": (_access_list, 40),
    "page in a socket": (_page_in_a_socket, 2000),
    "message queue": (_message_queue, 1000),
    "pidfd": (_pidfd, 4000),
    "shared mapping": (lambda index: _mapping(index, 0x21), 8000),
    **files.KINDS,
    **waits.KINDS,
    **ended.KINDS,
}
"""How an object of each kind is made, from its number, and how many a process makes."""
