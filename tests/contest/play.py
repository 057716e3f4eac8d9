"""Play a contest with the commands that people type, and check what each of them shows.

Six teams, two of them hostile, one over the web; a practice and a feedback phase; a freeze; a rejudging; a
final on another challenge; published pages.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import tomli_w

from runner.competition.competition import COMPETITION_FILE
from tests.contest.files import (
    HOSTILE,
    TEAMS,
    WEB_TEAM,
    Say,
    Size,
    hand_in_first,
    hand_in_late,
    phases,
    web_submission,
)
from tests.support.command import start_command, unlearn

_AOE: Final = timedelta(hours=-12)
_WEB_FILE: Final = "negative_gradient.py"
Examine = Callable[[Path], list[str]]
"""Opens a page in a browser, and returns what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A command that was typed, and what it printed."""

    words: tuple[str, ...]
    stdout: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """A contest in a folder of its own."""

    folder: Path
    size: Size
    say: Say
    typed: list[Typed] = field(default_factory=list)
    """In order."""

    def type_any(self, *words: object, **environment: str) -> str:
        """Type a command, require its success, and return its stdout."""
        stdout = unlearn(*words, environment=environment).stdout
        self.typed.append(Typed(words=tuple(str(word) for word in words), stdout=stdout))
        return stdout

    def type_in(self, command: str, *words: object) -> str:
        """Type a command of the group ``competition``, require its success, and return its stdout."""
        place, store = self.folder / "contest", self.folder / "store"
        return self.type_any("competition", *command.split(), place, *words, "--store", store)

    def ask(self, command: str, *words: object) -> dict[str, Any]:
        """Return what a command prints as JSON."""
        value: dict[str, Any] = json.loads(self.type_in(command, *words, "--json"))
        return value

    def write_phases(self, **changes: Any) -> None:
        """Write ``competition.toml``, as an organizer edits it."""
        text = tomli_w.dumps(phases(self.size, **changes))
        (self.folder / "contest" / COMPETITION_FILE).write_text(text)

    def evaluate(self, *options: str) -> None:
        """Work the queue to its end, and require that nothing is left, held or stuck."""
        self.type_in("evaluate", "--drain", *options)
        status = self.ask("status")
        assert status["queue"] == status["held"] == status["stuck"] == [], status

    def states(self, teams: Iterable[str] = TEAMS) -> dict[str, str]:
        """Return the state of each entry of the feedback phase by its file, as its own team sees it."""
        return {
            entry["file"]: entry["state"]
            for team in teams
            for entry in self.ask("view", "--as", team, "--phase", "feedback")["entries"]
        }

    def ranked(self, *as_team: object) -> list[str]:
        """Return the teams on the leaderboard of the feedback phase, the best first."""
        board = self.ask("view", "--phase", "feedback", *as_team)["board"]
        return [row["team"] for table in board["tables"] for row in table["rows"]]


def play(folder: Path, size: Size, *, say: Say, examine: Examine | None = None) -> list[Typed]:
    """Play a contest from nothing to a published final, and return what was typed.

    Args:
        folder: Empty; challenges, store and pages are made in it.
        size: Of the contest.
        say: Receives what is done next.
        examine: Checks the published pages in a browser, if there is one.

    Raises:
        AssertionError: something is not as it must be.
    """
    contest = Contest(folder=folder, size=size, say=say)
    inbox = folder / "inbox"
    _prepare(contest)
    tokens = {team: contest.type_in("team add", team).strip() for team in TEAMS}
    say("hand-ins: five teams by folders, one over the web")
    expected = hand_in_first(inbox)
    contest.type_in("sync", inbox, "--phase", "feedback")
    with _served(contest) as address:
        _hand_in_over_the_web(contest, address, tokens[WEB_TEAM])
        _show_what_strangers_see(address, tokens["mallory"])
    _judge(contest, expected | {f"{Path(_WEB_FILE).stem}.zip": "scored"})
    before = contest.ranked("--as", "beta")
    _freeze(contest, inbox, before)
    _rejudge(contest, before)
    _final(contest)
    _publish(contest, examine)
    return contest.typed


def _prepare(contest: Contest) -> None:
    contest.type_any(
        *("competition", "init", contest.folder / "contest", "--name", "Small contest", "--time-zone", "AoE")
    )
    challenges = contest.folder / "contest" / "challenges"
    for seed, name in ((7, "feedback"), (8, "final"), (6, "practice")):
        if name == "practice" and not contest.size.builds_practice:
            shutil.copytree(challenges / "feedback", challenges / name)
            continue
        contest.say(f"building the challenge of the phase {name}")
        public = ("--public",) if name == "practice" else ()
        words = ("digits", challenges / name, *contest.size.build, "--seed", seed, *public)
        contest.type_any("challenge", "build", *words)
    contest.write_phases()
    contest.type_in("check")


@contextmanager
def _served(contest: Contest) -> Iterator[str]:
    """Yield the address of the web service while it runs."""
    place, store = contest.folder / "contest", contest.folder / "store"
    options = ("--origin", "http://localhost", "--port", 0, "--unsafe-user", "--store", store)
    process = start_command("serve", place, *options, PYTHONUNBUFFERED="1")
    contest.typed.append(Typed(words=("serve", str(place), *map(str, options)), stdout=""))
    assert process.stderr is not None
    try:
        address = None
        while address is None:
            line = process.stderr.readline()
            assert line, "the web service has ended"
            if found := re.search(r"on (http://127\.0\.0\.1:\d+)", line):
                address = found[1]
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, process.stderr.read()
        process.stderr.close()
        if process.stdout is not None:
            process.stdout.close()


def _request(address: str, token: str | None) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON of an answer."""
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def _hand_in_over_the_web(contest: Contest, address: str, token: str) -> None:
    file = contest.folder / _WEB_FILE
    file.write_bytes(web_submission())
    first, again = (
        contest.type_any("submit", file, "--phase", "feedback", "--server", address, UNLEARN_TOKEN=token)
        for _ in range(2)
    )
    assert ", the same file as before" not in first, first
    assert again.splitlines()[0] == f"{first.splitlines()[0]}, the same file as before", again


