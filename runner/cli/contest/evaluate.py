"""`unlearn competition evaluate`: work the queue on this host."""

from __future__ import annotations

import time
from typing import Annotated, Final

import typer

from runner.cli.console import print_json, print_note, print_warning, stderr_console, stdout_console
from runner.cli.contest.devices import evaluate_on_devices
from runner.cli.contest.options import CompetitionArgument
from runner.cli.options import DEFAULT_STORE, DevicesOption, StoreOption
from runner.competition.states import EntryState
from runner.contest.host import on_this_host
from runner.contest.opened import open_contest
from runner.contest.worker import MAX_ATTEMPTS, Worker
from runner.errors import ConfigurationError
from runner.progress import ConsoleReporter
from runner.wording import quantity

_POLL_SECONDS: Final = 10.0


def evaluate_command(
    folder: CompetitionArgument,
    drain: Annotated[
        bool, typer.Option("--drain", help="End once the queue is empty, and do not wait for more.")
    ] = False,
    entries: Annotated[
        int | None, typer.Option("--entries", "-n", help="End after so many evaluations.", min=1)
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="DEVICE", help="GPU for phases that need one: cuda:NUMBER or cuda:UUID."),
    ] = None,
    devices: DevicesOption = "",
    store: StoreOption = DEFAULT_STORE,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --devices: print what happens as lines of JSON, for logs.")
    ] = False,
) -> None:
    """Evaluate the entries of a competition in the order of its queue, on this host.

    Several processes may do so at once, on a device each; with --devices one command does. An entry whose evaluation fails on our side is held
    and attempted again some minutes later; after three attempts an organizer decides: `unlearn competition
    admit`. Where this host cannot evaluate a phase, its entries are left, and those of other phases are not.
    """
    if devices and device is not None:
        raise ConfigurationError("Give either --device or --devices.")
    if as_json and not devices:
        raise ConfigurationError(
            "--json is for --devices; `unlearn competition status --json` shows the queue."
        )
    out = stdout_console()
    failure: BaseException | None = None
    with open_contest(folder, store) as contest:
        if devices:
            done = evaluate_on_devices(devices, contest, drain=drain, entries=entries, as_json=as_json)
            ended, blocked, failure = done.evaluations, done.blocked, done.failure
        else:
            worker = Worker(
                store=contest.store,
                folder=store,
                competition_folder=folder,
                competition=contest.competition,
                open_evaluator=on_this_host(
                    contest.store,
                    store,
                    folder,
                    device=device,
                    reporter=lambda: ConsoleReporter(stderr_console()),
                ),
                report=lambda line: out.print(line, markup=False, soft_wrap=True),
            )
            ended = worker.work(entries)
            while not drain and (entries is None or ended < entries):
                time.sleep(_POLL_SECONDS)
                ended += worker.work(None if entries is None else entries - ended)
            blocked = worker.blocked
        held = contest.store.competition_entries(contest.name, states=[EntryState.HELD], with_pending=True)
        queued = contest.store.competition_entries(
            contest.name, states=[EntryState.QUEUED], with_pending=True
        )
        paused = contest.store.paused_since(contest.name) is not None
    if failure is not None:
        raise failure
    if ended == 0 and blocked is not None:
        raise blocked
    if as_json:
        print_json({"event": "done", "evaluations": ended, "held": len(held), "queued": len(queued)})
    else:
        out.print(quantity(ended, "evaluation"))
    if paused:
        print_note(f"the competition is paused; to go on: unlearn competition resume {folder}")
    elif queued and (entries is None or ended < entries):
        print_note(f"{quantity(len(queued), 'entry is', 'entries are')} left to another process or host")
    given_up = sum(entry.attempts >= MAX_ATTEMPTS for entry in held)
    if len(held) > given_up:
        again = quantity(len(held) - given_up, "held entry is", "held entries are")
        print_note(f"{again} attempted again some minutes later; without --drain this command waits for it")
    if given_up:
        print_warning(
            f"{quantity(given_up, 'entry is', 'entries are')} held; see: unlearn competition status"
        )
