"""A socket in front of the container engine's, for an engine that goes away and comes back."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path


class Proxy:
    """A socket in front of the engine's whose connections can be cut, as when the engine is restarted."""

    def __init__(self, place: Path, engine: str) -> None:
        self.place, self._engine = place, engine
        self._open: list[socket.socket] = []
        self._guard = threading.Lock()
        self._listener: socket.socket | None = None
        self.come_back()

    def come_back(self) -> None:
        """Listen."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.place))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def go_away(self) -> None:
        """Answer nobody any more, and cut every conversation."""
        assert self._listener is not None
        self.place.unlink()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = listener.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._engine)
                threading.Thread(target=self._converse, args=(client, server), daemon=True).start()

    def _converse(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on what each says until both have ended."""
        with client, server:
            with self._guard:
                self._open += [client, server]
            back = threading.Thread(target=self._pump, args=(server, client))
            back.start()
            self._pump(client, server)
            back.join()
            with self._guard:
                self._open.remove(client)
                self._open.remove(server)

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
