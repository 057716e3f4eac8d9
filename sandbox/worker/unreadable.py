"""Makes what a run could execute unreadable to it; used once, when the image is built.

A process may write its own ``oom_score_adj`` only while it is *dumpable*, and a run could use
that to have the kernel's memory killer take the supervisor in its place. A forked run is not
dumpable, since it has changed its uid, and the second seccomp filter keeps it from saying
otherwise. Executing a program would make it dumpable again, except for a program, or a
program's interpreter, that it cannot read. So the dynamic loader and every static program can
be read by root and one group only. Everything that a run can write to is mounted noexec.

Where a kernel does not execute what cannot be read (gVisor, which has no such killer to be
steered), runs are given that group.
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
"""Of a 64-bit ELF file: where the program headers are, how long each is and how many there are."""
_INTERPRETER: Final = 3


def main() -> None:
    """Change the modes and print what was changed."""
    for file in _executables(Path("/")):
        if file.name.startswith(_LOADER) or _is_static_program(file):
            os.chown(file, 0, READERS_GID)
            file.chmod(_UNREADABLE)
            print(file)  # noqa: T201 - it is the build's log


def is_executable_unread() -> bool:
    """Return whether this kernel executes programs for somebody who cannot read them."""
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


def _is_static_program(file: Path) -> bool:
    """Return whether the kernel would execute it without an interpreter."""
    with file.open("rb") as opened:
        head = opened.read(64)
        if len(head) < 64 or head[:5] != b"\x7fELF\x02":
            return False
        where, size, count = _PROGRAM_HEADERS.unpack_from(head)
        opened.seek(where)
        table = opened.read(size * count)
    kinds = {int.from_bytes(table[at : at + 4], "little") for at in range(0, len(table), size or 1)}
    return _INTERPRETER not in kinds


if __name__ == "__main__":
    main()
