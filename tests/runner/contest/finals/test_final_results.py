"""The results of a final: ranks with noise, what they rest on, and who sees them."""

from __future__ import annotations

import hashlib
import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from runner.cli.main import run_words
from runner.competition.states import EntryState
from runner.contest.final import Final
from runner.contest.finals.results import final_results
from runner.contest.opened import open_contest
from runner.contest.service.snapshot import read_snapshot
from runner.errors import ConfigurationError
from runner.leaderboard.final_model import FinalResults
from runner.progress import NullReporter
from runner.store.competition.records import Act
from runner.store.paths import EvaluationPaths
from scoring.card.version import SCHEMA_VERSION
from tests.runner.contest.conftest import TEAMS, Contest

Json = dict[str, Any]
ACT = Act(who="me", act="test", subject="alpha", reason="a test")


@pytest.fixture(scope="module")
def played_template(contest_template: Contest, tmp_path_factory: pytest.TempPathFactory) -> Contest:
    """Return a contest whose final is evaluated: alpha and beta are as good, gamma is far off."""
    contest = contest_template.copied(tmp_path_factory.mktemp("played") / "contest")
    contest.stores = True
    for team, code in (("alpha", "SHIFT = 0.0"), ("beta", "SHIFT = 0.01"), ("gamma", "SHIFT = 6.0")):
        contest.hand_in(team, f"of-{team}", code=code)
    contest.sync()
    contest.work()
    contest.close_choice()
    with open_contest(contest.folder, contest.store_folder) as opened:
        Final(contest=opened, phase=opened.phase("final")).queue(who="me", now=datetime.now(UTC))
    contest.work()
    results(contest)  # computes once what is compared
    return contest


@pytest.fixture
def played(played_template: Contest, tmp_path: Path) -> Contest:
    return played_template.copied(tmp_path / "contest")


def results(contest: Contest) -> FinalResults:
    with open_contest(contest.folder, contest.store_folder) as opened:
        return final_results(Final(contest=opened, phase=opened.phase("final")), NullReporter())


def typed(contest: Contest, command: str, *words: object) -> None:
    store = ["--store", str(contest.store_folder)]
    run_words(["competition", command, str(contest.folder), *map(str, words), *store])


def shown(contest: Contest) -> FinalResults | None:
    """Return what the web service shows."""
    snapshot = read_snapshot(contest.store_folder, "final")
    return None if snapshot is None else snapshot.final


def test_entries_within_the_noise_share_their_ranks(played: Contest) -> None:
    """The order is that of the rule; a difference has its paired interval, and nothing is computed twice."""
    rows = results(played).rows
    assert [row.rank for row in rows] == [1, 2, 3]
    assert {row.team for row in rows[:2]} == {"alpha", "beta"}
    assert [(row.first_rank, row.last_rank) for row in rows] == [(1, 2), (1, 2), (3, 3)]
    for row in rows:
        assert row.combined == pytest.approx(sum(value or 0.0 for value in row.values) / 2)
        assert row.combined_low is not None
        assert row.combined_low <= (row.combined or 0.0)
    assert rows[0].behind is None
    assert rows[1].behind_low is not None
    assert rows[1].behind_low < 0 < (rows[2].behind_low or 0.0)
    for file in played.store_folder.glob("*/outputs/*.npz"):
        file.unlink()
    assert results(played).rows == rows


def test_what_is_not_known_of_the_noise_is_said(played: Contest) -> None:
    """Outputs that were lost before they were compared: the entry is told apart from nobody."""
    with played.store() as store, store.database.writing() as session:
        session.connection().exec_driver_sql("DELETE FROM halved_metrics")
    for file in played.store_folder.glob("*/outputs/00003.npz"):
        file.unlink()
    answer = results(played)
    assert [(row.first_rank, row.last_rank) for row in answer.rows] == [(1, 3)] * 3
    assert "the outputs of run 3 are missing" in answer.remarks[0]


def test_each_value_names_what_it_rests_on(played: Contest) -> None:
    """Challenges, image, versions, and hashes that can be computed again from the manifest."""
    answer = results(played)
    assert [each.sha256 for each in answer.challenges] == [
        hashlib.sha256((played.folder / name / "challenge.toml").read_bytes()).hexdigest()
        for name in ("final", "final-2")
    ]
    each = answer.rows[0].evaluations[1]
    assert each is not None
    assert each.evaluation is not None
    manifest = EvaluationPaths(folder=played.store_folder / each.evaluation).manifest.read_bytes()
    assert each.manifest_sha256 == hashlib.sha256(manifest).hexdigest()
    runs: list[Json] = json.loads(manifest)["runs"]
    seeds = "".join(f"{run['seed']}\n" for run in runs)
    outputs = "".join(f"{run['outputs_sha256']}\n" for run in runs)
    assert each.seeds_sha256 == hashlib.sha256(seeds.encode()).hexdigest()
    assert each.outputs_sha256 == hashlib.sha256(outputs.encode()).hexdigest()
    assert (each.image, each.runs, each.scorer) == ("b" * 64, len(runs), SCHEMA_VERSION)
    assert [(act.act, act.who) for act in answer.decisions] == [("final", "me")]


