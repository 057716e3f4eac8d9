"""`unlearn leaderboard` on a store: what is computed once, what has no rank, pages, CSV and JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.challenge.load import load_challenge
from runner.cli.main import run_words
from runner.cli.organizer.leaderboard import leaderboard_command
from runner.errors import ConfigurationError
from runner.leaderboard.model import Board
from runner.leaderboard.stored.conditions import conditions_of
from runner.leaderboard.stored.halves import halves_of
from runner.progress import NullReporter
from runner.results.scoring import load_populations
from runner.store.leaderboard.records import StoredConditions
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.paths import EvaluationPaths
from runner.store.store import Store
from runner.verdict import Verdict
from scoring.statistics.comparison import ModelOutputs, compare
from scoring.statistics.halves import HalvedScore
from tests.runner.leaderboard.rendering import csv_rows, page_tables
from tests.runner.leaderboard.stored import add_evaluation, add_refused, challenge_in, sql

SECRET = "pixels-7-31"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a challenge and a store: two like the references, one far off, one failed, others."""
    folder = tmp_path_factory.mktemp("board")
    challenge, store = challenge_in(folder / "hidden"), folder / "store"
    add_evaluation(store, challenge, "good", names=("copy of good",))
    add_evaluation(store, challenge, "nearly")
    add_evaluation(store, challenge, "far", shift=6.0)
    add_evaluation(store, challenge, "crashes", verdict=Verdict.CRASHED, detail=f"ValueError: {SECRET}")
    add_evaluation(store, challenge, "smoke", n=2)
    add_evaluation(store, challenge, "sealed", isolation="container")
    add_refused(store, challenge, "broken", f"it is no zip archive: {SECRET}")
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """Return a copy, to be changed; the challenge stays where it was."""
    shutil.copytree(template / "store", tmp_path / "store")
    return tmp_path


@pytest.fixture
def board(folder: Path, template: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Json]:
    """Return the function that returns the JSON of the leaderboard of the copied store."""

    def read(**options: Any) -> Json:
        capsys.readouterr()
        leaderboard_command(
            **{"challenge": str(template / "hidden"), "store": folder / "store", "as_json": True, **options}
        )
        value: Json = json.loads(capsys.readouterr().out)
        return value

    return read


def names(rows: list[Json]) -> list[str]:
    return [row["submission"] for row in rows]


def sections(board: Json) -> dict[str, list[str]]:
    return {section["kind"]: names(section["rows"]) for section in board["sections"]}


def evaluation_of(folder: Path, name: str) -> str:
    ((identity,),) = sql(folder / "store", "SELECT id FROM evaluations WHERE submission = ?", name)
    return str(identity)


def test_who_stands_where(board: Callable[..., Json]) -> None:
    """Copies share an evaluation and a group; another isolation is another table; the rest has a reason."""
    value = board()
    assert Board.model_validate(value)
    first, second = value["tables"]
    assert (first["conditions"]["isolation"], second["conditions"]["isolation"]) == ("process", "container")
    assert (first["conditions"]["runtime"], first["conditions"]["n"], first["conditions"]["scorer"]) == (
        "runc",
        32,
        1,
    )
    assert set(names(first["rows"])) == {"good", "copy of good", "nearly", "far"}
    assert first["rows"][-1]["submission"] == "far"
    assert [(row["first_rank"], row["last_rank"]) for row in first["rows"]] == [(1, 3)] * 3 + [(4, 4)]
    assert names(second["rows"]) == ["sealed"]
    assert sections(value) == {"failed": ["crashes"], "refused": ["broken"], "smoke-test": ["smoke"]}
    reasons = {row["submission"]: row["reason"] for section in value["sections"] for row in section["rows"]}
    assert SECRET in reasons["crashes"]
    assert reasons["smoke"] == "fewer than 16 runs, too few for a score"
    assert SECRET in reasons["broken"]
    assert all(row["time_share"] == pytest.approx(1 / 60) for row in first["rows"])


def test_what_was_computed_is_not_computed_again(board: Callable[..., Json], folder: Path) -> None:
    """Without any outputs the same board results; only what is not stored needs its outputs, of one row."""
    first = board()
    for name in ("good", "nearly", "sealed"):
        shutil.rmtree(folder / "store" / evaluation_of(folder, name) / "outputs")
    assert board() == first
    sql(folder / "store", "DELETE FROM halved_scores WHERE evaluation = ?", evaluation_of(folder, "far"))
    assert board() == first
    other = board(seed=first["seed"] + 1)
    assert sections(other)["invalid"] == ["good", "copy of good", "nearly", "sealed"], (
        "another seed is computed"
    )
    assert board() == first


