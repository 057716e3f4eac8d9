"""A competition whose challenges are small, and an evaluator that scores without an engine."""

from __future__ import annotations

import copy
import hashlib
import io
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import tomli_w

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.competition.competition import COMPETITION_FILE, Competition
from runner.competition.load import load_competition
from runner.competition.phase import Phase
from runner.contest.evaluator import EntryEvaluator
from runner.contest.sync import Intaker, SyncedFile
from runner.contest.worker import Worker
from runner.errors import RunnerError
from runner.evaluation.evaluate import evaluation_id_of
from runner.execution.settings import Settings
from runner.results.summary import Summary
from runner.store.competition.records import CompetitionEntry
from runner.store.open_store import open_store
from runner.store.store import Store
from runner.submission.load import Submission
from runner.verdict import Verdict
from tests.runner.leaderboard.stored import IMAGE, RUNS, add_evaluation, challenge_in
from tests.support.databases.fixtures import DATABASES, POSTGRESQL, SQLITE, move_rows
from tests.support.databases.server import Server
from tests.support.records import summary_of

local = datetime.fromisoformat
NAME: Final = "Forgetting"
ON_EVERY_DATABASE: Final = frozenset({"test_killed_worker", "test_sync", "test_worker", "test_worker_faults"})
ALSO_BUT_SLOWLY: Final = frozenset({"test_final_queue", "test_rejudging", "test_team_changes"})
"""Those for which `make test` has no time on PostgreSQL; `make test-all` has."""
TEAMS: Final = ("alpha", "beta", "gamma")
FIELDS: Final[dict[str, Any]] = {
    "schema_version": 1,
    "name": NAME,
    "time_zone": "UTC",
    "phases": [
        {
            "name": "feedback",
            "kind": "feedback",
            "challenges": ["feedback"],
            "opens": local("2020-01-01T00:00:00"),
            "closes": local("2100-01-01T00:00:00"),
            "runs": RUNS,
        },
        {
            "name": "final",
            "kind": "final",
            "challenges": ["final", "final-2"],
            "opens": local("2020-01-02T00:00:00"),
            "closes": local("2100-01-02T00:00:00"),
            "runs": RUNS,
            "priority": 1,
            "final": {"entries_from": "feedback", "choose_by": local("2100-01-01T00:00:00")},
        },
    ],
}


@dataclass
class Scripted:
    """Evaluates by what a submission's code says: ``SHIFT = 2.0``, ``CRASH``; errors come from a test."""

    store_folder: Path
    challenge: Challenge
    stores: bool = False
    """Whether runs and outputs are stored, which a leaderboard needs."""
    errors: dict[str, list[BaseException]] = field(default_factory=dict)
    """Raised in order, by the name of the submission."""
    evaluated: list[str] = field(default_factory=list)
    meanwhile: Callable[[Submission], object] = lambda _submission: None

    def _named(self, submission: Submission) -> str:
        return f"{submission.sha256[:16]} on {self.challenge.sha256[:8]}"

    def evaluation(self, submission: Submission) -> str:
        archive = self._named(submission).encode()
        settings = Settings(n=RUNS, keep_going=True, keep_checkpoints=False)
        same = Submission(name="", sha256=hashlib.sha256(archive).hexdigest(), archive=archive)
        return evaluation_id_of(same, self.challenge, IMAGE, settings)

    def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> Summary:
        self.evaluated.append(submission.name)
        self.meanwhile(submission)
        if self.errors.get(submission.name):
            raise self.errors[submission.name].pop(0)
        code = zipfile.ZipFile(io.BytesIO(submission.archive)).read("submission.py").decode()
        if not self.stores:
            before_scoring()
            crashes = "CRASH" in code
            return summary_of(score=None if crashes else 0.5, reason="1 run: crashed" if crashes else None)
        with closing(open_store(self.store_folder, create=False)) as store:
            if store.find_evaluation(self.evaluation(submission)) is None:
                before_scoring()
                shift = re.search(r"SHIFT = ([0-9.]+)", code)
                add_evaluation(
                    self.store_folder,
                    self.challenge,
                    self._named(submission),
                    shift=float(shift[1]) if shift else 0.0,
                    verdict=Verdict.CRASHED if "CRASH" in code else Verdict.OK,
                    detail="ValueError: no" if "CRASH" in code else "",
                )
            stored = store.evaluation(self.evaluation(submission))
        assert stored.summary is not None
        return Summary.from_json(stored.summary)