def test_results_are_seen_once_they_are_published(
    played: Contest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the service and as pages; hidden again they are not, and each is an act with its reason."""
    with pytest.raises(ConfigurationError, match="Say why with --reason"):
        typed(played, "final", "--publish")
    assert shown(played) is None
    typed(played, "final", "--publish", "--reason", "the committee has decided")
    published = shown(played)
    assert published is not None
    assert [row.team for row in published.rows] == [row.team for row in results(played).rows]
    assert [act.act for act in published.decisions] == ["final", "final publish"]
    typed(played, "publish", tmp_path / "public", "--phase", "final")
    page = (tmp_path / "public" / "final" / "index.html").read_text()
    for word in ("1–2", "results published", published.rows[0].team, published.challenges[0].sha256 or "-"):  # noqa: RUF001 - a range
        assert word in page
    data = json.loads((tmp_path / "public" / "final" / "results.json").read_text())
    assert FinalResults.model_validate_json(json.dumps(data)).rows == published.rows
    capsys.readouterr()
    typed(played, "final", "--json")
    answer: Json = json.loads(capsys.readouterr().out)
    assert (answer["published"], answer["waiting"]) == (True, 0)
    assert [each["first_rank"] for each in answer["standings"]] == [1, 1, 3]
    typed(played, "final", "--hide", "--reason", "an objection")
    assert shown(played) is None
    with pytest.raises(ConfigurationError, match="No leaderboard"):
        typed(played, "publish", tmp_path / "again", "--phase", "final")


def test_an_anonymous_final_names_no_team(played: Contest, tmp_path: Path) -> None:
    """Nor has it a hash by which a submission could be recognised, or what follows from one."""
    played.phase_fields("final")["leaderboard"] = {"names": "anonymous"}
    played.write()
    typed(played, "final", "--publish", "--reason", "decided")
    typed(played, "publish", tmp_path / "public", "--phase", "final")
    texts = [file.read_text() for file in (tmp_path / "public" / "final").glob("*.*")]
    entries = played.entries()
    told = {entry.archive_sha256 for entry in entries} | {entry.evaluation for entry in entries}
    seen = shown(played) or pytest.fail("not shown")
    for text in (*texts, seen.model_dump_json()):
        assert not [word for word in (*TEAMS, *told) if word and word in text]
    assert {row.entry for row in seen.rows} == {None}, "the earlier phase may name who handed it in"


def test_what_a_challenge_hides_is_no_figure_of_a_final(played: Contest) -> None:
    """A submission could hide images in the last digits of any metric."""
    file = played.folder / "final-2" / "challenge.toml"
    file.write_text(tomli_w.dumps({**tomllib.loads(file.read_text()), "feedback": "verdict-only"}))
    typed(played, "final", "--publish", "--reason", "decided")
    rows = (shown(played) or pytest.fail("not shown")).rows
    assert rows
    for row in rows:
        assert row.combined is not None
        assert row.combined == round(row.combined, 6)
        assert row.values == [value if value is None else round(value, 6) for value in row.values]
        assert (row.combined_low, row.combined_high, row.behind, row.behind_low) == (None,) * 4


def test_what_is_not_published(played: Contest) -> None:
    """Hidden scores, evaluations that have not ended, what is published already."""
    played.phase_fields("final")["leaderboard"] = {"shown": False}
    played.write()
    with pytest.raises(ConfigurationError, match="shown = false"):
        typed(played, "final", "--publish", "--reason", "decided")
    del played.phase_fields("final")["leaderboard"]
    played.write()
    with pytest.raises(ConfigurationError, match="are not published"):
        typed(played, "final", "--hide", "--reason", "decided")
    typed(played, "final", "--publish", "--reason", "decided")
    with pytest.raises(ConfigurationError, match="published already"):
        typed(played, "final", "--publish", "--reason", "decided")


def test_a_disqualification_changes_published_results(played: Contest) -> None:
    """At the next step of the evaluating process; the act is in the audit."""
    typed(played, "final", "--publish", "--reason", "decided")
    first = results(played).rows[0]
    assert first.entry is not None
    with played.store() as store:
        store.move_entry(first.entry, EntryState.DISQUALIFIED, reason="copied", act=ACT)
    typed(played, "evaluate", "--drain")
    assert first.team not in {row.team for row in (shown(played) or pytest.fail("not shown")).rows}


def test_the_export_has_what_results_rest_on(played: Contest, tmp_path: Path) -> None:
    """Standings with their noise, and for each value the seeds and hashes of all runs."""
    typed(played, "export", tmp_path / "out")
    finals: list[Json] = json.loads((tmp_path / "out" / "finals.json").read_text())
    assert [row["first_rank"] for row in finals] == [1, 1, 3]
    proofs: list[Json] = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert len(proofs) == 6
    assert {proof["evaluation"] for proof in proofs} == {
        entry.evaluation for entry in played.entries(phase="final")
    }
    assert all(len(proof["run_seeds"]) == proof["runs"] for proof in proofs)
    assert proofs[0]["decisions"][0]["act"] == "final"
    about: Json = json.loads((tmp_path / "out" / "export.json").read_text())
    assert about["store_revision"] == results(played).store_revision
    typed(played, "export", tmp_path / "anonymous", "--anonymous")
    text = "".join(file.read_text() for file in (tmp_path / "anonymous").glob("*.json"))
    assert not [word for word in (*TEAMS, '"me"') if word in text]
