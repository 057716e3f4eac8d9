"""HTTP/1.1 of uvicorn, with a time limit for the headers of a request, which uvicorn itself has not."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


def timed_protocol(header_seconds: float) -> type[H11Protocol]:
    """Return the protocol; a connection ends whose request line and headers take longer.

    Args:
        header_seconds: From the connection, or from the first byte of a further request on it.
    """

    class TimedProtocol(H11Protocol):
        """Closes a connection that sends its headers too slowly, or none."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is h11.IDLE:
                self._wait()
            else:
                self._wait_no_more()

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            super().connection_lost(exc)

        def _wait(self) -> None:
            if self._timer is None:
                self._timer = self.loop.call_later(header_seconds, self.transport.close)

        def _wait_no_more(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return TimedProtocol
