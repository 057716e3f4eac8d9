"""PostgreSQL: connections, one writer at a time, the clock of the server, and waiting for a restart.

The name of the user, the password and all else may come from where libpq looks for it: the URL, `PGUSER` and
the like, ``~/.pgpass``, ``pg_service.conf``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import OperationalError

from runner.errors import HostNotReadyError

_WRITER_LOCK: Final = 7_165_893_014_215_406
"""Of the advisory lock that a writing transaction holds; any number that nothing else uses."""
_DEFAULTS: Final = {
    "application_name": "unlearn",
    "connect_timeout": "10",
    # A connection that a network cut is noticed after a minute.
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "4",
    "tcp_user_timeout": "60000",
}
"""Settings of libpq, where the URL has none."""
_IDLE_SECONDS: Final = 60
"""After which the server ends the transaction of a suspended process, and so frees its lock."""
_PAUSE_SECONDS: Final = 0.2


def server_engine(url: URL, busy_seconds: float) -> Engine:
    """Return the engine of a database.

    Args:
        url: Of the database; ``options`` in it are kept.
        busy_seconds: How long a statement waits for the lock of another process.

    Raises:
        HostNotReadyError: the driver is not installed.
    """
    if find_spec("psycopg") is None:
        raise HostNotReadyError(
            "A store in PostgreSQL needs psycopg; install it with: pip install 'unlearn[postgres]'"
        )
    options = url.query.get("options", "")
    settings = (
        "-c TimeZone=UTC -c client_encoding=UTF8 -c client_min_messages=warning "
        f"-c lock_timeout={round(busy_seconds * 1000)} "
        f"-c idle_in_transaction_session_timeout={_IDLE_SECONDS * 1000}"
    )
    query = {name: value for name, value in _DEFAULTS.items() if name not in url.query}
    query["options"] = f"{options if isinstance(options, str) else ' '.join(options)} {settings}".strip()
    # A connection is tested before it is used: the server may have been restarted since.
    try:
        engine = create_engine(
            url.update_query_dict(query), pool_pre_ping=True, hide_parameters=True, use_native_hstore=False
        )
    except ImportError as error:  # without the library of PostgreSQL, which psycopg[binary] contains
        raise HostNotReadyError(f"psycopg cannot be used: {str(error).splitlines()[0]}.") from error
    event.listen(engine, "begin", _begin_transaction)
    return engine


def reading_engine(engine: Engine) -> Engine:
    """Return the same engine with transactions that see one state of the database and cannot write."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def connected(connect: Callable[[], Connection], seconds: float) -> Connection:
    """Return a connection; wait for a server that is being restarted.

    Args:
        connect: Opens it.
        seconds: How long to wait.

    Raises:
        OperationalError: the server does not answer in this time.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return connect()
        except OperationalError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_PAUSE_SECONDS)


def server_time(connection: Connection) -> float:
    """Return seconds since 1970 by the server's clock, which is the same for all machines."""
    return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())


def server_version(connection: Connection) -> str:
    """Return the version of the server, such as ``15.18``."""
    return str(connection.execute(text("SHOW server_version")).scalar_one()).split(" ", maxsplit=1)[0]


def _begin_transaction(connection: Connection) -> None:
    """Let a transaction that writes wait until no other one does, unless both share the lock."""
    writes = connection.get_execution_options().get("writes")
    if writes is not None:
        function = "pg_advisory_xact_lock_shared" if writes == "sharing" else "pg_advisory_xact_lock"
        connection.exec_driver_sql(f"SELECT {function}({_WRITER_LOCK})")
