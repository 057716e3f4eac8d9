"""`unlearn competition clean` removes what is past its days, and nothing that anybody needs."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.cli.main import run_words
from runner.competition.intake import Intake
from runner.competition.states import EntryState
from runner.contest.board import phase_board
from runner.contest.opened import OpenContest, open_contest
from runner.contest.rejudging.review import selected_entries
from runner.errors import ConfigurationError
from runner.progress import NullReporter
from runner.store.competition.records import Act, CompetitionEntry, NewCompetitionEntry
from runner.store.lease import evaluation_lease
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths, archive_path
from tests.runner.contest.conftest import NAME, Contest, local
from tests.runner.leaderboard.stored import sql

Json = dict[str, Any]
ACT = Act(who="me", act="test", subject="", reason="a test")


@pytest.fixture(scope="module")
def ended_template(contest_template: Contest, tmp_path_factory: pytest.TempPathFactory) -> Contest:
    """Return a contest that is over: alpha's entry 1 is its best, 2 is worse; beta's 3 failed, 4 is alike 2."""
    contest = contest_template.copied(tmp_path_factory.mktemp("ended") / "contest")
    contest.stores = True
    for team, name, code in (
        ("alpha", "best", "SHIFT = 0.0"),
        ("alpha", "worse", "SHIFT = 6.0"),
        ("beta", "crash", "CRASH = 1"),
        ("beta", "copy", "SHIFT = 6.0"),
    ):
        contest.hand_in(team, name, code=code)
        contest.sync()
    contest.work()
    for entry in contest.entries():
        checkpoint = EvaluationPaths(folder=contest.store_folder / (entry.evaluation or "")).checkpoint(0)
        checkpoint.parent.mkdir(exist_ok=True)
        checkpoint.write_bytes(b"weights")
    sql(contest.store_folder, "DELETE FROM entries")  # those of `unlearn run`, which the stand-in adds
    contest.close_choice()
    contest.phase_fields("final")["opens"] = local("2021-01-01T00:00:00")
    contest.phase_fields("final")["closes"] = local("2021-02-01T00:00:00")
    contest.fields["retention"] = {"uploads_days": 10, "outputs_days": 10, "checkpoints_days": 0}
    contest.write()
    return contest


@pytest.fixture
def ended(ended_template: Contest, tmp_path: Path) -> Contest:
    return ended_template.copied(tmp_path / "contest")


@pytest.fixture
def typed(ended: Contest, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str) -> str:
        capsys.readouterr()
        store = ["--store", str(ended.store_folder)]
        run_words(["competition", "clean", str(ended.folder), *words, *store])
        return capsys.readouterr().out

    return run


def present(contest: Contest) -> dict[int, tuple[bool, bool, bool]]:
    """Return of each entry whether its archive, its outputs and its checkpoints are on disk."""

    def has(entry: CompetitionEntry) -> tuple[bool, bool, bool]:
        paths = EvaluationPaths(folder=contest.store_folder / (entry.evaluation or "-"))
        return (
            archive_path(contest.store_folder, entry.archive_sha256 or "").is_file(),
            paths.outputs(0).is_file(),
            paths.checkpoint(0).is_file(),
        )

    return {entry.id: has(entry) for entry in contest.entries()}


ALL, NOTHING = (True, True, True), (False, False, False)


def withdraw(contest: Contest, *numbers: int) -> None:
    with contest.store() as store:
        for number in numbers:
            store.move_entry(number, EntryState.WITHDRAWN, reason="by mail", act=ACT)


def test_what_is_past_is_removed_and_results_stay(ended: Contest, typed: Any) -> None:
    """Entry 4 is beta's best and has the content of alpha's 2, so the files of both stay; 3 failed."""
    assert present(ended) == dict.fromkeys((1, 2, 3, 4), ALL)
    out = typed("--dry-run")
    assert "would be freed" in out
    assert present(ended) == dict.fromkeys((1, 2, 3, 4), ALL)
    out = typed()
    for kind in ("uploads", "outputs", "checkpoints"):
        assert kind in out
    assert present(ended) == {1: ALL, 2: ALL, 3: NOTHING, 4: ALL}
    assert "nothing to remove" in typed()
    with ended.store() as store:
        acts = [act for act in store.audit(NAME) if act.act == "clean"]
    assert [act.subject for act in acts] == ["uploads", "outputs", "checkpoints"]
    assert all((act.reason or "").endswith("of 1 entry: 3") for act in acts)


def test_boards_stay_as_they_were(ended: Contest, typed: Any) -> None:
    """What is compared is computed before outputs go: rows that are no results keep score and rank."""

    def board() -> list[tuple[Any, ...]]:
        with open_contest(ended.folder, ended.store_folder) as opened:
            rows = phase_board(opened, opened.phase("feedback"), NullReporter()).for_organizers().all_rows()
        return [(row.entry, row.status, row.score, row.first_rank, row.last_rank) for row in rows]

    withdraw(ended, 4)
    typed()
    assert present(ended) == {1: ALL, 2: NOTHING, 3: NOTHING, 4: NOTHING}
    after = board()
    assert {(entry, status) for entry, status, *_rest in after} == {
        (1, "scored"),
        (2, "scored"),
        (3, "failed"),
        (4, "withdrawn"),
    }
    assert all(row[3] is not None for row in after if row[1] == "scored")


def test_days_that_are_not_over_keep_everything(ended: Contest, typed: Any) -> None:
    """Also where no number is stated, and of phases that are no longer in the file."""
    ended.phase_fields("final")["closes"] = local("2100-01-01T00:00:00")
    ended.write()
    typed()
    assert present(ended) == dict.fromkeys((1, 2, 3, 4), ALL)
    ended.phase_fields("final")["closes"] = local("2021-02-01T00:00:00")
    del ended.fields["retention"]
    ended.write()
    assert "nothing to remove" in typed()
    assert present(ended) == dict.fromkeys((1, 2, 3, 4), ALL)


def test_what_others_need_stays(ended: Contest, typed: Any) -> None:
    """A choice, evidence, a rejudging: each keeps the files, and the table says why."""
    with ended.store() as store:
        store.choose_entries(NAME, "final", "alpha", [2], require=lambda _now: None, act=ACT)
        store.begin_rejudging(NAME, [3], act=ACT)
    ended.work()
    with ended.store() as store:
        store.apply_rejudging(NAME, 1, act=ACT)
        store.move_entry(4, EntryState.DISQUALIFIED, reason="copied", act=ACT)
    answer: Json = json.loads(typed("--json"))
    assert answer["expired"] == []
    assert answer["kept"] == {
        "best of its team": 1,
        "chosen for a final": 1,
        "judged again": 2,
        "disqualified: evidence": 1,
    }
    assert present(ended)[3] == ALL


def test_files_of_other_competitions_stay(ended: Contest, typed: Any) -> None:
    """In the same store: an entry with the same archive, or of the same evaluation."""
    failed = ended.entries()[2]
    with ended.store() as store:
        store.add_team("Another", "delta", token_sha256=None, who="me")
        new = NewCompetitionEntry(
            competition="Another",
            phase="feedback",
            team="delta",
            file_name="same.py",
            archive_sha256=failed.archive_sha256,
            bytes=1,
            challenge="feedback",
            idempotency_key="1",
        )
        store.queue_entries("Another", lambda: [new], act=ACT)
        (entry,) = store.competition_entries("Another")
        store.move_entry(entry.id, EntryState.RUNNING, evaluation=failed.evaluation)
    typed()
    assert present(ended)[3] == ALL


def test_what_was_also_run_by_hand_stays(ended: Contest, typed: Any) -> None:
    """An evaluation that `unlearn run` has an entry of is no competition's to clean."""
    evaluation = ended.entries()[2].evaluation
    sql(
        ended.store_folder,
        "INSERT INTO entries (command, received, name, challenge, challenge_sha256, n, evaluation) "
        "VALUES ('', '2026-01-01 00:00:00', 'x', 'x', 'x', 1, ?)",
        evaluation,
    )
    typed()
    assert present(ended)[3] == (False, True, True)