def _show_what_strangers_see(address: str, token: str) -> None:
    """No entry without a token, and none of another team with one."""
    assert _request(f"{address}/api/v1/entries", None)[0] == 401
    mine = _request(f"{address}/api/v1/entries", token)[1]["entries"]
    numbers = {entry["id"] for entry in mine}
    foreign = next(number for number in range(1, 100) if number not in numbers)
    assert _request(f"{address}/api/v1/entries/{foreign}", token)[0] == 404


def _judge(contest: Contest, expected: dict[str, str]) -> None:
    contest.say("evaluating what was handed in")
    contest.evaluate(*contest.size.devices)
    assert contest.states() == expected
    contest.type_in("status")
    contest.type_in("view", "--as", "alpha", "--phase", "feedback")
    ranked = contest.ranked("--as", "beta")
    assert sorted(ranked) == sorted(team for team in TEAMS if team not in HOSTILE)


def _freeze(contest: Contest, inbox: Path, before: list[str]) -> None:
    contest.say("freezing the leaderboard; one more entry")
    frozen = (datetime.now(UTC) + _AOE).replace(tzinfo=None)
    contest.write_phases(freezes=frozen)
    hand_in_late(inbox)
    contest.type_in("sync", inbox, "--phase", "feedback")
    contest.evaluate()
    assert contest.states(["gamma"])["random_labels.py"] == "scored"
    assert contest.ranked("--as", "beta") == before, "what participants see is frozen"
    assert len(contest.ranked()) > len(before), "organizers see the entry"


def _rejudge(contest: Contest, before: list[str]) -> None:
    contest.say("rejudging all entries of the phase")
    contest.type_in("rejudge start", "--phase", "feedback", "--reason", "to be sure")
    contest.evaluate()
    pairs = contest.ask("rejudge show", 1)["entries"]
    assert pairs
    assert all(pair["same_evaluation"] for pair in pairs), "nothing has changed, so nothing runs again"
    assert contest.ranked("--as", "beta") == before
    contest.type_in("rejudge apply", 1, "--reason", "nothing has changed")
    assert contest.ranked("--as", "beta") == before


def _final(contest: Contest) -> None:
    contest.say("the final, on another challenge")
    chosen = contest.ask("view", "--as", "gamma", "--phase", "feedback")["entries"]
    number = next(
        entry["entry"] for entry in chosen if entry["file"] == "original.py" and entry["state"] == "scored"
    )
    contest.type_in("choose", number, "--as", "gamma")
    closed = (datetime.now(UTC) + _AOE).replace(tzinfo=None)
    contest.write_phases(closes=closed)
    contest.type_in("final", "--dry-run")
    contest.type_in("final")
    contest.evaluate(*contest.size.devices)
    contest.type_in("final")
    final = contest.ask("final")
    assert final["waiting"] == 0
    standings = {each["team"]: each for each in final["standings"]}
    assert set(standings) == {team for team in TEAMS if team not in HOSTILE}
    assert all(each["rank"] is not None and 0 < each["combined"] <= 1 for each in standings.values())
    assert final["published"] is False
    published = contest.type_in("final", "--publish", "--reason", "the committee has decided")
    assert "The results of final are published." in published


def _publish(contest: Contest, examine: Examine | None) -> None:
    contest.say("publishing the pages")
    public = contest.folder / "public"
    contest.type_in("publish", public)
    contest.type_in("export", contest.folder / "archive")
    page = (public / "feedback" / "index.html").read_text()
    assert all((team in page) == (team not in HOSTILE) for team in TEAMS)
    results = (public / "final" / "index.html").read_text()
    assert all((team in results) == (team not in HOSTILE) for team in TEAMS)
    assert "nothing to remove" in contest.type_in("clean", "--dry-run")
    pages = sorted(public.rglob("*.html"))
    if examine is None:
        return
    contest.say(f"opening the {len(pages)} pages in Chromium")
    faults = {page.name: found for page in pages if (found := examine(page))}
    assert not faults, faults
