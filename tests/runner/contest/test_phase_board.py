"""What is shown of a phase: the best entry of each team, by freeze, names and policy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.competition.states import EntryState
from runner.contest.audience import anonymous_name
from runner.contest.board import PhaseBoard, phase_board
from runner.contest.opened import open_contest
from runner.leaderboard.model import Board
from runner.progress import NullReporter
from runner.store.competition.records import Act
from runner.submission.pack import pack_paths
from tests.runner.contest.conftest import NAME, Contest, local

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def evaluated_template(contest_template: Contest, tmp_path_factory: pytest.TempPathFactory) -> Contest:
    """Return a contest in which alpha has two scores, beta alpha's worse content, and gamma a failure."""
    contest = contest_template.copied(tmp_path_factory.mktemp("evaluated") / "contest")
    contest.stores = True
    contest.hand_in("alpha", "far", code="SHIFT = 6.0")
    contest.hand_in("beta", "copy", code="SHIFT = 6.0")
    contest.hand_in("gamma", "crash", code="CRASH = 'pixels-7-31'")
    contest.hand_in("gamma", "no", suffix=".txt")
    contest.sync()
    contest.hand_in("alpha", "near", code="SHIFT = 0.0")
    contest.sync()
    contest.work()
    board_of(contest)  # computes once what is compared
    return contest


@pytest.fixture
def evaluated(evaluated_template: Contest, tmp_path: Path) -> Contest:
    return evaluated_template.copied(tmp_path / "contest")


def board_of(contest: Contest, **policy: Any) -> PhaseBoard:
    contest.phase_fields()["leaderboard"] = policy
    contest.write()
    with open_contest(contest.folder, contest.store_folder) as opened:
        return phase_board(opened, opened.phase("feedback"), NullReporter())


def rows(board: Board) -> list[tuple[str | None, str]]:
    return [(row.team, row.submission) for row in board.all_rows()]


def test_the_best_entry_of_each_team_is_shown(evaluated: Contest) -> None:
    """With ranks to everybody; what failed or was refused is for organizers and for its own team."""
    board = board_of(evaluated)
    public = board.for_public()
    assert rows(public) == [("alpha", "near"), ("beta", "copy")]
    assert [row.first_rank for row in public.all_rows()] == [1, 2]
    assert "pixels" not in public.model_dump_json()
    assert len(board.for_organizers().all_rows()) == len(evaluated.entries()) == 5
    verdicts, scores = board.own_results("gamma")
    assert scores == {}
    assert sorted(verdicts.values()) == ["crashed in 1 run", "the files are no submission"]
    assert len(board.own_results("alpha")[1]) == 2


def test_what_is_taken_out_has_no_rank(evaluated: Contest) -> None:
    """Of a team whose best is disqualified the next one counts; equal content of others stays."""
    near = next(entry for entry in evaluated.entries() if entry.file_name == "near.py")
    with evaluated.store() as store:
        for state in (EntryState.DISQUALIFIED,):
            store.move_entry(
                near.id, state, reason="copied", act=Act(who="me", act="disqualify", subject="1")
            )
    board = board_of(evaluated)
    assert sorted(rows(board.for_public())) == [("alpha", "far"), ("beta", "copy")]
    sections = {section.kind: section.rows for section in board.for_organizers().sections}
    assert [row.reason for row in sections["disqualified"]] == ["copied"]


def test_an_entry_has_no_score_before_its_state_says_so(evaluated: Contest) -> None:
    """Equal content, scored for another team already: until it is its turn it is not finished."""
    evaluated.hand_in("gamma", "late copy", code="SHIFT = 0.0")
    evaluated.sync()
    with evaluated.store() as store:
        entry = store.competition_entries(NAME)[-1]
        evaluation = next(
            each.evaluation
            for each in store.competition_entries(NAME)
            if each.archive_sha256 == entry.archive_sha256 and each.evaluation
        )
        store.move_entry(entry.id, EntryState.RUNNING, evaluation=evaluation)
    assert ("gamma", "late copy") not in rows(board_of(evaluated).for_public())