def test_what_is_handed_in_meanwhile_keeps_its_archive(
    ended: Contest, typed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boards are computed first, which may take minutes; what then needs a file is looked at again."""
    sha256 = ended.entries()[2].archive_sha256
    assert sha256 is not None

    def hand_in(contest: OpenContest, *_rest: object) -> None:
        contest.store.take_entry(
            NewCompetitionEntry(
                competition=NAME,
                phase="practice",
                team="alpha",
                file_name="again.py",
                archive_sha256=sha256,
                bytes=1,
                challenge="practice",
                idempotency_key="again",
            ),
            lambda _past, _now: Intake(state=EntryState.RECEIVED),
            steps=(EntryState.CHECKING, EntryState.QUEUED),
        )

    monkeypatch.setattr("runner.contest.retention.phase_board", hand_in)
    answer: Json = json.loads(typed("--json"))
    assert ("uploads", True) in {(each["kind"], each["in_use"]) for each in answer["expired"]}
    assert archive_path(ended.store_folder, sha256).is_file()


def test_what_has_no_files_is_not_judged_again(ended: Contest, typed: Any) -> None:
    """A rejudging with it could never be applied as a whole."""
    typed()
    notes: list[str] = []
    with open_contest(ended.folder, ended.store_folder) as opened:
        phase = opened.phase("feedback")
        assert selected_entries(opened, phase, [], note=notes.append) == [1, 2, 4]
        with pytest.raises(ConfigurationError, match="entry 3 were removed"):
            selected_entries(opened, phase, [3])
    assert notes == ["1 entry is left out, because files were removed: 3"]


def test_what_is_in_use_stays_until_it_is_not(ended: Contest, typed: Any) -> None:
    """A process that holds the lease of an evaluation keeps its files; the archive is nobody's then."""
    name = ended.entries()[2].evaluation or ""
    with (
        closing(open_store(ended.store_folder, create=False)) as store,
        evaluation_lease(store.database, ended.store_folder, name),
    ):
        answer: Json = json.loads(typed("--json"))
    assert [each["kind"] for each in answer["expired"] if each["in_use"]] == ["outputs", "checkpoints"]
    assert present(ended)[3] == (False, True, True)
    typed()
    assert present(ended)[3] == NOTHING
