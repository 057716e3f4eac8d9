"""A zip in which a hundred entries share the same data; must be refused."""

import struct
import zipfile
from pathlib import Path

HONEST = "def unlearning(net, retain, forget, val):\n    return net\n"


def make(folder: Path) -> Path:
    path = folder / "evil.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", HONEST)
        archive.writestr("zeros", bytes(1 << 20))
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    last = data.index(b"PK\x01\x02", start + 4)
    at = data.rindex(b"PK\x05\x06")
    more = b"".join(data[last:at].replace(b"zeros", b"zer%02d" % index) for index in range(100))
    size = at - start + len(more)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 102, 102, size, start, 0)
    path.write_bytes(data[:at] + more + end)
    return path


def make_control(folder: Path) -> Path:
    path = folder / "plain.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.py", HONEST)
        archive.writestr("package/__init__.py", "")
    return path
