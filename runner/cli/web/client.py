"""Use a competition's API: hand in, and follow an entry. Each of its requests may be repeated.

Every request carries the token in a header, goes to the server that was named, and follows no redirection:
the token reaches nobody else. What a server answers is untrusted text until it is sanitized.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from typing import BinaryIO, Final, TypeVar
from urllib.parse import quote, urlsplit

import requests
from pydantic import BaseModel, ValidationError
from requests.auth import AuthBase

from runner.errors import ConfigurationError, HostNotReadyError
from runner.sanitize import sanitize_line
from runner.web.settings import is_local

ATTEMPTS: Final = 6
_FIRST_DELAY_SECONDS: Final = 1.0
_MAX_DELAY_SECONDS: Final = 30.0
_TIMEOUT_SECONDS: Final = (10.0, 120.0)
"""To connect, and between two parts of the answer."""
_SENTENCE_CHARACTERS: Final = 500
_NO_SERVER: Final = "does not answer as a competition's server does; check the address given with --server."


class Allowance(BaseModel):
    """What the team may still hand in."""

    may_hand_in: bool
    refusal: str | None = None


class PhaseAnswer(BaseModel):
    """What is needed to know of a phase before something is sent."""

    max_bytes: int
    allowance: Allowance | None = None


class EntryAnswer(BaseModel):
    """An entry."""

    id: int
    state: str
    position: int | None = None
    starts_in_seconds: float | None = None
    score: float | None = None
    reason: str = ""


class HandInAnswer(BaseModel):
    """An entry that was handed in, and what remains."""

    entry: EntryAnswer
    is_new: bool
    remaining: int | None = None
    resets_at: str | None = None


Answer = TypeVar("Answer", bound=BaseModel)


class _Bearer(AuthBase):
    """Puts the token into the header; as `auth`, so that no ``.netrc`` replaces it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def checked_server(text: str) -> str:
    """Return the origin of a server.

    Raises:
        ConfigurationError: it is none, or others could read the token on the way.
    """
    parts = urlsplit(text.rstrip("/"))
    try:
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigurationError(
            "--server must be an address such as https://contest.example, without a path."
        )
    if parts.scheme == "http" and not is_local(parts.hostname or ""):
        raise ConfigurationError(
            "--server must begin with https://, since others could read your token otherwise."
        )
    return f"{parts.scheme}://{parts.netloc}"


class _Body(io.BytesIO):
    """The bytes of one request, read as they are sent."""

    def __init__(self, data: bytes, sent: Callable[[int], object]) -> None:
        super().__init__(data)
        self._sent = sent

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self._sent(self.tell())
        return piece


class CompetitionClient:
    """The API of one server, for one token."""

    def __init__(
        self,
        server: str,
        token: str,
        *,
        report: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Connect to nothing yet.

        Args:
            server: From `checked_server`.
            token: Of a team.
            report: Is told of each request that is repeated.
            sleep: Waits for a number of seconds.
        """
        self._server, self._report, self._sleep = server, report, sleep
        self._session = requests.Session()
        self._session.auth = _Bearer(token)

    def phase(self, name: str) -> PhaseAnswer:
        """Return what is known of a phase.

        Raises:
            ConfigurationError: the server refuses the request: no such phase, or no valid token.
            HostNotReadyError: the server cannot be reached, or answers something else.
        """
        return self._ask(PhaseAnswer, "GET", f"phases/{quote(name, safe='')}")

    def hand_in(
        self,
        phase: str,
        file_name: str,
        data: bytes,
        *,
        key: str,
        sent: Callable[[int], object] = lambda _bytes: None,
    ) -> HandInAnswer:
        """Hand in a file; with one key it is one entry, however often the request is repeated.

        Args:
            phase: Name of the phase.
            file_name: What the team sees.
            data: The bytes.
            key: A random word of this file.
            sent: Is told how many bytes have left, from 0 on again where the request is repeated.

        Raises:
            ConfigurationError: the server refuses it, such as for a quota.
            HostNotReadyError: the server cannot be reached, or answers something else.
        """
        return self._ask(
            HandInAnswer,
            "PUT",
            f"phases/{quote(phase, safe='')}/entries",
            params={"file_name": file_name},
            body=lambda: _Body(data, sent),
            headers={"Idempotency-Key": key, "Content-Type": "application/octet-stream"},
        )

    def entry(self, number: int) -> EntryAnswer:
        """Return an entry of the team.

        Raises:
            ConfigurationError: the server refuses the request.
            HostNotReadyError: the server cannot be reached, or answers something else.
        """
        return self._ask(EntryAnswer, "GET", f"entries/{number}")

    def _ask(
        self,
        kind: type[Answer],
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Callable[[], BinaryIO | None] = lambda: None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer; connections that are lost and faults of the server are tried again."""
        delay = _FIRST_DELAY_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            try:
                response = self._session.request(
                    method,
                    f"{self._server}/api/v1/{path}",
                    params=params,
                    data=body(),
                    headers=headers,
                    timeout=_TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
            except requests.exceptions.SSLError as error:
                raise HostNotReadyError(
                    f"{self._server} does not prove that it is this server: its certificate is not valid."
                ) from error
            except (
                requests.exceptions.ConnectionError,
                requests.exceptions.Timeout,
                requests.exceptions.ChunkedEncodingError,
            ):
                fault = "cannot be reached"
            except requests.exceptions.RequestException as error:
                raise HostNotReadyError(f"{self._server} {_NO_SERVER}") from error
            else:
                if response.status_code < 500:
                    return self._read(kind, response)
                fault = f"has a fault (status {response.status_code})"
            if attempt < ATTEMPTS:
                self._report(f"{self._server} {fault}; trying again in {delay:.0f} s")
                self._sleep(delay)
                delay = min(2 * delay, _MAX_DELAY_SECONDS)
        raise HostNotReadyError(
            f"{self._server} {fault}; repeat the command later. "
            "Within ten minutes the same file is not counted twice."
        )

    def _read(self, kind: type[Answer], response: requests.Response) -> Answer:
        if response.ok and not response.is_redirect:
            try:
                return kind.model_validate_json(response.content)
            except ValidationError as error:
                raise HostNotReadyError(f"{self._server} {_NO_SERVER}") from error
        try:
            detail = response.json()["detail"]
        except (ValueError, KeyError, TypeError):
            detail = None
        if not isinstance(detail, str):
            raise HostNotReadyError(f"{self._server} {_NO_SERVER}")
        raise ConfigurationError(f"Refused: {sanitize_line(detail, _SENTENCE_CHARACTERS)}")
