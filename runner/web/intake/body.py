"""Read the body of a request into a file, of the declared length.

Memory holds one piece of a body at a time, whatever its length: the server reads no further until it is
written.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import AsyncIterator
from typing import BinaryIO, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from runner.units import size_text
from runner.web.problems import CLOSE, ProblemError

_PIECE_BYTES: Final = 1 << 20
_DIGITS: Final = 18


def declared_length(request: Request, *, most: int, what: str) -> int:
    """Return the length that a request declares for its body.

    Args:
        request: Of which nothing but the headers was read.
        most: The largest that is taken, in bytes.
        what: Who allows no more, for the message.

    Raises:
        ProblemError: it declares none (411), is empty (400), or too large (413).
    """
    text = request.headers.get("content-length", "")
    if "transfer-encoding" in request.headers or not text:
        raise ProblemError(411, "State the length of the file in the header Content-Length.", headers=CLOSE)
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
        raise ProblemError(400, "The header Content-Length is no number.", headers=CLOSE)
    length = int(text)
    if length == 0:
        raise ProblemError(400, "The file is empty.")
    if length > most:
        raise ProblemError(
            413,
            f"The file has {length} bytes, and {what} allows {size_text(most)}. Leave out what "
            "unlearning does not need, such as data and trained networks.",
            headers=CLOSE,
        )
    return length


async def write_pieces(
    pieces: AsyncIterator[bytes], file: BinaryIO, length: int | None, *, spare_bytes: int = 0
) -> str:
    """Write pieces to a file; return the SHA-256 of all of them.

    Args:
        pieces: In their order.
        file: Where they are written.
        length: Of all together, in bytes; None where another limit holds.
        spare_bytes: Of the disk, which must remain free, whatever else is uploaded meanwhile.

    Raises:
        ProblemError: there are more or fewer bytes.
        OSError: the file cannot be written.
    """
    digest, size, waiting = hashlib.sha256(), 0, bytearray()

    def write(data: bytes) -> None:
        disk = os.fstatvfs(file.fileno())
        if disk.f_bavail * disk.f_frsize - len(data) < spare_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        digest.update(data)
        file.write(data)

    async for piece in pieces:
        size += len(piece)
        if length is not None and size > length:
            raise ProblemError(400, "The body is longer than its Content-Length.", headers=CLOSE)
        waiting += piece
        if len(waiting) >= _PIECE_BYTES:
            await run_in_threadpool(write, bytes(waiting))
            waiting.clear()
    if length is not None and size != length:
        raise ProblemError(400, "The body is shorter than its Content-Length.", headers=CLOSE)
    await run_in_threadpool(write, bytes(waiting))
    return digest.hexdigest()


async def pieces_of(request: Request) -> AsyncIterator[bytes]:
    """Yield the body of a request piece by piece; `runner.web.middleware.BodyLimits` limits how slowly.

    Raises:
        ProblemError: it is too slow (408), or ends too early (400).
    """
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise ProblemError(400, "The connection ended before the file did.", headers=CLOSE) from None