def test_ranks_are_those_of_compare(board: Callable[..., Json], folder: Path, template: Path) -> None:
    """The stored halves of each evaluation give the paired intervals that a whole comparison computes."""
    value = board()
    rows = {row["submission"]: row for row in value["tables"][0]["rows"]}
    challenge = load_challenge(template / "hidden")
    models = []
    with closing(open_store(folder / "store", create=False)) as store:
        for name in ("good", "nearly", "far"):
            identity = rows[name]["evaluation"]
            outputs = EvaluationPaths(folder=folder / "store" / identity).outputs
            models.append(load_populations(challenge, store.runs(identity), outputs))
    unlearned = [
        ModelOutputs(confidences=each.confidences(), accuracies=each.accuracies()) for each, _ in models
    ]
    base = models[0][1]
    references = ModelOutputs(confidences=base.confidences(), accuracies=base.accuracies())
    ranking = compare(unlearned, references, seed=value["seed"]).score
    for at, name in enumerate(("good", "nearly", "far")):
        assert rows[name]["score"] == pytest.approx(ranking.value[at])
    better, worse = (0, 1) if ranking.value[0] > ranking.value[1] else (1, 0)
    low = ranking.difference_low
    assert low[better, worse] <= 0 < low[better, 2], "the tie and the difference of the board"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda paths: paths.outputs(3).unlink(), "outputs of run 3 are missing"),
        (
            lambda paths: paths.outputs(3).write_bytes(paths.outputs(4).read_bytes()),
            "run 3 are missing or were changed",
        ),
        (lambda paths: paths.manifest.write_text("{}"), "manifest is missing or was changed"),
        (lambda paths: paths.manifest.unlink(), "manifest is missing or was changed"),
        (lambda paths: paths.card.write_text("{}"), "score card is missing or was changed"),
    ],
    ids=["no output", "other output", "other manifest", "no manifest", "other card"],
)
def test_damaged_files_cost_their_row_the_rank_and_no_other(
    board: Callable[..., Json], folder: Path, damage: Callable[[EvaluationPaths], Any], reason: str
) -> None:
    """It is listed as not valid; the others have the ranks that they would have without it."""
    damage(EvaluationPaths(folder=folder / "store" / evaluation_of(folder, "nearly")))
    value = board()
    (row,) = next(section["rows"] for section in value["sections"] if section["kind"] == "invalid")
    assert (row["submission"], row["first_rank"], row["score"]) == ("nearly", None, None)
    assert reason in row["reason"]
    ranks = [(row["first_rank"], row["last_rank"]) for row in value["tables"][0]["rows"]]
    assert ranks == [(1, 2), (1, 2), (3, 3)]


def test_scores_of_another_scorer_are_in_a_table_that_claims_no_difference(
    board: Callable[..., Json], folder: Path
) -> None:
    """This version cannot compute their noise: they share all ranks, and the table says why."""
    first = board()
    for name in ("nearly", "far"):
        statement = (
            "UPDATE conditions SET conditions = json_set(conditions, '$.scorer', 2) WHERE evaluation = ?"
        )
        sql(folder / "store", statement, evaluation_of(folder, name))
    tables = board()["tables"]
    assert first["tables"][0]["conditions"]["scorer"] == 1
    (other,) = [table for table in tables if table["conditions"]["scorer"] == 2]
    assert names(other["rows"]) == ["nearly", "far"]
    assert {(row["first_rank"], row["last_rank"]) for row in other["rows"]} == {(1, 2)}
    assert "another version of the scorer" in other["remarks"][0]


@pytest.mark.parametrize(("outcome", "kind"), [("held", "held"), (None, "unfinished")])
def test_an_entry_whose_evaluation_never_began_is_listed(
    board: Callable[..., Json], folder: Path, outcome: str | None, kind: str
) -> None:
    """The sandbox was lost before, or the command was killed: nobody's hand-in disappears."""
    sql(
        folder / "store",
        "UPDATE entries SET evaluation = 'ffffffffffff', outcome = ?, reason = ? WHERE name = 'broken'",
        outcome,
        "the engine is gone" if outcome else None,
    )
    (section,) = [section for section in board()["sections"] if section["kind"] == kind]
    assert names(section["rows"]) == ["broken"]
    assert section["rows"][0]["reason"] == ("the engine is gone" if outcome else "not begun")


