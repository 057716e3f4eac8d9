"""A zip with a directory larger than most submissions; must be refused before the directory is read."""

import struct
import zipfile
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    local, central, count = [], [], 200_000
    for index in range(count):
        name = b"%06d" % index
        central.append(
            struct.pack(
                "<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 33, 0, 0, 0, 6, 0, 0, 0, 0, 0, index * 36
            )
            + name
        )
        local.append(struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 33, 0, 0, 0, 6, 0) + name)
    start, size = sum(map(len, local)), sum(map(len, central))
    end64 = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<IIQI", 0x07064B50, 0, start + size, 1)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, size, start, 0)
    path = folder / "evil.zip"
    path.write_bytes(b"".join([*local, *central, end64, locator, end]))
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("submission.py", HONEST)
        for index in range(500):
            archive.writestr(f"package/{index}.txt", "")
    return path
