"""Makes all programs that a run could execute unreadable to it; runs once, when the image is built.

A process may write its own ``oom_score_adj`` only while it is *dumpable*. A run could use that to
make the kernel's out-of-memory killer end the supervisor instead of the run. A forked run is not
dumpable, since it has changed its uid, and the second seccomp filter keeps it from becoming
dumpable by `prctl`. Executing a program would make it dumpable again, unless it cannot read that
program or the program's interpreter. So only root and one group can read the dynamic loader and
every static program. Everything that a run can write to is mounted noexec.

Where a kernel does not execute unreadable programs (gVisor, which has no out-of-memory killer that
a run could steer), runs get that group.

Files that are executable and no programs lose that bit: kernels before 6.14 start a process of the host for
each attempt to execute one, which looks for a module that could.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandbox.protocol.jobs import READERS_GID

_UNREADABLE: Final = 0o751
_NOBODY: Final = 65_534
_PROGRAM: Final = "/usr/bin/true"
_LOADER: Final = "ld-linux"
_PROGRAM_HEADERS: Final = struct.Struct("<32xQ14xHH")
"""Of a 64-bit ELF file: the offset of the program headers, the size of each and their number."""
_INTERPRETER: Final = 3


def main() -> None:
    """Change the modes and print the changed files."""
    for file in _executables(Path("/")):
        if file.name.startswith(_LOADER) or _is_static_program(file):
            os.chown(file, 0, READERS_GID)
            file.chmod(_UNREADABLE)
            print(file)  # noqa: T201 - the log of the image build
        elif not is_program(file):
            file.chmod(stat.S_IMODE(file.stat().st_mode) & ~0o111)
            print(file)  # noqa: T201 - as above


def can_execute_unreadable() -> bool:
    """Return whether this kernel executes a program for a user who cannot read it."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
            os.execv(_PROGRAM, [_PROGRAM])  # noqa: S606 - a program of the image, without arguments
        finally:
            os._exit(1)
    _child, status = os.waitpid(child, 0)
    return status == 0


def _executables(root: Path) -> Iterator[Path]:
    device = root.stat().st_dev
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if (Path(folder) / name).lstat().st_dev == device]
        for name in files:
            file = Path(folder) / name
            mode = file.lstat().st_mode
            if stat.S_ISREG(mode) and (mode & 0o111 or name.startswith(_LOADER)):
                yield file


def is_program(file: Path) -> bool:
    """Return whether a file begins as a program of this processor's width, or as a script."""
    with file.open("rb") as stream:
        return stream.read(5).startswith((b"\x7fELF\x02", b"#!"))


def _is_static_program(file: Path) -> bool:
    """Return whether a file is a program that the kernel executes without an interpreter."""
    with file.open("rb") as stream:
        head = stream.read(64)
        if len(head) < 64 or head[:5] != b"\x7fELF\x02":
            return False
        offset, size, count = _PROGRAM_HEADERS.unpack_from(head)
        stream.seek(offset)
        table = stream.read(size * count)
    kinds = {int.from_bytes(table[at : at + 4], "little") for at in range(0, len(table), size or 1)}
    return _INTERPRETER not in kinds


if __name__ == "__main__":
    main()
