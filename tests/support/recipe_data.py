"""Small data in each recipe's format, made where the tests are."""

from __future__ import annotations

import gzip
import io
import pickle
import pickletools
import tarfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.paths import TEST_DATA

MNIST = TEST_DATA / "mnist-300"
"""30 real images of each digit, the first ones of MNIST's 10 000 held-out images."""
IMAGES, LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
PERSONS = 40
PIXELS = 3072


def mnist() -> dict[str, bytes]:
    return {name: (MNIST / name).read_bytes() for name in (IMAGES, LABELS)}


def unzipped() -> tuple[bytes, bytes]:
    """Return the two files without gzip."""
    found = mnist()
    return gzip.decompress(found[IMAGES]), gzip.decompress(found[LABELS])


def idx_head(*shape: int) -> bytes:
    return bytes((0, 0, 8, len(shape))) + np.array(shape, ">u4").tobytes()


def packed(**columns: NDArray[Any]) -> bytes:
    """Return columns as npz."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=True, **columns)
    return file.getvalue()


def own_arrays(examples: int = 200, *, channels: int = 3) -> dict[str, NDArray[Any]]:
    """Return images whose brightness tells the class, of 20 persons and four classes."""
    state = np.random.RandomState(5)
    labels = np.arange(examples) % 4
    noise = state.randint(0, 60, size=(examples, channels, 12, 12))
    images = (noise + 60 * labels[:, None, None, None]).clip(0, 255).astype(np.uint8)
    return {"image": images, "label": labels, "person": np.arange(examples) // 10}


def bitmap(pixels: NDArray[np.uint8]) -> bytes:
    """Return rows of RGB as a BMP file, the one picture format that is simple enough to write here."""
    height, width, _channels = pixels.shape
    body = np.ascontiguousarray(pixels[::-1, :, ::-1]).tobytes()
    assert width % 4 == 0, "rows would need padding"
    sizes = np.array([40, width, height], "<u4").tobytes()
    rest = np.array([0, len(body), 0, 0, 0, 0], "<u4").tobytes()
    start = np.array([54 + len(body), 0, 54], "<u4").tobytes()
    return b"BM" + start + sizes + np.array([1, 24], "<u2").tobytes() + rest + body


def faces(persons: int = PERSONS, each: int = 6) -> dict[str, bytes]:
    """Return the layout with ``Age_Gender.txt``: the older, the brighter."""
    state = np.random.RandomState(6)
    found: dict[str, bytes] = {}
    lines = []
    for person in range(persons):
        name, age = f"CLKJ_AS{person:04d}", 20 + person % 50
        lines.append(f"{name} {age} {'MF'[person % 2]}")
        for number in range(each):
            pixels = state.randint(0, 40, size=(32, 32, 3)) + 4 * (age - 20)
            found[f"Training/{name}/{number}.bmp"] = bitmap(pixels.astype(np.uint8))
    return {**found, "Age_Gender.txt": ("\n".join(lines) + "\n").encode()}


def tables(**changed: str) -> dict[str, bytes]:
    """Return the layout with four tables; a change is a further line of one of them."""
    found: dict[str, bytes] = {}
    for split, first in (("retain", 0), ("forget", 10), ("validation", 20), ("test", 30)):
        lines = ["image_id,age_group,age,person_id"]
        for person in range(first, first + 10):
            for number in range(2):
                lines.append(f"{person}-{number},{person % 10},{20 + person},{person}")
                pixels = np.full((32, 32, 3), 5 * person + number, np.uint8)
                found[f"images/{person}/{number}.png"] = bitmap(pixels)  # told by content, not by name
        found[f"{split}.csv"] = "\n".join([*lines, *filter(None, [changed.get(split)])]).encode()
    return found


def cifar_rows(examples: int = 100) -> tuple[NDArray[np.uint8], list[int]]:
    state = np.random.RandomState(7)
    labels = [row % 10 for row in range(examples)]
    return state.randint(0, 256, size=(examples, PIXELS)).astype(np.uint8), labels


def as_python_2(value: object) -> bytes:
    """Return the pickle that Python 2 would have written, with byte strings for text, as CIFAR-10's are."""
    pickled = pickle.dumps(value, protocol=3).replace(b"numpy._core", b"numpy.core")
    found = bytearray(pickled)
    opcodes = {"SHORT_BINBYTES": b"U", "BINBYTES": b"T", "BINUNICODE": b"T"}
    for opcode, _argument, position in pickletools.genops(pickled):
        if opcode.name in opcodes and position is not None:
            found[position : position + 1] = opcodes[opcode.name]
    found[1] = 2
    return bytes(found)


def cifar_python(batches: int = 2, extra: object = None) -> dict[str, bytes]:
    images, labels = cifar_rows()
    batch = as_python_2({b"data": images, b"labels": labels, b"extra": extra})
    names = [*(f"data_batch_{number + 1}" for number in range(batches)), "test_batch"]
    return {f"cifar-10-batches-py/{name}": batch for name in names}


def cifar_binary(batches: int = 2) -> dict[str, bytes]:
    images, labels = cifar_rows()
    batch = np.concatenate([np.array(labels, np.uint8)[:, None], images], axis=1).tobytes()
    names = [*(f"data_batch_{number + 1}" for number in range(batches)), "test_batch"]
    return {f"cifar-10-batches-bin/{name}.bin": batch for name in names}


def tarred(files: Mapping[str, bytes], mode: str = "w:gz") -> bytes:
    """Return files as an archive, with the folders that they are in and a page that nobody asked for."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo(next(iter(files)).partition("/")[0])
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in {**files, f"{folder.name}/readme.html": b"<html>"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()
