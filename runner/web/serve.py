"""Run the service until it is asked to stop: open requests end first."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn

from runner.errors import HostNotReadyError, RunnerError
from runner.store.paths import uploads_folder
from runner.web.app import make_app
from runner.web.context import WebContext
from runner.web.intake.uploads import sweep_uploads
from runner.web.protocol import timed_protocol

_STOP_SECONDS: Final = 30
"""Which open requests may take after the service was asked to stop."""
_KEEP_ALIVE_SECONDS: Final = 15
_SWEEP_SECONDS: Final = 3600.0
_BACKLOG: Final = 1024
_HEADER_BYTES: Final = 32 << 10
_LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {"uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False}},
}
"""What goes wrong; requests are logged by the proxy, and nothing here writes a header of one."""


def serve(context: WebContext, ready: Callable[[str], object]) -> None:
    """Serve a competition until SIGTERM or SIGINT.

    Args:
        context: What all requests share.
        ready: Receives the address once connections are taken.

    Raises:
        HostNotReadyError: the address cannot be used.
    """
    settings = context.settings
    config = uvicorn.Config(
        make_app(context),
        http=timed_protocol(settings.header_seconds),
        ws="none",
        lifespan="off",
        log_config=_LOGGING,
        access_log=False,
        proxy_headers=settings.behind_proxy,
        forwarded_allow_ips="127.0.0.1,::1",
        server_header=False,
        date_header=True,
        limit_concurrency=settings.connections,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
        h11_max_incomplete_event_size=_HEADER_BYTES,
    )
    server = uvicorn.Server(config)
    with _listening(settings.host, settings.port) as listener, _sweeping(context):
        host, port = listener.getsockname()[:2]
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has stopped
            server.run(sockets=[listener])


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise HostNotReadyError(
            f"{host}:{port} cannot be used: {error.strerror or error}; choose another --port."
        ) from error
    with listener:
        yield listener


@contextmanager
def _sweeping(context: WebContext) -> Iterator[None]:
    """Remove what killed requests left, now and every hour."""
    stop = threading.Event()

    def sweep() -> None:
        while True:
            with contextlib.suppress(RunnerError, OSError):  # the next time will do
                needed = context.store.needed_uploads()
                sweep_uploads(uploads_folder(context.contest.store_folder), needed)
            if stop.wait(_SWEEP_SECONDS):
                return

    thread = threading.Thread(target=sweep, name="sweep-uploads", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
