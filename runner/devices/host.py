"""The devices of this host that a command names, each checked, and the image that all of them use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.challenge.challenge import Challenge
from runner.devices.board import Board, DeviceReporter
from runner.devices.device import Device, parse_devices, require_shares
from runner.devices.device_process import DeviceProcess, task_values
from runner.devices.protocol import Task
from runner.engine.connect import connect_engine
from runner.engine.gpus.gpu_parent import gpu_classes
from runner.engine.info import EngineInfo
from runner.engine.placement import Isolation, resolve_placement
from runner.image.image import Image, require_image, require_image_by_digest
from runner.results.summary import Summary
from runner.store.paths import store_archive
from runner.submission.load import Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicesHost:
    """This host, as a command on several of its devices needs it; no container is started here."""

    info: EngineInfo
    image: Image
    devices: tuple[Device, ...]

    def require(self, challenge: Challenge, *, runtime: str, required_device: str) -> None:
        """Refuse a challenge or runtime that the devices cannot serve all at the same time.

        Args:
            challenge: Whose runs they execute.
            runtime: Of its containers; empty for the engine's default.
            required_device: ``cpu`` or ``cuda``.

        Raises:
            UnmetRequirementError: a device, the runtime, cores or memory are missing.
        """
        for device in self.devices:
            resolve_placement(
                runtime=runtime, device=device.requested, required_device=required_device, info=self.info
            )
        require_shares(self.devices, challenge.description.limits, self.info)


def open_devices(text: str, *, image: str = "") -> DevicesHost:
    """Return the devices that ``--devices`` names.

    Args:
        text: As it was typed.
        image: Beginning of the digest of an image that an evaluation needs; empty for the current one.

    Raises:
        ConfigurationError: the text has another form.
        HostNotReadyError: no engine, no image, or no such device.
    """
    engine = connect_engine()
    info = engine.info()
    devices = parse_devices(text, cores=info.cores, classes=gpu_classes)
    chosen = require_image_by_digest(engine, image) if image else require_image(engine)
    return DevicesHost(info=info, image=chosen, devices=tuple(devices))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a command requests of all evaluations on a challenge."""

    store: Path
    """Folder of the store."""
    challenge: Challenge
    image: Image
    n: int
    keep_going: bool
    keep_checkpoints: bool
    isolation: Isolation
    runtime: str
    required_device: str

    def task(self, submission: Submission, device: Device) -> Task:
        """Return the task of evaluating a submission on a device; its archive is stored.

        Raises:
            HostNotReadyError: the archive cannot be stored.
        """
        store_archive(self.store, submission.archive, sha256=submission.sha256)
        return Task(
            store=self.store.absolute(),
            submission_sha256=submission.sha256,
            submission_name=submission.name,
            challenge=self.challenge.folder.absolute(),
            challenge_sha256=self.challenge.sha256,
            image=self.image.digest,
            n=self.n,
            keep_going=self.keep_going,
            keep_checkpoints=self.keep_checkpoints,
            isolation=self.isolation,
            runtime=self.runtime,
            required_device=self.required_device,
            **task_values(device),
        )


class CommandDevice:
    """A device that evaluates what a command requests (`runner.devices.batch.EvaluatingDevice`)."""

    def __init__(self, process: DeviceProcess, request: Request, board: Board) -> None:
        """Evaluate in ``process``, and report to ``board``."""
        self._process, self._request = process, request
        self._reporter = DeviceReporter(board, process.device.name)

    @property
    def name(self) -> str:
        """Return the device's name."""
        return self._process.device.name

    def evaluate(self, submission: Submission) -> Summary:
        """Evaluate a submission; see `runner.devices.device_process.DeviceProcess.evaluate`."""
        task = self._request.task(submission, self._process.device)
        return self._process.evaluate(task, self._reporter)

    def interrupt(self) -> None:
        """Interrupt what it evaluates."""
        self._process.interrupt()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


@contextmanager
def device_processes(devices: Sequence[Device]) -> Iterator[list[DeviceProcess]]:
    """Yield a process for each device, which is started when it is needed and ends with the context."""
    with ExitStack() as stack:
        processes = [DeviceProcess(device) for device in devices]
        for process in processes:
            stack.callback(process.close)
        yield processes
