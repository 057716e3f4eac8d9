"""`unlearn competition evaluate`: work the queue on this host."""

from __future__ import annotations

import time
from typing import Annotated, Final

import typer

from runner.cli.console import print_note, print_warning, stderr_console, stdout_console
from runner.cli.contest.options import CompetitionArgument
from runner.cli.options import DEFAULT_STORE, StoreOption
from runner.competition.states import EntryState
from runner.contest.attendant import checking
from runner.contest.host import on_this_host
from runner.contest.opened import open_contest
from runner.contest.publishing import Publisher
from runner.contest.worker import MAX_ATTEMPTS, Worker
from runner.progress import ConsoleReporter, NullReporter
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
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Evaluate the entries of a competition in the order of its queue, on this host.

    Several processes may do so at once, on a device each. An entry whose evaluation fails on our side is held
    and attempted again some minutes later; after three attempts an organizer decides: `unlearn competition
    admit`. Where this host cannot evaluate a phase, its entries are left, and those of other phases are not.
    """
    with open_contest(folder, store) as contest:
        out = stdout_console()

        def report(line: str) -> None:
            out.print(line, markup=False, soft_wrap=True)
            publisher.publish(sparingly=True)

        def work(most: int | None) -> int:
            checker.check()
            ended = worker.work(most)
            publisher.publish()
            return ended

        publisher = Publisher(contest=contest, reporter=NullReporter(), report=print_warning)
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
            report=report,
        )
        with checking(contest, print_warning) as checker:
            ended = work(entries)
            while (entries is None or ended < entries) and (not drain or checker.check()):
                if not drain:
                    time.sleep(_POLL_SECONDS)
                ended += work(None if entries is None else entries - ended)
        held = contest.store.competition_entries(contest.name, states=[EntryState.HELD], with_pending=True)
        queued = contest.store.competition_entries(
            contest.name, states=[EntryState.QUEUED], with_pending=True
        )
        paused = contest.store.paused_since(contest.name) is not None
    if ended == 0 and worker.blocked is not None:
        raise worker.blocked
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
