"""Prepare this host: a container engine that answers, then the image.

An engine is installed and started only where none answers, only as root, and only on Debian and
Ubuntu; elsewhere the error says what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from runner.engine.api import Engine
from runner.engine.connect import connect_engine, engine_answers
from runner.engine.docker_address import context_is_named
from runner.engine.docker_connection import connect
from runner.engine.docker_engine import Connect
from runner.errors import EngineAccessError, HostNotReadyError
from runner.image.build import build_image
from runner.image.image import BASE_REPOSITORY, BASE_TAG, Image, find_image
from runner.progress import Reporter

_START_SECONDS: Final = 30.0
SYSTEMD: Final = Path("/run/systemd/system")
_PID_FILES: Final = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}
_FALLBACK: Final = ("--bridge=none", "--iptables=false")
"""The containers of this project have no network, so an engine that cannot create one is sufficient."""


def prepare_host(reporter: Reporter, connect: Connect = connect) -> Image:
    """Install and start an engine if none answers, build the image if it is missing, and return it.

    Raises:
        EngineAccessError: an engine runs, but this user may not use it.
        HostNotReadyError: something must be installed by hand; the text says what.
    """
    engine = prepare_engine(reporter, connect)
    if (image := find_image(engine)) is not None:
        return image
    _install_mmdebstrap(engine, reporter)
    return build_image(engine, reporter)


def prepare_engine(reporter: Reporter, connect: Connect = connect) -> Engine:
    """Install and start an engine if none answers, and return it.

    Raises:
        EngineAccessError: an engine runs, but this user may not use it.
        HostNotReadyError: something must be installed by hand; the text says what.
    """
    try:
        return connect_engine(connect)
    except EngineAccessError:
        raise
    except HostNotReadyError:
        if context_is_named():
            raise  # another engine than the one that would be installed
        _require_own_engine()
        _install(reporter)
        _start(reporter)
        return connect_engine()


def _require_own_engine() -> None:
    if os.environ.get("DOCKER_HOST"):
        raise HostNotReadyError(
            "DOCKER_HOST names an engine that does not answer; start it, or unset DOCKER_HOST."
        )
    if os.geteuid() != 0:
        raise HostNotReadyError(
            "No container engine answers and only root can install one; install Docker "
            "(Debian package docker.io) and let your user reach it, or run this as root."
        )


def is_debian() -> bool:
    """Return whether this host runs Debian or a distribution based on it."""
    try:
        return "debian" in Path("/etc/os-release").read_text()
    except OSError:
        return False


def install_packages(*packages: str) -> None:
    """Install Debian packages.

    Raises:
        HostNotReadyError: apt-get failed; the text is its last line.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *packages]):
        result = subprocess.run(
            ["apt-get", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0 and command[0] == "install":
            last = (result.stderr.strip().splitlines() or ["it printed nothing"])[-1]
            raise HostNotReadyError(f"apt-get could not install {' '.join(packages)}: {last}")


def _install(reporter: Reporter) -> None:
    if shutil.which("dockerd") is not None:
        return
    if not is_debian() or shutil.which("apt-get") is None:
        raise HostNotReadyError(
            "No container engine answers; install Docker Engine 20.10 or newer and start it."
        )
    reporter.step("engine: installing docker.io from Debian packages")
    install_packages("docker.io", "mmdebstrap")


def _install_mmdebstrap(engine: Engine, reporter: Reporter) -> None:
    """Install the tool that builds a base image, if it may be needed and can be installed."""
    needed = engine.images.identity(f"{BASE_REPOSITORY}:{BASE_TAG}") is None
    if needed and shutil.which("mmdebstrap") is None and os.geteuid() == 0 and is_debian():
        reporter.step("image: installing mmdebstrap from Debian packages")
        install_packages("mmdebstrap")


def _start(reporter: Reporter) -> None:
    reporter.step("engine: starting")
    if SYSTEMD.is_dir():
        subprocess.run(
            ["systemctl", "start", "docker"], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
        if _await_answer(None):
            return
        raise HostNotReadyError("The engine did not start; see: systemctl status docker")
    _remove_stale_pid_files()
    fd, name = tempfile.mkstemp(prefix="unlearn-dockerd-", suffix=".log")
    with open(fd, "wb") as log:
        for extra in ((), _FALLBACK):
            daemon = subprocess.Popen(
                ["dockerd", *extra],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            if _await_answer(daemon):
                return
            if daemon.poll() is None:
                daemon.terminate()
                daemon.wait()
    raise HostNotReadyError(f"The engine did not start; its log is {name}")


def _remove_stale_pid_files() -> None:
    """Remove pid files whose number belongs to another process now: they keep dockerd from starting."""
    for file, command in _PID_FILES.items():
        try:
            if Path(f"/proc/{int(file.read_text())}/comm").read_text().strip() != command:
                file.unlink()
        except (OSError, ValueError):
            continue  # no such file, or no such process: dockerd handles both


def _await_answer(daemon: subprocess.Popen[bytes] | None) -> bool:
    """Return whether the engine answers in time; stop waiting when ``daemon`` ends."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if engine_answers():
            return True
        if daemon is not None and daemon.poll() is not None:
            return False
        time.sleep(0.3)
    return False