class Contest:
    """A competition on disk with three teams, its store, and what works on it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store_folder, self.inbox = folder, folder / "store", folder / "inbox"
        for seed, name in enumerate(("feedback", "final", "final-2")):
            challenge_in(folder / name, seed=seed)
        self.fields: dict[str, Any] = copy.deepcopy(FIELDS)
        self.write()
        with closing(open_store(self.store_folder, create=True)) as store:
            for team in TEAMS:
                store.add_team(NAME, team, token_sha256=None, who="me")
                (self.inbox / team).mkdir(parents=True)
        self.stores = False
        """Whether evaluations are stored with their outputs; set before the first."""
        self.reports: list[str] = []
        self.scripts: dict[str, Scripted] = {}
        self.opened: list[tuple[str, str]] = []
        self.unusable: dict[str, RunnerError] = {}
        """Phases on which this host cannot evaluate."""

    def copied(self, folder: Path) -> Contest:
        """Return a copy in another folder, to be changed."""
        shutil.copytree(self.folder, folder)
        other = copy.copy(self)
        other.folder, other.store_folder, other.inbox = folder, folder / "store", folder / "inbox"
        other.fields, other.reports, other.opened = copy.deepcopy(self.fields), [], []
        other.scripts, other.unusable = {}, {}
        return other

    def write(self) -> None:
        (self.folder / COMPETITION_FILE).write_text(tomli_w.dumps(self.fields))

    def phase_fields(self, name: str = "feedback") -> dict[str, Any]:
        fields: dict[str, Any] = next(each for each in self.fields["phases"] if each["name"] == name)
        return fields

    def close_choice(self) -> None:
        """End the phase of hand-ins and the time in which teams may choose."""
        final = self.phase_fields("final")
        final["final"] = {**final["final"], "choose_by": local("2021-01-01T00:00:00")}
        self.phase_fields()["closes"] = local("2021-01-01T00:00:00")
        self.write()

    @property
    def competition(self) -> Competition:
        return load_competition(self.folder)

    @contextmanager
    def store(self) -> Iterator[Store]:
        with closing(open_store(self.store_folder, create=False)) as store:
            yield store

    def hand_in(self, team: str, name: str = "mine", code: str = "SHIFT = 0.0", suffix: str = ".py") -> Path:
        file = self.inbox / team / f"{name}{suffix}"
        file.write_text(f"{code}\ndef unlearning(net, retain, forget, val): ...\n")
        return file

    def sync(self, **clock: Any) -> list[SyncedFile]:
        with self.store() as store:
            intaker = Intaker(
                store=store,
                folder=self.store_folder,
                competition=self.competition,
                phase=self.competition.phase("feedback"),
                challenge=load_challenge(self.folder / "feedback"),
                **clock,
            )
            return list(intaker.sync(self.inbox))

    def script(self, challenge: str = "feedback") -> Scripted:
        if challenge not in self.scripts:
            loaded = load_challenge(self.folder / challenge)
            self.scripts[challenge] = Scripted(self.store_folder, loaded, self.stores)
        return self.scripts[challenge]

    def work(self, most: int | None = None, *, later: timedelta = timedelta()) -> int:
        """Work the queue with a clock that is so much later than the true one."""

        @contextmanager
        def open_evaluator(phase: Phase, challenge: str) -> Iterator[EntryEvaluator]:
            self.opened.append((phase.name, challenge))
            if phase.name in self.unusable:
                raise self.unusable[phase.name]
            yield self.script(challenge)

        with self.store() as store:
            worker = Worker(
                store=store,
                folder=self.store_folder,
                competition_folder=self.folder,
                competition=self.competition,
                open_evaluator=open_evaluator,
                report=self.reports.append,
                clock=lambda: datetime.now(UTC) + later,
            )
            return worker.work(most)

    def entries(self, **selected: Any) -> list[CompetitionEntry]:
        with self.store() as store:
            return store.competition_entries(NAME, **selected)

    def states(self) -> dict[str, str]:
        """Return the state of each entry, by team and file."""
        return {f"{entry.team}/{entry.file_name}": str(entry.state) for entry in self.entries()}


@pytest.fixture(scope="session")
def contest_template(tmp_path_factory: pytest.TempPathFactory) -> Contest:
    """Return a contest that no test changes."""
    return Contest(tmp_path_factory.mktemp("template") / "contest")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let the tests of what acts on a store run on every database; those of commands see files and words."""
    module = metafunc.module.__name__.rpartition(".")[2]
    if "contest" in metafunc.fixturenames and module in ON_EVERY_DATABASE:
        metafunc.parametrize("database", DATABASES)
    elif "contest" in metafunc.fixturenames and module in ALSO_BUT_SLOWLY:
        metafunc.parametrize("database", [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.slow)])


@pytest.fixture
def database() -> str:
    return SQLITE


@pytest.fixture
def contest(
    contest_template: Contest, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> Iterator[Contest]:
    copy = contest_template.copied(tmp_path / "contest")
    if database == SQLITE:
        yield copy
        return
    server: Server = request.getfixturevalue("postgresql")
    name = move_rows(copy.store_folder, server)
    yield copy
    server.release(name)


def errors_of(contest: Contest, name: str, *errors: RunnerError | BaseException) -> None:
    """Let the evaluation of a submission fail so often."""
    contest.script().errors[name] = list(errors)
