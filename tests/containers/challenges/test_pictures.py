"""Pictures are decoded as they look, or refused by name: nothing is clipped, turned or dropped silently."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.container

SCRIPT = r"""
import io, json, struct
import numpy as np
from PIL import Image
from sandbox.recipes.api import RecipeError
from sandbox.recipes.pictures import decode_picture

SIDE = 32

def saved(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()

def result(name, data):
    try:
        pixels = decode_picture(name, data, SIDE)
    except RecipeError as error:
        return str(error)
    assert pixels.shape == (3, SIDE, SIDE) and pixels.dtype == np.uint8
    return [[int(pixels[0, y, x]) for x in (2, -3)] for y in (2, -3)]

ramp = np.linspace(0, 65535, SIDE * SIDE).reshape(SIDE, SIDE)
grey = Image.fromarray((ramp / 257).astype(np.uint8))
corner = np.zeros((SIDE, SIDE, 3), np.uint8)
corner[:16, :16] = 250  # bright at the top left
corner[:8, 16:] = 90  # and a grey bar beside it, so that a picture and its mirror image differ
corner = Image.fromarray(corner)
with_alpha = corner.convert("RGBA")
half = with_alpha.copy()
half.putalpha(128)
key = corner.convert("P")
results = {
    "8": result("8.png", saved(grey, "PNG")),
    "16": result("16.png", saved(Image.fromarray(ramp.astype(np.uint16)), "PNG")),
    "16 tiff": result("16.tif", saved(Image.fromarray(ramp.astype(np.uint16)), "TIFF")),
    "16 big-endian": result("16.tif", saved(Image.fromarray(ramp.astype(">u2")), "TIFF")),
    "16 pgm": result("16.pgm", b"P5 32 32 65535\n" + ramp.astype(">u2").tobytes()),
    "32": result("32.tif", saved(Image.fromarray(ramp.astype(np.int32)), "TIFF")),
    "float": result("float.tif", saved(Image.fromarray(ramp.astype(np.float32)), "TIFF")),
    "opaque": result("opaque.png", saved(with_alpha, "PNG")),
    "transparent": result("half.png", saved(half, "PNG")),
    "key": result("key.png", saved(key, "PNG", transparency=key.getpixel((0, 0)))),
    "frames": result("moves.gif", saved(corner, "GIF", save_all=True, append_images=[grey.convert("RGB")])),
    "preview": result("camera.jpg", saved(corner, "MPO", save_all=True, append_images=[corner])),
    "nothing": result("nothing.png", b""),
    "cut": result("cut.png", saved(corner, "PNG")[:-40]),
}
for kind in ("GIF", "WEBP", "TIFF", "AVIF", "BMP", "JPEG2000"):
    results[kind] = result(f"a.{kind}", saved(corner, kind, **({"lossless": True} if kind == "WEBP" else {})))
for number in range(0, 10):
    exif = Image.Exif()
    exif[0x0112] = number
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        results[f"{kind} {number}"] = result("turned", saved(corner, kind, exif=exif))
damaged = saved(corner, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01\x12\0\x03")
results["damaged exif"] = result("damaged", damaged)
print(json.dumps(results))
"""

RAMP = [[16, 23], [232, 239]]
PLACES = {
    "top left": (0, 0),
    "top right": (0, 1),
    "bottom right": (1, 1),
    "bottom left": (1, 0),
}
UPRIGHT = ("top left", "top right")
CORNERS = {
    2: ("top right", "top left"),
    3: ("bottom right", "bottom left"),
    4: ("bottom left", "bottom right"),
    5: ("top left", "bottom left"),
    6: ("top right", "bottom right"),
    7: ("bottom right", "top right"),
    8: ("bottom left", "top left"),
}
"""Where the bright and the grey corner are with each orientation; other numbers mean nothing."""


@pytest.fixture(scope="module")
def decoded(in_image: Callable[[str], str]) -> dict[str, Any]:
    """Return what each picture became: four pixels, or a refusal."""
    results: dict[str, Any] = json.loads(in_image(SCRIPT))
    return results


def corners(pixels: list[list[int]]) -> tuple[str, str]:
    """Return the names of the bright and of the grey corner."""
    by_value = sorted(PLACES, key=lambda name: -pixels[PLACES[name][0]][PLACES[name][1]])
    return by_value[0], by_value[1]


@pytest.mark.parametrize("kind", ["8", "16", "16 tiff", "16 big-endian", "16 pgm"])
def test_values_of_16_bits_are_scaled(decoded: dict[str, Any], kind: str) -> None:
    """A ramp stays a ramp from black to white, in any format that has 16 bits."""
    for row, expected_row in zip(decoded[kind], RAMP, strict=True):
        for value, expected in zip(row, expected_row, strict=True):
            assert abs(value - expected) <= 1


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("32", "32.tif has pixels of 32 bits"),
        ("float", "float.tif has pixels of 32 bits"),
        ("transparent", "half.png is transparent in places"),
        ("key", "key.png is transparent in places"),
        ("frames", "moves.gif holds 2 pictures"),
        ("nothing", "nothing.png cannot be read as an image"),
        ("cut", "cut.png cannot be read as an image"),
    ],
)
def test_what_cannot_be_shown_is_refused(decoded: dict[str, Any], kind: str, words: str) -> None:
    """The file and the reason are named."""
    assert str(decoded[kind]).startswith(words)


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_orientation_of_a_camera_is_applied(decoded: dict[str, Any], kind: str, orientation: int) -> None:
    """Every picture becomes upright, once, in each format that stores an orientation."""
    assert corners(decoded[f"{kind} {orientation}"]) == CORNERS.get(orientation, UPRIGHT)


@pytest.mark.parametrize(
    "kind", ["opaque", "preview", "damaged exif", "GIF", "WEBP", "TIFF", "AVIF", "BMP", "JPEG2000"]
)
def test_other_pictures_stay_as_they_are(decoded: dict[str, Any], kind: str) -> None:
    """In every format that is read by its ending, and in those with harmless extras."""
    assert corners(decoded[kind]) == UPRIGHT
