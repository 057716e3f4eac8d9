"""Read a form with a file piece by piece, so that memory holds one piece of it, whatever its size.

The form's fields come before the file, as browsers send them in the order of the page, so a form of another
session is refused before its file is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect

from runner.web.intake.body import pieces_of
from runner.web.problems import CLOSE, ProblemError

_FIELD_BYTES: Final = 4096
_FIELDS: Final = 8
OVERHEAD_BYTES: Final = 64 << 10
"""What a form may have besides its file."""


@dataclass(slots=True)
class FileForm:
    """A form up to the beginning of its file."""

    fields: dict[str, str]
    file_name: str
    pieces: AsyncIterator[bytes]
    """Of the file."""


class _Reader:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self.file: list[bytes] = []
        self.ended = False
        self._header = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._data = b""
        self._is_file = False

    def on_part_begin(self) -> None:
        self._headers, self._data, self._is_file = {}, b"", False
        self._header = self._value = b""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header = _bounded(self._header + data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value = _bounded(self._value + data[start:end])

    def on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""
        if len(self._headers) > _FIELDS:
            raise _bad_form()

    def on_headers_finished(self) -> None:
        _kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        file_name = options.get(b"filename")
        if file_name is not None:
            if self.file_name is not None:
                raise ProblemError(400, "Hand in one file at a time.", headers=CLOSE)
            self._is_file = True
            self.file_name = file_name.decode("utf-8", "replace")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.file.append(bytes(data[start:end]))
        else:
            self._data = _bounded(self._data + data[start:end])

    def on_part_end(self) -> None:
        if self._is_file:
            return
        if self.file_name is not None or len(self.fields) >= _FIELDS:  # a field after the file: not our form
            raise _bad_form()
        self.fields[self._name] = self._data.decode("utf-8", "replace")

    def on_end(self) -> None:
        self.ended = True


def _bounded(data: bytes) -> bytes:
    if len(data) > _FIELD_BYTES:
        raise _bad_form()
    return data


def _bad_form() -> ProblemError:
    return ProblemError(400, "This is no form of these pages; load the page again and repeat.", headers=CLOSE)


async def small_form(request: Request, *, fields: int = 4) -> FormData:
    """Return a form without files.

    Raises:
        ProblemError: it is none (415), or ends too early (400).
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise ProblemError(415, "Send the form of the page.", headers=CLOSE)
    try:
        return await request.form(max_files=0, max_fields=fields)
    except ClientDisconnect:
        raise ProblemError(400, "The connection ended before the form did.", headers=CLOSE) from None


async def read_file_form(request: Request) -> FileForm:
    """Return a form up to its file, whose pieces are read later.

    Raises:
        ProblemError: it is no such form (400, 415), or comes too slowly (408).
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise ProblemError(415, "Send the form of the page, as multipart/form-data.", headers=CLOSE)
    reader = _Reader()
    names = ("part_begin", "header_field", "header_value", "header_end", "headers_finished")
    callbacks = {
        f"on_{name}": getattr(reader, f"on_{name}") for name in (*names, "part_data", "part_end", "end")
    }
    try:
        parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]
    except FormParserError as error:
        raise _bad_form() from error
    source = pieces_of(request)

    async def more() -> bool:
        try:
            piece = await anext(source)
        except StopAsyncIteration:
            return False
        try:
            parser.write(piece)
        except FormParserError as error:
            raise _bad_form() from error
        return True

    while reader.file_name is None and await more():
        pass
    if reader.file_name is None:
        raise ProblemError(400, "Choose a file first.")

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            waiting, reader.file = reader.file, []
            for piece in waiting:
                yield piece
            if not await more():
                break
            await asyncio.sleep(0)
        for piece in reader.file:
            yield piece
        if not reader.ended:
            raise ProblemError(400, "The connection ended before the file did.", headers=CLOSE)

    return FileForm(fields=reader.fields, file_name=reader.file_name, pieces=pieces())
