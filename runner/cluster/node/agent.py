"""The agent of a node: says what the node is, keeps its challenges, and cleans up after processes of devices.

It outlives its coordinator. Containers are no children of the process that started them: the agent removes
those of dead processes, and ends a process whose coordinator has not renewed its lease: the process may stand
still, or the coordinator be gone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from runner.challenge.limits import Limits
from runner.cluster.code_version import code_version
from runner.cluster.decisions.fitness import NodeFacts
from runner.cluster.node.challenge_cache import ChallengeCache, cache_folder
from runner.cluster.node.leases import Leases
from runner.cluster.node.share_folder import remove_left_shares
from runner.cluster.orders import ProcessMark
from runner.devices.host import open_devices
from runner.doctor.checks import examine
from runner.doctor.facts import Purpose
from runner.doctor.findings import broken_findings
from runner.doctor.gather import gather_facts
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.engine.gpus.gpu_parent import gpu_classes
from runner.engine.session import remove_leftovers
from runner.errors import HostNotReadyError, RunnerError
from runner.execution.gpu_driver import installed_driver

_SWEEP_SECONDS: Final = 5.0


class NodeAgent:
    """Answers coordinators. Its methods are called by any thread."""

    def __init__(self, cache: Path | None = None, *, connect: Callable[[], Engine] = connect_engine) -> None:
        """Remove what dead processes have left, now and from time to time.

        Args:
            cache: Folder of the node's cache; None for the user's.
            connect: Returns the engine.
        """
        self._cache = cache or cache_folder()
        self._challenges = ChallengeCache(self._cache / "challenges")
        self._connect = connect
        self._leases = Leases()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sweep_regularly, name="sweep", daemon=True)
        self._thread.start()

    def version(self) -> str:
        """Return a digest of the project's code that this process has loaded."""
        return code_version()

    def facts(self, devices: str, image: str, limits: Mapping[str, object], runtime: str) -> NodeFacts:
        """Return what this node is.

        Args:
            devices: As ``--devices`` has them.
            image: Digest of the image that is wanted.
            limits: Of the challenge.
            runtime: Of its containers; empty for the engine's default.
        """
        host, version = socket.gethostname(), code_version()
        free = shutil.disk_usage(_existing(self._cache)).free
        try:
            opened = open_devices(devices, image=image)
            facts = gather_facts(self._connect(), "", self._cache)
        except RunnerError as error:
            return NodeFacts(host=host, version=version, problem=str(error), free_bytes=free)
        purpose = Purpose(limits=Limits.model_validate(limits), runtime=runtime or None)
        broken = broken_findings(examine(facts, purpose))
        return NodeFacts(
            host=host,
            version=version,
            problem="; ".join(f"doctor: {each.title}: {each.observation}" for each in broken),
            image=opened.image.digest,
            platform=opened.image.platform,
            config=opened.image.config,
            processor=processor_model(),
            cores=opened.info.cores,
            memory_bytes=opened.info.memory_bytes,
            niceness=os.getpriority(os.PRIO_PROCESS, 0),
            free_bytes=free,
            devices=opened.devices,
            gpu_driver=installed_driver(),
        )

    def gpu_classes(self) -> list[str]:
        """Return the classes of this node's GPUs and MIG instances, each once; none without a driver."""
        with contextlib.suppress(RunnerError):
            return list(dict.fromkeys(gpu_classes().values()))
        return []

    def has_challenge(self, sha256: str) -> bool:
        """Return whether a challenge is in this node's cache."""
        return self._challenges.has(sha256)

    def store_challenge(self, sha256: str, files: Mapping[str, bytes]) -> None:
        """Store a challenge in this node's cache; see `ChallengeCache.store`."""
        self._challenges.store(sha256, files)

    def renew(self, coordinator: str, seconds: float, processes: Sequence[ProcessMark]) -> None:
        """Renew the lease of a coordinator on the processes of this node's devices.

        Args:
            coordinator: Identifies it.
            seconds: After which the processes are ended, unless it is renewed.
            processes: Of all devices that it uses here.
        """
        self._leases.renew(coordinator, time.monotonic() + seconds, processes)

    def has_lease(self, coordinator: str) -> bool:
        """Return whether a coordinator has a lease on processes of this node."""
        return self._leases.has(coordinator)

    def release(self, coordinator: str, processes: Sequence[ProcessMark] = ()) -> None:
        """End a coordinator's lease and its processes, and remove their containers.

        Args:
            coordinator: Identifies it.
            processes: Of devices that it uses here, of which a lease need not have come.
        """
        self._end(dict.fromkeys((*self._leases.release(coordinator), *processes)))

    def end(self, process: ProcessMark) -> None:
        """End the process of a device, even one that stands still, and remove its containers."""
        self._end([process])

    def _end(self, processes: Iterable[ProcessMark]) -> None:
        for mark in processes:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(mark.pid)
                if abs(process.create_time() - mark.created) < 1.0:
                    process.kill()
                    process.wait(10.0)
        self.sweep()

    def sweep(self) -> int:
        """Remove containers and checkpoints of dead processes of this node; return how many containers."""
        remove_left_shares()
        with contextlib.suppress(HostNotReadyError):  # no engine answers: it is tried again
            return remove_leftovers(self._connect())
        return 0

    def _sweep_regularly(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # whatever it is, the next one is due
                self._end(self._leases.expired(time.monotonic()))
            if self._stopped.wait(_SWEEP_SECONDS):
                return


def processor_model(file: Path = Path("/proc/cpuinfo")) -> str:
    """Return the model of this machine's processor; empty if it is not known."""
    with contextlib.suppress(OSError):
        for line in file.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return ""


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
