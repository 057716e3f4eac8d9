"""`unlearn competition evaluate`: work the queue on this host."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from runner.cli.console import print_json, print_note, print_warning, stderr_console, stdout_console
from runner.cli.contest.devices import evaluate_on_devices
from runner.cli.contest.options import CompetitionArgument
from runner.cli.options import DEFAULT_STORE, ClusterOption, DevicesOption, StoreOption
from runner.competition.states import EntryState
from runner.contest.evaluator import OpenEvaluator
from runner.contest.host import on_this_host
from runner.contest.on_devices import Ended
from runner.contest.opened import OpenContest, open_contest
from runner.contest.recovery import MAX_ATTEMPTS
from runner.contest.service.attendant import checking
from runner.contest.service.publishing import Publisher
from runner.contest.worker import Worker
from runner.errors import ConfigurationError
from runner.progress import ConsoleReporter, NullReporter
from runner.store.competition.records import CompetitionEntry
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
    cluster: ClusterOption = "",
    store: StoreOption = DEFAULT_STORE,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --devices: print what happens as lines of JSON, for logs.")
    ] = False,
) -> None:
    """Evaluate the entries of a competition in the order of its queue, on this host.

    Several processes may do so at once, on a device each; with --devices one command does. With --cluster,
    the runs of each entry are spread over the nodes of a Ray cluster. An entry whose evaluation fails on our
    side is held and attempted again some minutes later; after three attempts an organizer decides: `unlearn
    competition admit`. Where this host cannot evaluate a phase, its entries are left, and those of other
    phases are not.
    """
    if devices and device is not None:
        raise ConfigurationError("Give either --device or --devices.")
    if cluster and device is not None:
        raise ConfigurationError("With --cluster, give --devices: those of each node.")
    if as_json and (cluster or not devices):
        raise ConfigurationError("--json is for --devices; the queue: unlearn competition status --json")
    with open_contest(folder, store) as contest:
        if devices and not cluster:
            done = evaluate_on_devices(devices, contest, drain=drain, entries=entries, as_json=as_json)
        else:
            done = _evaluate_one_by_one(
                device, contest, drain=drain, entries=entries, cluster=cluster, devices=devices
            )
        held = _entries_in(contest, EntryState.HELD)
        queued = _entries_in(contest, EntryState.QUEUED)
        paused = contest.store.paused_since(contest.name) is not None
    if done.failure is not None:
        raise done.failure
    if done.evaluations == 0 and done.blocked is not None:
        raise done.blocked
    if as_json:
        print_json(
            {"event": "done", "evaluations": done.evaluations, "held": len(held), "queued": len(queued)}
        )
    else:
        stdout_console().print(quantity(done.evaluations, "evaluation"))
    if paused:
        print_note(f"the competition is paused; to go on: unlearn competition resume {folder}")
    elif queued and (entries is None or done.evaluations < entries):
        print_note(f"{quantity(len(queued), 'entry is', 'entries are')} left to another process or host")
    _show_held(held)


def _evaluate_one_by_one(
    device: str | None,
    contest: OpenContest,
    *,
    drain: bool,
    entries: int | None,
    cluster: str,
    devices: str,
) -> Ended:
    """Work the queue in this process, on one device or on the nodes of a cluster."""
    elsewhere, executed_on = None, ""
    if cluster:
        from runner.cli.cluster.run import EXECUTED_ON, on_cluster  # noqa: PLC0415 - slow, and seldom needed

        elsewhere, executed_on = on_cluster(cluster, devices), EXECUTED_ON
    open_evaluator = on_this_host(
        contest.store,
        contest.store_folder,
        contest.folder,
        device=device,
        reporter=lambda: ConsoleReporter(stderr_console()),
        elsewhere=elsewhere,
        executed_on=executed_on,
    )
    return work_queue(contest, open_evaluator, drain=drain, entries=entries)


def work_queue(
    contest: OpenContest,
    open_evaluator: OpenEvaluator,
    *,
    drain: bool,
    entries: int | None,
    poll_seconds: float = _POLL_SECONDS,
) -> Ended:
    """Check what was received, evaluate what is queued, and publish what has ended, over and over.

    Args:
        contest: Open.
        open_evaluator: Opens what evaluates on a challenge of a phase.
        drain: End once the queue is empty.
        entries: End after so many evaluations; None for any number.
        poll_seconds: After which an empty queue is looked at again.

    Raises:
        HostNotReadyError: this host cannot evaluate at all, or the store cannot be used.
    """
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
        folder=contest.store_folder,
        competition_folder=contest.folder,
        competition=contest.competition,
        open_evaluator=open_evaluator,
        report=report,
    )
    with checking(contest, print_warning) as checker:
        ended = work(entries)
        while (entries is None or ended < entries) and (not drain or checker.check()):
            if not drain:
                time.sleep(poll_seconds)
            ended += work(None if entries is None else entries - ended)
    return Ended(evaluations=ended, failure=None, blocked=worker.blocked)


def _entries_in(contest: OpenContest, state: EntryState) -> list[CompetitionEntry]:
    return contest.store.competition_entries(contest.name, states=[state], with_pending=True)


def _show_held(held: Sequence[CompetitionEntry]) -> None:
    """Print what becomes of held entries."""
    given_up = sum(entry.attempts >= MAX_ATTEMPTS for entry in held)
    if len(held) > given_up:
        again = quantity(len(held) - given_up, "held entry is", "held entries are")
        print_note(f"{again} attempted again some minutes later; without --drain this command waits for it")
    if given_up:
        print_warning(
            f"{quantity(given_up, 'entry is', 'entries are')} held; see: unlearn competition status"
        )
