"""Teams that hand in over the web until their quota is used, whatever happens to the service meanwhile."""

from __future__ import annotations

import hashlib
import random
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from runner.cli.web.client import CompetitionClient
from runner.competition.states import EntryState
from runner.errors import ConfigurationError, HostNotReadyError
from tests.support.kills.evaluator import CRASH

Kind = Literal["good", "crash", "no archive"]
KINDS: Final[tuple[Kind, ...]] = ("good", "good", "good", "good", "crash", "no archive")
ENDS: Final[dict[Kind, EntryState]] = {
    "good": EntryState.SCORED,
    "crash": EntryState.FAILED,
    "no archive": EntryState.REFUSED,
}
"""In which state an entry of each kind must end."""
USED: Final = "The quota of this phase is used"
_MAX_PAUSE_SECONDS: Final = 0.3
_REFUSED_SECONDS: Final = 1.0
"""After a refusal, until the next file is tried."""
_LARGEST_BYTES: Final = 300_000


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """A file that was acknowledged."""

    entry: int
    kind: Kind
    sha256: str


@dataclass(slots=True, kw_only=True)
class WebTeam:
    """What a team knows of what it has handed in; its clients share it."""

    name: str
    token: str
    acknowledged: list[HandedIn] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Hashes of files that the service has refused for a quota."""
    ended: set[int] = field(default_factory=set)
    """Entries of which it has read that they have ended."""


class Client(threading.Thread):
    """Hands in for one team after another, with the client of `unlearn submit`, each until its quota is used.

    A request is repeated until it has an answer, so each file is acknowledged or refused in the end.
    """

    def __init__(self, address: str, teams: Sequence[WebTeam], *, seed: int, stop: threading.Event) -> None:
        """Prepare.

        Args:
            address: Of the service.
            teams: In order.
            seed: Of the files and pauses.
            stop: Once it is set, no other team is begun.
        """
        super().__init__(name=f"client {seed}", daemon=True)
        self._address, self._teams, self._stop_teams = address, teams, stop
        self._chance = random.Random(seed)
        self.begun: list[str] = []
        self.repeated = 0
        """Requests that had no answer, or one that the store could not be reached."""
        self.problems: list[str] = []

    def run(self) -> None:
        """Hand in."""
        try:
            for team in self._teams:
                if self._stop_teams.is_set():
                    return
                self.begun.append(team.name)
                self._use_quota(team)
        except Exception as error:  # noqa: BLE001 - whatever it is, the harness reports it
            self.problems.append(f"{self.name}: {error!r}")

    def _use_quota(self, team: WebTeam) -> None:
        client = CompetitionClient(self._address, team.token, report=self._count, sleep=self._pause)
        while True:
            # Whatever is on its way when a request is refused may fail, and then leaves room.
            known = [each.entry for each in team.acknowledged]
            may_leave_room = not all(self._has_ended(client, team, entry) for entry in known)
            kind = self._chance.choice(KINDS)
            content = self._content(kind)
            digest = hashlib.sha256(content).hexdigest()
            try:
                entry = self._hand_in(client, "a.zip" if kind == "no archive" else "a.py", content)
            except ConfigurationError as error:
                team.refused.append(digest)
                if USED in str(error) and not may_leave_room:
                    return
                time.sleep(_REFUSED_SECONDS * (0.5 + self._chance.random()))
            else:
                team.acknowledged.append(HandedIn(entry=entry, kind=kind, sha256=digest))
                self._pause(self._chance.random())

    def _hand_in(self, client: CompetitionClient, name: str, content: bytes) -> int:
        """Hand a file in, as often as it takes; return the entry.

        Raises:
            ConfigurationError: it was refused.
        """
        key = str(uuid.uuid4())
        while True:
            try:
                return client.hand_in("feedback", name, content, key=key).entry.id
            except HostNotReadyError:
                continue

    def _has_ended(self, client: CompetitionClient, team: WebTeam, entry: int) -> bool:
        while entry not in team.ended:
            try:
                if client.entry(entry).state not in {str(state) for state in ENDS.values()}:
                    return False
            except HostNotReadyError:
                continue
            team.ended.add(entry)
        return True

    def _content(self, kind: Kind) -> bytes:
        noise = self._chance.randbytes(self._chance.randrange(_LARGEST_BYTES))
        if kind == "no archive":
            return b"PK\x03\x04 is no archive" + noise
        code = f"# {CRASH if kind == 'crash' else ''}\ndef unlearning(net, retain, forget, val): ...\n# "
        return code.encode() + noise.hex().encode() + b"\n"

    def _count(self, _line: str) -> None:
        self.repeated += 1

    def _pause(self, seconds: float) -> None:
        time.sleep(min(seconds, _MAX_PAUSE_SECONDS) * self._chance.random())