def test_a_verification_is_shown_and_a_mismatch_costs_the_rank(
    board: Callable[..., Json], folder: Path
) -> None:
    """Until it is verified again, or evaluated again."""
    identity = evaluation_of(folder, "far")
    with closing(open_store(folder / "store", create=False)) as store:
        manifest = store.evaluation(identity).manifest_sha256
        store.record_verification(identity, manifest, reruns=2, mismatches=0)
        verified = board()["tables"][0]["rows"][-1]
        assert (verified["submission"], verified["reruns"]) == ("far", 2)
        assert verified["verified_at"] is not None
        store.record_verification(identity, manifest, reruns=0, mismatches=3)
        assert sections(board())["invalid"] == ["far"]
        store.record_verification(identity, "0" * 64, reruns=0, mismatches=3)  # of an earlier manifest
        assert names(board()["tables"][0]["rows"])[-1] == "far"


def test_a_baseline_is_a_line_without_a_rank(board: Callable[..., Json], folder: Path) -> None:
    """By any name that show accepts; it must be on the challenge."""
    (table, _) = board(baseline=["nearly"])["tables"]
    assert names(table["baselines"]) == ["nearly"]
    assert [(row["first_rank"], row["last_rank"]) for row in table["rows"]] == [(1, 2), (1, 2), (3, 3)]
    assert (table["baselines"][0]["first_rank"], table["baselines"][0]["last_rank"]) == (1, 3)
    with pytest.raises(ConfigurationError, match="No evaluation begins with 'nobody'"):
        board(baseline=["nobody"])


def test_a_challenge_is_named_by_folder_name_or_hash(
    board: Callable[..., Json], template: Path, folder: Path
) -> None:
    """Another one in the store is left out, and has to be named where there are two."""
    other = challenge_in(folder / "other", seed=1)
    add_evaluation(folder / "store", other, "elsewhere")
    value = board()
    assert "elsewhere" not in json.dumps(value)
    sha256 = value["tables"][0]["conditions"]["challenge_sha256"]
    assert board(challenge=sha256[:8]) == value
    assert names(board(challenge=str(folder / "other"))["tables"][0]["rows"]) == ["elsewhere"]
    with pytest.raises(ConfigurationError, match="several challenges; name one"):
        board(challenge=None)
    by_name = board(challenge="tiny")
    assert len({table["conditions"]["challenge_sha256"] for table in by_name["tables"]}) == 2
    with pytest.raises(ConfigurationError, match="is on"):
        board(challenge="unknown")


def test_a_challenge_that_has_moved_has_to_be_named(
    board: Callable[..., Json], template: Path, folder: Path
) -> None:
    """The sentence names it; with the folder the same ranks result."""
    sql(folder / "store", "UPDATE evaluations SET challenge_folder = ?", str(folder / "gone"))
    with pytest.raises(ConfigurationError, match=r"is not at .*gone; name its folder with --challenge"):
        board(challenge=None)
    assert names(board()["tables"][0]["rows"])[-1] == "far"


def test_the_public_sees_no_text_of_a_submission(
    board: Callable[..., Json], folder: Path, template: Path
) -> None:
    """In JSON, CSV and pages."""
    target: dict[str, Any] = {
        "challenge": str(template / "hidden"),
        "store": folder / "store",
        "participant": True,
    }
    value = board(participant=True)
    assert SECRET not in json.dumps(value)
    assert (value["seed"], value["audience"]) == (None, "public")
    leaderboard_command(**target, csv=folder / "board.csv")
    leaderboard_command(**target, html=folder / "site")
    texts = [
        (folder / "board.csv").read_text(),
        *(file.read_text() for file in (folder / "site").rglob("*.html")),
    ]
    assert len(texts) == 1 + 1 + 8
    assert not [text for text in texts if SECRET in text or evaluation_of(folder, "good") in text]


