"""Machines of a Ray cluster: a head, and nodes in namespaces that are started again when they end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

import psutil

from benchmarks.scale.faults.network import Network, processes_in
from tests.support.cluster.ray_cluster import ENVIRONMENT
from tests.support.paths import ROOT

RESTART_SECONDS: Final = 5.0
"""After which a service manager starts Ray again, as deploy/unlearn-ray-node.service states it."""
_STORE_BYTES: Final = 80 << 20
_LOOK_SECONDS: Final = 0.5
_STAGGER_SECONDS: Final = 4.0
"""Between the first starts of two machines: all at once are too much for two cores."""
_END_SECONDS: Final = 20.0
_START_SECONDS: Final = 120.0
_CURRENT: Final = Path("/tmp/ray/ray_current_cluster")
_RAY: Final = (sys.executable, "-m", "ray.scripts.scripts", "start", "--block")
_WITH_RAY_FOLDER: Final = 'mount --bind "$0" /tmp/ray && exec "$@"'
"""Each machine has a folder of its own for Ray: `ip netns exec` gives it its own mounts."""


class Head:
    """Ray's head on this machine, which executes nothing."""

    def __init__(self, address: str, log: Path) -> None:
        self._log = log
        with socket.socket() as free:
            free.bind((address, 0))
            self._host, self._port = address, free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Return where it listens."""
        return f"{self._host}:{self._port}"

    def start(self) -> None:
        """Start it, again if need be, and wait until it listens."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            if self._process is None or self._process.poll() is not None:
                self._process = self._spawn()
            with (
                contextlib.suppress(OSError),
                socket.create_connection((self._host, self._port), timeout=1.0),
            ):
                return
            if time.monotonic() > deadline:
                raise SystemExit(f"Ray's head does not start; see {self._log}.")
            time.sleep(0.2)

    def _spawn(self) -> subprocess.Popen[bytes]:
        with contextlib.suppress(OSError):  # Ray would take other machines' processes for its own
            if self.address in _CURRENT.read_text():
                _CURRENT.unlink()
        words = (f"--node-ip-address={self._host}", f"--port={self._port}", "--num-cpus=0")
        options = ("--head", "--include-dashboard=false", f"--object-store-memory={_STORE_BYTES}")
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*_RAY, *words, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
            )

    def kill(self) -> None:
        """Kill all of its processes."""
        if self._process is None:
            return
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._process.pid)
            killed = [process, *process.children(recursive=True)]
            for each in killed:
                with contextlib.suppress(psutil.Error):
                    each.kill()
            psutil.wait_procs(killed, timeout=_END_SECONDS)  # one that still listens is no head
        self._process.wait()
        self._process = None


class Machine:
    """A node in a namespace. Its methods are called by any thread."""

    def __init__(self, network: Network, number: int, folder: Path, head: str, *, engine: str = "") -> None:
        """Prepare.

        Args:
            network: To which it is connected.
            number: From 1.
            folder: Of its own.
            head: Address of Ray's head.
            engine: Address of its container engine; empty for this machine's.
        """
        self._network, self.number, self._folder, self._head = network, number, folder, head
        self.namespace, self.address = network.add_machine(number)
        self._environment = {
            "XDG_CACHE_HOME": str(folder / "cache"),
            **({"DOCKER_HOST": engine} if engine else {}),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._start_at = time.monotonic() + number * _STAGGER_SECONDS
        self.is_stopped = False
        """Whether it is not to be started again."""
        self.is_away = False
        """Whether it is suspended or cut off, and so is not to be disturbed by anything else."""

    def look(self) -> None:
        """Start Ray, if it has ended some seconds ago."""
        if self.is_stopped or self.is_away:
            return
        if self._process is not None and self._process.poll() is not None:
            self._process, self._start_at = None, time.monotonic() + RESTART_SECONDS
        if self._process is None and time.monotonic() >= self._start_at:
            self.kill()  # what the last one has left
            self._process = self._spawn()

    def kill(self) -> None:
        """Kill all processes at once, as if the machine had lost power."""
        deadline = time.monotonic() + _END_SECONDS
        while (numbers := processes_in(self.namespace)) and time.monotonic() < deadline:
            self.signal(signal.SIGKILL, numbers)
            time.sleep(0.1)
            if self._process is not None:
                self._process.poll()  # or it would stay in the list as a zombie

    def suspend(self) -> None:
        """Let all processes stand still."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let all processes go on."""
        self.signal(signal.SIGCONT)

    def cut(self) -> None:
        """Cut its network off."""
        self._network.cut(self.number)

    def heal(self) -> None:
        """Connect its network again."""
        self._network.heal(self.number)

    def signal(self, number: signal.Signals, processes: list[int] | None = None) -> None:
        """Send a signal to its processes."""
        for each in processes_in(self.namespace) if processes is None else processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, number)

    def actors(self, name: str) -> list[int]:
        """Return the processes of actors of a class."""
        found = []
        for number in processes_in(self.namespace):
            with contextlib.suppress(psutil.Error):
                if psutil.Process(number).cmdline()[:1][0].startswith(name):
                    found.append(number)
        return found

    def _spawn(self) -> subprocess.Popen[bytes]:
        own = self._folder / "ray"
        own.mkdir(parents=True, exist_ok=True)
        Path("/tmp/ray").mkdir(exist_ok=True)  # over which the other is mounted
        words = (f"--address={self._head}", f"--node-ip-address={self.address}", "--num-cpus=1")
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [
                    *("ip", "netns", "exec", self.namespace, "sh", "-c", _WITH_RAY_FOLDER, str(own)),
                    *(*_RAY, *words, f"--object-store-memory={_STORE_BYTES}"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(**self._environment),
            )


class Machines:
    """A head and machines, which a thread starts again when they end."""

    def __init__(self, folder: Path, count: int, *, engines: dict[int, str]) -> None:
        """Start them.

        Args:
            folder: For logs, caches and Ray's files.
            count: Of machines beside the head.
            engines: Addresses of the engines of those that have one of their own, by their numbers.
        """
        self.network = Network()
        self.head = Head(self.network.address, folder / "head.log")
        self.all: list[Machine] = []
        self._stopped = threading.Event()
        try:
            self.head.start()
            for number in range(1, count + 1):
                own = folder / f"machine-{number}"
                own.mkdir()
                engine = engines.get(number, "")
                self.all.append(Machine(self.network, number, own, self.head.address, engine=engine))
        except BaseException:
            self.close()
            raise
        self._thread = threading.Thread(target=self._look, name="machines", daemon=True)
        self._thread.start()

    def present(self) -> list[Machine]:
        """Return the machines that are neither suspended nor cut off."""
        return [machine for machine in self.all if not machine.is_away]

    def close(self) -> None:
        """End everything."""
        self._stopped.set()
        for machine in self.all:
            machine.is_stopped = True
            machine.kill()
        self.head.kill()
        self.network.close()

    def _look(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            for machine in self.all:
                machine.look()


def _environment(**more: str) -> dict[str, str]:
    patient = {"RAY_raylet_start_wait_time_s": "120"}
    return {**os.environ, **ENVIRONMENT, **patient, "PYTHONPATH": str(ROOT), **more}