@pytest.mark.parametrize("hidden", [{"shown": False}, {"freezes": local("2020-01-01T00:00:00")}], ids=str)
def test_scores_that_are_not_shown(evaluated: Contest, hidden: dict[str, Any]) -> None:
    """Neither on the board nor to the team itself; the reason is stated, and organizers see all."""
    board = board_of(evaluated, **hidden)
    assert rows(board.for_public()) == rows(board.for_public("alpha")) == []
    assert board.own_results("alpha")[1] == {}
    assert len(board.remarks(NOW)) == 1
    assert len(board.for_organizers().tables[0].rows) == 3


def test_a_freeze_goes_by_the_time_received(evaluated: Contest) -> None:
    """What was received before it and is judged after it still updates the board; later ones do not."""
    near = next(entry for entry in evaluated.entries() if entry.file_name == "near.py")
    freezes = near.received.replace(tzinfo=None)
    board = board_of(evaluated, freezes=freezes)
    assert sorted(rows(board.for_public())) == [("alpha", "far"), ("beta", "copy")]
    assert near.id not in board.own_results("alpha")[1]
    assert board.remarks(near.received) != []
    assert board.remarks(datetime(2020, 1, 1, tzinfo=UTC)) == []
    thawed = board_of(evaluated)
    assert ("alpha", "near") in rows(thawed.for_public())


def test_anonymous_names(evaluated: Contest) -> None:
    """No name of a team or a file is shown but the reader's own; names stay the same, and need the secret."""
    board = board_of(evaluated, names="anonymous")
    text = board.for_public().model_dump_json()
    assert not [word for word in ("alpha", "beta", "near", "copy") if word in text]
    own = rows(board.for_public("alpha"))
    assert own[0] == ("alpha", "near")
    assert own[1] == rows(board.for_public())[1]
    assert [name for name, _ in rows(board.for_public())] == [
        anonymous_name(board.secret, team) for team in ("alpha", "beta")
    ]
    assert anonymous_name("another", "alpha") != anonymous_name(board.secret, "alpha")
    assert ("alpha", "near") in rows(board.for_organizers())


def test_every_entry_of_a_team_is_a_row(contest: Contest) -> None:
    """Also with the content and the name of another up to the suffix: what is withdrawn hides no score."""
    file = contest.hand_in("alpha", "mine")
    file.with_suffix(".zip").write_bytes(pack_paths(iter([("submission.py", file)])))
    contest.stores = True
    contest.sync()
    contest.work()
    first, second = contest.entries()
    assert first.evaluation == second.evaluation
    with contest.store() as store:
        act = Act(who="me", act="withdraw", subject="1")
        store.move_entry(first.id, EntryState.WITHDRAWN, reason="by mail", act=act)
    board = board_of(contest)
    assert rows(board.for_public()) == [("alpha", "mine.zip")]
    assert [row.entry for row in board.for_public().all_rows()] == [second.id]
    assert len(board.for_organizers().all_rows()) == 2
    assert list(board.own_results("alpha")[1]) == [second.id]


def test_an_empty_phase_has_an_empty_board(contest: Contest) -> None:
    """Before anybody has handed in."""
    board = board_of(contest)
    assert rows(board.for_public()) == rows(board.for_organizers()) == []


def test_files_that_differ_in_their_ending_have_rows_that_can_be_told_apart(contest: Contest) -> None:
    """`mine.py` and `mine.zip` of one team keep their endings; what no other is called like has none."""
    contest.stores = True
    contest.hand_in("alpha", "mine", code="SHIFT = 0.0")
    contest.hand_in("beta", "mine", code="SHIFT = 1.0")
    other = contest.hand_in("gamma", "other", code="SHIFT = 6.0")
    (contest.inbox / "alpha" / "mine.zip").write_bytes(pack_paths(iter([("submission.py", other)])))
    other.unlink()
    contest.sync()
    contest.work()
    board = board_of(contest).for_organizers()
    assert sorted(rows(board)) == [("alpha", "mine.py"), ("alpha", "mine.zip"), ("beta", "mine")]
