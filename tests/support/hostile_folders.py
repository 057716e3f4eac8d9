"""Changes of a challenge's folder, each of which a stranger could have made; its hashes are made to fit."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import tomli_w
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save

from runner.challenge.layout import DESCRIPTION_FILE
from runner.challenge.outputs import OUTPUT_NAMES
from runner.parsers.npz import pack_npz, unpack_npz

Change = Callable[[Path], object]

ESCAPE: Final = "\x1b]0;owned\x07\x1b[2J\u202e[red]"


def describe(folder: Path, **changes: Any) -> None:
    """Change the description; `limits__cpus` is the cpus of its limits. Hashes are made to fit."""
    fields = tomllib.loads((folder / DESCRIPTION_FILE).read_text())
    for name, value in changes.items():
        *tables, last = name.split("__")
        inner = fields
        for table in tables:
            inner = inner[table]
        inner[last] = value
    for name in fields["files"]:
        fields["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / DESCRIPTION_FILE).write_text(tomli_w.dumps(fields))


def with_fields(**changes: Any) -> Change:
    return lambda folder: describe(folder, **changes)


def with_content(name: str, data: bytes | Callable[[bytes], bytes]) -> Change:
    """Return a change of what a file holds, with a description that fits it."""

    def change(folder: Path) -> None:
        file = folder / name
        file.write_bytes(data if isinstance(data, bytes) else data(file.read_bytes()))
        if name != DESCRIPTION_FILE:
            describe(folder)

    return change


def replaced_by(name: str, put: Callable[[Path], object]) -> Change:
    """Return a change of a file into something that is none."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        put(folder / name)

    return change


def sparse(file: Path) -> None:
    file.touch()
    os.truncate(file, 1 << 40)


def outside(file: Path) -> None:
    (file.parent.parent.parent / "secret").write_text("what is mine")
    file.symlink_to("../../secret")


def zipped(compression: int = zipfile.ZIP_STORED, offset: int | None = None, **members: bytes) -> bytes:
    """Return an archive; with ``offset`` its last member claims to lie there."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
        begin = archive.start_dir
    data = packed.getvalue()
    if offset is None:
        return data
    last = b"logits.npy"
    entry = bytearray(data[begin : begin + 46])
    struct.pack_into("<H", entry, 30, 12)
    struct.pack_into("<I", entry, 42, 0xFFFFFFFF)
    entry += last + struct.pack("<HHQ", 1, 8, offset)
    return data[:begin] + entry + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), begin, 0)


def changed_references(**changes: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        arrays = unpack_npz(data, OUTPUT_NAMES)
        for name, alter in changes.items():
            alter(arrays[name])
        return pack_npz(**arrays)

    return change


def object_array() -> bytes:
    packed = io.BytesIO()
    np.save(packed, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return zipped(logits=packed.getvalue(), correct=b"", unseen_losses=b"")


def header(text: str | bytes, *, length: int | None = None) -> Callable[[bytes], bytes]:
    """Return a change of the header of safetensors; ``length`` is what it claims to be."""
    raw = text.encode() if isinstance(text, str) else text
    return lambda data: struct.pack("<Q", len(raw) if length is None else length) + raw + data[-64:]


def one_column(name: str, shape: list[int]) -> str:
    return json.dumps({name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 64]}})


def not_a_number(data: bytes) -> bytes:
    tensors = {name: value.copy() for name, value in load_safetensors(data).items()}
    tensors["image"].reshape(-1)[0] = np.nan
    return save(tensors)
