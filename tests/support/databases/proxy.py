"""A socket in front of a PostgreSQL server's that can lose the answer to a commit, which the server has done."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Final

_SOCKET: Final = ".s.PGSQL.5432"
_COMMIT: Final = b"COMMIT\0"
_PIECE: Final = 1 << 16


class LosingProxy:
    """Passes on what clients and the server say, but for answers that are to be lost."""

    def __init__(self, folder: Path, server: Path) -> None:
        """Listen in a folder, in front of the server that has its socket in another.

        Args:
            folder: Empty; the host of a URL that leads here.
            server: The host of a URL that leads to the server.
        """
        self.folder = folder
        self._server = server / _SOCKET
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _SOCKET))
        self._listener.listen(16)
        self._to_pass = self._to_lose = 0
        self.lost = 0
        """Commits that were done, and whose answers were lost."""
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def lose(self, answers: int, *, after: int = 0) -> None:
        """Lose the answers to some commits after the next ones, and the connections with them."""
        self._to_pass, self._to_lose = after, answers

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                threading.Thread(target=self._converse, args=(client,), name="proxy", daemon=True).start()

    def _converse(self, client: socket.socket) -> None:
        loses = threading.Event()
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(str(self._server))
            back = threading.Thread(
                target=self._answer, args=(server, client, loses), name="proxy", daemon=True
            )
            back.start()
            while data := client.recv(_PIECE):
                if _COMMIT in data and self._to_pass:
                    self._to_pass -= 1
                elif _COMMIT in data and self._to_lose:
                    self._to_lose -= 1
                    loses.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            back.join()

    def _answer(self, server: socket.socket, client: socket.socket, loses: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(_PIECE):
                if loses.is_set():
                    self.lost += 1  # the server has answered, so the commit is done
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)