def test_pages_have_a_report_for_each_row(
    tmp_path: Path, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every link leads to a file and every file is linked; unchanged reports are taken over; what is gone goes."""
    store, site, challenge = tmp_path / "store", tmp_path / "site", load_challenge(template / "hidden")
    add_evaluation(store, challenge, "good")
    crashed = add_evaluation(store, challenge, "crashes", verdict=Verdict.CRASHED, detail="ValueError: x")
    add_refused(store, challenge, "broken", "it is no zip archive")
    leaderboard_command(store=store, html=site)
    printed = capsys.readouterr()
    assert printed.out == f"Leaderboard: {site / 'index.html'}\n"
    assert "4 pages, 4 of them new" in printed.err
    page = page_tables((site / "index.html").read_text())
    reports = {f"reports/{file.name}" for file in (site / "reports").iterdir()}
    assert {link for link in page.links if link.startswith("reports/")} == reports
    assert len(reports) == 3
    texts = [file.read_text() for file in (site / "reports").iterdir()]
    assert sum("ValueError: x" in text for text in texts) == 1
    assert sum("Where points are lost" in text for text in texts) == 1, "a whole report of the scored one"
    leaderboard_command(store=store, html=site)
    assert "4 pages, 0 of them new" in capsys.readouterr().err
    with closing(open_store(store, create=False)) as opened:
        opened.remove(crashed)
    leaderboard_command(store=store, html=site)
    assert "3 pages, 1 of them new" in capsys.readouterr().err
    assert len(list((site / "reports").iterdir())) == 2
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_csv_is_not_overwritten_unasked(folder: Path, template: Path) -> None:
    """And its name must end with .csv."""
    options: dict[str, Any] = {"challenge": str(template / "hidden"), "store": folder / "store"}
    file = folder / "board.csv"
    leaderboard_command(**options, csv=file)
    rows = csv_rows(file.read_bytes())
    assert [row["kind"] for row in rows] == ["ranked"] * 5 + ["failed", "refused", "smoke-test"]
    with pytest.raises(ConfigurationError, match="exists already"):
        leaderboard_command(**options, csv=file)
    leaderboard_command(**options, csv=file, overwrite=True)
    with pytest.raises(ConfigurationError, match=r"--csv writes \.csv"):
        leaderboard_command(**options, csv=folder / "board.xlsx")
    others: tuple[dict[str, Any], ...] = ({"csv": folder / "new.csv"}, {"html": folder / "pages"})
    for other in others:
        with pytest.raises(ConfigurationError, match="name it alone"):
            leaderboard_command(**options, **other, as_json=True)
    leaderboard_command(**options, csv=folder / "new.csv", html=folder / "pages")
    assert (folder / "new.csv").read_bytes() == file.read_bytes()
    assert (folder / "pages" / "index.html").is_file()
    with pytest.raises(ConfigurationError, match=r"below 2\^32"):
        leaderboard_command(**options, seed=1 << 32)
    with pytest.raises(ConfigurationError, match="goes with --csv"):
        leaderboard_command(**options, overwrite=True)


def test_a_store_that_cannot_be_written_is_read(folder: Path, template: Path) -> None:
    """What is missing is computed, and not stored."""
    file = folder / "store" / DATABASE_FILE
    before = file.read_bytes()
    challenge = load_challenge(template / "hidden")
    with closing(Store(f"sqlite:///file:{file}?mode=ro&immutable=1&uri=true", writable=False)) as store:
        scored = [store.evaluation(evaluation_of(folder, name)) for name in ("good", "far")]
        conditions = conditions_of(store, folder / "store", scored)
        scores = halves_of(
            store, folder / "store", scored, seed=1, challenge=lambda: challenge, reporter=NullReporter()
        )
    assert {type(value) for value in conditions.values()} == {StoredConditions}
    assert {type(value) for value in scores.values()} == {HalvedScore}
    assert file.read_bytes() == before


@pytest.mark.parametrize("columns", ["80", "200"])
def test_the_command_line_prints_the_table(
    folder: Path,
    template: Path,
    columns: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a terminal there is no colour; nothing is wider than the terminal."""
    monkeypatch.setenv("COLUMNS", columns)
    words = ["leaderboard", "--challenge", str(template / "hidden"), "--store", str(folder / "store")]
    run_words(words)
    text = capsys.readouterr().out
    assert "\x1b" not in text
    tables = [line for line in text.splitlines() if "±" in line or "crashed" in line]
    assert tables
    assert max(map(len, tables)) <= int(columns)
    assert "1\u20133" in text


def test_an_empty_store_has_an_empty_leaderboard(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a folder that is no store is named."""
    open_store(tmp_path / "empty", create=True).close()
    leaderboard_command(store=tmp_path / "empty", as_json=True)
    assert json.loads(capsys.readouterr().out)["tables"] == []
    leaderboard_command(store=tmp_path / "empty")
    assert "No submission has a rank yet." in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match="nowhere"):
        leaderboard_command(store=tmp_path / "nowhere")
