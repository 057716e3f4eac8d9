"""A whole contest whose processes are killed at random moments, in random order: what is wrong afterwards.

::

    clients ──> unlearn serve ──> store <── evaluating processes (two), whose runs sleep
    folders ──> unlearn competition sync ──┘   PostgreSQL: a server of its own; else SQLite

Each of these processes, but for the clients, is killed again and again, alone or with others, and started again
as a service manager does. Each team has a quota and two clients, or a folder, that use it up, and then the next
team begins. In the end each file that was acknowledged is one entry that has ended as it must, what was refused
is none, and each team has exactly as many entries as its quota allows.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runner.competition.states import IN_FLIGHT, EntryState
from runner.store.competition.records import CompetitionEntry
from runner.store.store import Store
from tests.runner.contest.conftest import NAME, Contest
from tests.support.databases.server import Server
from tests.support.kills.clients import KINDS, Client, Kind, WebTeam
from tests.support.kills.evaluator import CRASH, evaluate_for_ever, sync_for_ever
from tests.support.kills.examination import examine
from tests.support.kills.processes import (
    Kept,
    forked,
    free_port,
    kill_server,
    served,
    traces_in,
)

QUOTA: Final = 4
"""Entries of a team that count, in total."""
MOST_IN_FLIGHT: Final = 3
RUNS: Final = 4
_PAIRS: Final = 2
"""Teams that hand in over the web at a time."""
_SERVER: Final = "server"
_AT_WORK: Final = frozenset({EntryState.CHECKING, EntryState.RUNNING, EntryState.SCORING})
_COUNTING: Final = IN_FLIGHT | {EntryState.SCORED}
_MOMENT_SECONDS: Final = 20.0
_END_SECONDS: Final = 900.0
_POLL_SECONDS: Final = 0.05


@dataclass(kw_only=True)
class Tally:
    """What happened, and what is wrong."""

    kills: int = 0
    """Moments at which something was killed."""
    victims: Counter[str] = field(default_factory=Counter)
    at_work: int = 0
    """Entries that were being checked, executed or scored when something was killed."""
    repeated: int = 0
    """Requests of clients that had no answer, and were repeated."""
    ended_by_themselves: int = 0
    """Processes that have ended because the database was killed; they were started again."""
    teams: int = 0
    """Whose quota was used up."""
    states: Counter[str] = field(default_factory=Counter)
    """Entries, by the state in which they ended."""
    refused: int = 0
    """Files that were refused for a quota."""
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def kill_at_random(
    contest: Contest, kills: int, *, server: Server | None = None, seed: int | None = None
) -> Tally:
    """Play a contest while its processes are killed; return what happened, and what is wrong.

    Args:
        contest: Its own copy; its rows are in a database of the server, if there is one.
        kills: Moments at which one or several of the processes are killed.
        server: That nothing else uses.
        seed: Of moments, victims and files.
    """
    begun, chance = time.monotonic(), random.Random(seed)
    fields = contest.phase_fields()
    fields["quota"] = {"total": QUOTA, "in_flight": MOST_IN_FLIGHT}
    fields["runs"] = RUNS
    contest.write()
    with contest.store() as store, ExitStack() as stack:
        play = _Play(contest, store, server, chance, teams=kills // 2 + 2)
        stack.callback(play.end)
        play.start()
        for _number in range(kills):
            play.wait_for_a_moment()
            play.kill()
            play.require_quotas()
        play.finish()
        examine(
            contest, play.web_teams, play.folder_teams, quota=QUOTA, runs=RUNS, problems=play.tally.problems
        )
        play.tally.states.update(str(entry.state) for entry in store.competition_entries(NAME))
    play.tally.seconds = time.monotonic() - begun
    return play.tally


class _Play:
    """The processes, teams and clients of a contest."""

    def __init__(
        self, contest: Contest, store: Store, server: Server | None, chance: random.Random, *, teams: int
    ) -> None:
        self.contest, self.store, self.server, self.chance = contest, store, server, chance
        self.tally = Tally()
        folder = contest.folder / "logs"
        folder.mkdir()
        port = free_port()
        place = (contest.folder, contest.store_folder)
        self._logs: list[Path] = []

        def kept(name: str, starting: Callable[[Path], Callable[[], object]]) -> Kept:
            self._logs.append(folder / name)
            return Kept(name=name, start=starting(folder / name), chance=chance)  # type: ignore[arg-type]

        self._web = kept("web", lambda log: served(*place, port, log))
        self._kept = [
            self._web,
            kept("evaluating process", lambda log: forked(evaluate_for_ever, *place, log)),
            kept("evaluating process 2", lambda log: forked(evaluate_for_ever, *place, log)),
            kept("sync", lambda log: forked(sync_for_ever, *place, log)),
        ]
        self._stop = threading.Event()
        self.web_teams: list[WebTeam] = []
        self.folder_teams: list[str] = []
        """Whose files are in their folder."""
        self._clients: list[Client] = []
        for pair in range(_PAIRS):
            own = [self._web_team(f"web-{pair}-{number:03d}") for number in range(teams)]
            self.web_teams += own
            address = f"http://127.0.0.1:{port}"
            seeds = itertools.count(chance.randrange(1 << 32))
            self._clients += [Client(address, own, seed=next(seeds), stop=self._stop) for _ in range(2)]
        self._folders = self._next_folders(teams)

    def _web_team(self, name: str) -> WebTeam:
        token = hashlib.sha256(f"{name} {self.chance.random()}".encode()).hexdigest()
        digest = hashlib.sha256(token.encode()).hexdigest()
        self.store.add_team(NAME, name, token_sha256=digest, who="me")
        return WebTeam(name=name, token=token)

    def _next_folders(self, teams: int) -> Iterator[str]:
        """Yield teams one after another, with more files in their folders than their quota allows."""
        for number in range(teams):
            name = f"folder-{number:03d}"
            self.store.add_team(NAME, name, token_sha256=None, who="me")
            kinds: list[Kind] = ["good"] * (QUOTA + 2)
            kinds += KINDS
            self.chance.shuffle(kinds)
            folder = self.contest.inbox / name
            folder.mkdir()
            for at, kind in enumerate(kinds):
                suffix = ".zip" if kind == "no archive" else ".py"
                part = folder / f"{at:02d}-{kind}{suffix}.part"
                code = CRASH if kind == "crash" else ""
                part.write_text(f"# {name} {at} {code}\ndef unlearning(net, retain, forget, val): ...\n")
                part.rename(part.with_suffix(""))
            self.folder_teams.append(name)
            yield name

    def start(self) -> None:
        """Start all processes and clients."""
        self._keep()
        next(self._folders)
        for client in self._clients:
            client.start()

    def _keep(self) -> None:
        for process in self._kept:
            process.keep()

    def _entries(self, *states: EntryState) -> list[CompetitionEntry]:
        return self.store.competition_entries(NAME, states=states or None)

    @property
    def _acknowledged(self) -> int:
        return sum(len(team.acknowledged) for team in self.web_teams)

    def wait_for_a_moment(self) -> None:
        """Wait for any moment, for one at which an entry is at work, or for one just after a file was taken."""
        kind = self.chance.choice(("any", "at work", "at work", "taken"))
        before, begun = self._acknowledged, time.monotonic()
        last = begun + (self.chance.random() * 1.5 if kind == "any" else _MOMENT_SECONDS)
        while time.monotonic() < last:
            self._keep()
            self._turn_folders()
            if kind == "at work" and self._entries(*_AT_WORK):
                break
            if kind == "taken" and self._acknowledged > before:
                break
            time.sleep(_POLL_SECONDS)
        time.sleep(self.chance.random() * 0.1)

    def kill(self) -> None:
        """Kill one or several of the processes, in random order."""
        names = [process.name for process in self._kept] + ([_SERVER] if self.server is not None else [])
        number = self.chance.choice((1, 1, 2, 3, len(names)))
        self.tally.kills += 1
        self.tally.at_work += len(self._entries(*_AT_WORK))
        for name in self.chance.sample(names, number):
            if name == _SERVER and self.server is not None:
                self.tally.victims[kill_server(self.server, self.chance)] += 1
            elif next(each for each in self._kept if each.name == name).kill():
                self.tally.victims[name.removesuffix(" 2")] += 1
            time.sleep(self.chance.random() * 0.05)

    def require_quotas(self) -> None:
        """Note each team that has more on its way, or more that counts, than its quota allows."""
        entries = self._entries()
        for states, most in ((IN_FLIGHT, MOST_IN_FLIGHT), (_COUNTING, QUOTA)):
            for team, count in Counter(each.team for each in entries if each.state in states).items():
                if count > most:
                    self.tally.problems.append(f"{team} has {count} entries where {most} are allowed")

    def _turn_folders(self) -> bool:
        """Give the next team its files once the last one's quota is used; return whether it is."""
        mine = self.store.competition_entries(NAME, team=self.folder_teams[-1])
        is_used = sum(each.state is EntryState.SCORED for each in mine) >= QUOTA and not any(
            each.state in IN_FLIGHT or each.state is EntryState.HELD for each in mine
        )
        if is_used and not self._stop.is_set():
            next(self._folders, None)
            return False
        return is_used

    def finish(self) -> None:
        """Let each team use up its quota, and all entries end; then ask the service to stop."""
        self._stop.set()
        deadline = time.monotonic() + _END_SECONDS
        while not self._is_over() and time.monotonic() < deadline:
            self._keep()
            time.sleep(4 * _POLL_SECONDS)
        problems = self.tally.problems
        if not self._is_over():
            waiting = Counter(str(each.state) for each in self._entries(*IN_FLIGHT, EntryState.HELD))
            alive = sum(client.is_alive() for client in self._clients)
            problems.append(
                f"after {_END_SECONDS:.0f} s {alive} clients go on, and entries are {dict(waiting)}"
            )
        for client in self._clients:
            problems += client.problems
            self.tally.repeated += client.repeated
        begun = {name for client in self._clients for name in client.begun}
        self.web_teams = [team for team in self.web_teams if team.name in begun]
        self.tally.teams = len(self.web_teams) + len(self.folder_teams)
        self.tally.refused = sum(len(team.refused) for team in self.web_teams)
        if (code := self._web.end(by=signal.SIGTERM)) not in (0, None):
            problems.append(f"the web service ended with {code} when it was asked to stop")
        for process in self._kept:
            problems += [f"{process.name} ended with {each}" for each in process.unexpected.items()]
            self.tally.ended_by_themselves += process.exit_codes[3]
        for log in self._logs:
            problems += [f"{log.name} has printed {line}" for line in traces_in(log)]

    def _is_over(self) -> bool:
        clients_go_on = any(client.is_alive() for client in self._clients)
        return self._turn_folders() and not clients_go_on and not self._entries(*IN_FLIGHT, EntryState.HELD)

    def end(self) -> None:
        """End all processes."""
        self._stop.set()
        for process in self._kept:
            process.end()
