"""Decode picture files to bytes without changing what they show.

Values of 16 bits are scaled to 8, and the orientation that a camera stored is applied. A picture that has no
faithful form as 8-bit colours (floats, transparent places, several frames) is refused.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sandbox.recipes.api import RecipeError

if TYPE_CHECKING:
    from PIL import Image

_MAX_PIXELS: Final = 1 << 27
_ORIENTATION: Final = 0x0112
"""EXIF's tag: how the picture must be turned to be upright."""
_SIXTEEN_BITS_AS_INTEGERS: Final = ("PNG", "PPM")
"""Formats whose mode ``I`` has values up to 65535."""
_SINGLE_PICTURE: Final = ("MPO",)
"""Formats of cameras whose further frames are previews of the first."""


def decode_picture(path: str, data: bytes, side: int) -> NDArray[np.uint8]:
    """Return a picture as bytes, [3, side, side]; pictures of other sizes are resized.

    Raises:
        RecipeError: it cannot be decoded, or not without losing what it shows.
    """
    from PIL import Image  # noqa: PLC0415 - installed in the image only, and used by this module only

    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > _MAX_PIXELS:
                raise RecipeError(f"{path} has too many pixels ({opened.width}x{opened.height})")
            frames = getattr(opened, "n_frames", 1)
            if frames > 1 and opened.format not in _SINGLE_PICTURE:
                raise RecipeError(f"{path} holds {frames} pictures; save one of them")
            opened.load()
            pixels = _upright(_eight_bits(path, opened), _orientation(opened))
    except RecipeError:
        raise
    except Image.DecompressionBombError as error:
        raise RecipeError(f"{path} has too many pixels") from error
    except (OSError, SyntaxError, EOFError, ValueError) as error:
        raise RecipeError(f"{path} cannot be read as an image") from error
    if pixels.size != (side, side):
        pixels = pixels.resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(pixels, np.uint8).transpose(2, 0, 1)


def _eight_bits(path: str, picture: Image.Image) -> Image.Image:
    """Return a decoded picture as 8-bit RGB."""
    from PIL import Image  # noqa: PLC0415 - see decode_picture

    mode = picture.mode
    if mode.startswith("I;16") or (mode == "I" and picture.format in _SIXTEEN_BITS_AS_INTEGERS):
        values = np.asarray(picture).astype(np.int64)
        grey = ((values + 128) // 257).clip(0, 255).astype(np.uint8)  # 65535 becomes 255
        return Image.fromarray(grey).convert("RGB")
    if mode in ("I", "F"):
        raise RecipeError(f"{path} has pixels of 32 bits, of unknown range; save it with 8 or 16 bits")
    if picture.has_transparency_data:
        opacity = np.asarray(picture.convert("RGBA"))[..., 3]
        if opacity.min() < np.iinfo(np.uint8).max:
            raise RecipeError(f"{path} is transparent in places; save it with a background")
    return picture.convert("RGB")


def _orientation(picture: Image.Image) -> int:
    """Return EXIF's number from 1 (upright) to 8; 1 where it is missing, damaged or not a number."""
    try:
        number = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - of damaged EXIF data, which say nothing about the picture
        return 1
    return number if isinstance(number, int) else 1


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    """Return a picture turned as its EXIF orientation says."""
    from PIL.Image import Transpose  # noqa: PLC0415 - see decode_picture

    turn = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)
    return picture if turn is None else picture.transpose(turn)
