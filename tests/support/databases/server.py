"""A PostgreSQL server of its own for tests: Debian's binaries, a temporary folder, a Unix socket and nothing else.

It refuses to run as root, so root starts it as ``nobody``. It ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg

from runner.store.databases.address import StoreAddress, write_address
from runner.store.store import Store

OWNER: Final = "unlearn"
"""An ordinary user of the database, who may create databases and nothing else."""
_DISCONNECT: Final = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
_EMPTY: Final = """
DO $$ DECLARE item text; BEGIN
    SET LOCAL session_replication_role = replica;  -- without triggers and foreign keys
    FOR item IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
        LOOP EXECUTE format('DELETE FROM %I', item); END LOOP;
    FOR item IN SELECT sequencename FROM pg_sequences
        LOOP EXECUTE format('ALTER SEQUENCE %I RESTART', item); END LOOP;
END $$
"""
_START_SECONDS: Final = 30.0
_SETTINGS: Final = {
    "listen_addresses": "",
    "fsync": "off",  # the machine does not lose power in a test
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "250",
    "autovacuum": "off",
}


def binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL; None if none is installed."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if folders:
        return folders[-1]
    found = shutil.which("postgres")
    return None if found is None else Path(found).parent


class Server:
    """A server in a temporary folder. Its databases order text as people do, and not by code points."""

    def __init__(self, bin_folder: Path, **settings: str) -> None:
        self.binaries, self._settings = bin_folder, {**_SETTINGS, **settings}
        self.folder = Path(tempfile.mkdtemp(prefix="unlearn-postgresql-"))
        self._numbers = count()
        self._process: subprocess.Popen[bytes] | None = None
        self._with_tables: str | None = None
        self._unused: list[str] = []
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            self._as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
            shutil.chown(self.folder, "nobody", "nogroup")
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync", "--no-instructions"]
        locale = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en"]
        self._run("initdb", "-D", str(self.folder / "data"), *options, *locale)
        self.start()
        self.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB", user="postgres")

    def _run(self, program: str, *words: str) -> None:
        command = [*self._as_user, str(self.binaries / program), *words]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start it and wait until it answers."""
        prefix = [*(self._as_user or ["setpriv"]), "--pdeathsig", "INT"]
        settings = {**self._settings, "unix_socket_directories": str(self.folder)}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, str(self.binaries / "postgres"), "-D", str(self.folder / "data"), *words],
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
        self.await_answer()

    def await_answer(self) -> None:
        """Wait until it answers."""
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.execute("SELECT 1", user="postgres")
            except psycopg.OperationalError:
                assert self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, "PostgreSQL does not start"
                time.sleep(0.02)
            else:
                return

    @property
    def is_running(self) -> bool:
        """Return whether its process has not ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``fast`` ends its connections, ``immediate`` is as if it were killed."""
        self._run("pg_ctl", "stop", "-D", str(self.folder / "data"), "-m", mode)
        assert self._process is not None
        self._process.wait()

    def kill(self) -> None:
        """Kill all of its processes at once, as ``kill -9`` does; `start` starts it again."""
        assert self._process is not None
        server = psutil.Process(self._process.pid)
        processes = [server, *server.children()]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        psutil.wait_procs(processes, timeout=_START_SECONDS)

    def backends(self) -> list[int]:
        """Return the processes that serve connections of stores at the moment."""
        query = f"SELECT pid FROM pg_stat_activity WHERE usename = '{OWNER}'"
        return [int(row[0]) for row in self.execute(query, user="postgres")]

    def remove(self) -> None:
        """Stop it and delete all of it."""
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql+psycopg://{OWNER}@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres", *, user: str = OWNER) -> psycopg.Connection[Any]:
        """Return a connection without transactions."""
        return psycopg.connect(host=str(self.folder), dbname=database, user=user, autocommit=True)

    def execute(self, statement: str, database: str = "postgres", *, user: str = OWNER) -> list[Any]:
        """Execute a statement and return its rows."""
        with closing(self.connect(database, user=user)) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description is not None else []

    def new_database(self, template: str = "template0") -> str:
        """Return the name of a new database: empty, or a copy."""
        name = f"store_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def new_store(self) -> str:
        """Return the name of a database that has the tables of a store, and no rows."""
        if self._unused:
            return self._unused.pop()
        if self._with_tables is None:
            self._with_tables = self.new_database()
            Store(self.url(self._with_tables)).close()
        return self.new_database(self._with_tables)

    def release(self, database: str) -> None:
        """Empty a database for the next who needs one: a hundredth of the time that a new one takes."""
        self.execute(_DISCONNECT.format(database=database), user="postgres")
        self.execute(_EMPTY, database, user="postgres")
        self._unused.append(database)

    def prepare(self, folder: Path) -> str:
        """Let a folder have its rows in a new database, and return its name."""
        name = self.new_store()
        self.adopt(folder, name)
        return name

    def adopt(self, folder: Path, database: str) -> None:
        """Let a folder have its rows in a database; they are one store from now on."""
        write_address(folder, StoreAddress(database=self.url(database)))


@contextmanager
def running_server(bin_folder: Path, **settings: str) -> Iterator[Server]:
    """Yield a server with settings of its own."""
    server = Server(bin_folder, **settings)
    try:
        yield server
    finally:
        server.remove()
