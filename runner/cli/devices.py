"""What the commands share that evaluate on several devices at once (``--devices``)."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.challenge.challenge import Challenge
from runner.cli.console import JSON_SCHEMA_VERSION, print_error, stderr_console
from runner.devices.batch import DeviceBatch
from runner.devices.board import Board, Waiting
from runner.devices.display import Display
from runner.devices.host import CommandDevice, Request, device_processes, open_devices
from runner.evaluation.batch import BatchResult
from runner.evaluation.entries import HandIn
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.results.entry_result import EntryResult
from runner.store.entries.records import Entry
from runner.store.open_store import open_store
from runner.store.store import Store

Record = Callable[[Store, Image, Settings], tuple[list[HandIn], list[Entry]]]
"""Records what was handed in, and returns it under its known names with an entry for each."""


def run_on_devices(
    text: str,
    challenge: Challenge,
    settings: Settings,
    record: Record,
    *,
    store: Path,
    image: str,
    show_ended: Callable[[EntryResult], None],
    as_json: bool,
) -> tuple[BatchResult, BaseException | None]:
    """Evaluate entries on several devices at once; return how they ended, and what is to end the command.

    Args:
        text: The devices, as they were typed.
        challenge: On what is evaluated.
        settings: As requested; their device is replaced.
        record: Records the entries.
        store: Folder of the store.
        image: Beginning of the digest of an image that an evaluation needs; empty for the current one.
        show_ended: Receives each result as soon as it is there.
        as_json: Whether progress is lines of JSON.

    Raises:
        ConfigurationError: the devices have another form.
        HostNotReadyError: this host cannot evaluate on them.
    """
    required_device = challenge.description.device
    runtime = settings.placement.runtime
    host = open_devices(text, image=image)
    host.require(challenge, runtime=runtime, required_device=required_device)
    settings = replace(settings, device=host.devices[0].recorded)
    request = Request(
        store=store,
        challenge=challenge,
        image=host.image,
        n=settings.n,
        keep_going=settings.keep_going,
        keep_checkpoints=settings.keep_checkpoints,
        isolation=settings.isolation,
        runtime=runtime,
        required_device=required_device,
    )
    with (
        closing(open_store(store, create=True)) as opened,
        Display(stderr_console(), write_json=_write_json if as_json else None) as display,
        device_processes(host.devices) as processes,
    ):
        hand_ins, entries = record(opened, host.image, settings)
        batch = DeviceBatch(opened, print_error, show_ended=show_ended)
        board = Board(
            [device.name for device in host.devices],
            waiting=lambda: Waiting(batch.waiting(), batch.waiting() * settings.n),
            on_event=display.on_event,
        )
        display.show(board)
        devices = [CommandDevice(process, request, board) for process in processes]
        return batch.evaluate(devices, hand_ins, entries, board), batch.failure


def _write_json(event: Mapping[str, Any]) -> None:
    """Write an event to stderr as a line, beside the results on stdout."""
    sys.stderr.write(json.dumps({"schema_version": JSON_SCHEMA_VERSION, **event}) + "\n")
    sys.stderr.flush()
