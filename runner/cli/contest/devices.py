"""`unlearn competition evaluate --devices`: work the queue on several devices of this host at once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runner.cli.console import print_json, print_warning, stderr_console, stdout_console
from runner.contest.budget import Budget
from runner.contest.on_devices import DevicePhases, Ended, waiting_in, work_on_devices
from runner.contest.opened import OpenContest
from runner.contest.service.attendant import checking
from runner.contest.service.publishing import Publisher
from runner.contest.worker import Worker
from runner.devices.board import Board
from runner.devices.device_process import DeviceProcess
from runner.devices.display import Display
from runner.devices.host import device_processes, open_devices
from runner.progress import NullReporter


def evaluate_on_devices(
    text: str,
    contest: OpenContest,
    *,
    drain: bool,
    entries: int | None,
    as_json: bool,
) -> Ended:
    """Work the queue of a competition on several devices at once.

    Args:
        text: The devices, as they were typed.
        contest: Open.
        drain: End once the queue is empty.
        entries: End after so many evaluations; None for any number.
        as_json: Print what happens as lines of JSON.

    Raises:
        ConfigurationError: the devices have another form.
        HostNotReadyError: this host cannot evaluate on them.
    """
    host = open_devices(text)
    budget, turn, out = Budget(entries), threading.Lock(), stdout_console()
    publisher = Publisher(contest=contest, reporter=NullReporter(), report=print_warning)
    publishing = threading.Lock()

    def publish(*, sparingly: bool) -> None:
        with publishing:
            publisher.publish(sparingly=sparingly)

    def publish_sparingly() -> None:
        publish(sparingly=True)

    with (
        checking(contest, print_warning) as checker,
        Display(stderr_console(), write_json=_write_json if as_json else None) as display,
        device_processes(host.devices) as processes,
    ):
        board = Board(
            [device.name for device in host.devices],
            waiting=waiting_in(contest.store, contest.competition),
            on_event=display.on_event,
        )
        display.show(board)
        phases = DevicePhases(host, contest.store_folder, contest.folder, board)

        def report(line: str) -> None:
            if display.is_live:
                display.line(line)
            elif not as_json:
                out.print(line, markup=False, soft_wrap=True)
            publish_sparingly()

        def new_worker(process: DeviceProcess) -> Worker:
            return Worker(
                store=contest.store,
                folder=contest.store_folder,
                competition_folder=contest.folder,
                competition=contest.competition,
                open_evaluator=phases.on(process),
                report=report,
                turn=turn,
                budget=budget,
                others_go_on=len(processes) > 1,
            )

        checker.check()
        done = work_on_devices(
            processes, new_worker, board, budget=budget, drain=drain, after_work=publish_sparingly
        )
        while drain and done.failure is None and not budget.is_used_up and checker.check():
            more = work_on_devices(
                processes, new_worker, board, budget=budget, drain=drain, after_work=publish_sparingly
            )
            done = replace(more, evaluations=done.evaluations + more.evaluations)
        publish(sparingly=False)
        return done


def _write_json(event: Mapping[str, Any]) -> None:
    print_json(event)
    sys.stdout.flush()  # a log is read while it is written
