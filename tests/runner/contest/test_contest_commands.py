"""The commands of a competition, from a team to the standings of a final; evaluations are scripted."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.cli.main import run_words
from runner.errors import ConfigurationError
from runner.store.listing import DATABASE_FILE
from tests.runner.contest.conftest import NAME, Contest, local
from tests.support.records import evaluation_record

Json = dict[str, Any]
EVALUATION = evaluation_record(submission_sha256="")
Typed = Callable[..., str]


@pytest.fixture
def typed(contest: Contest, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return what types a command on the competition and returns what it prints."""

    def run(command: str, *words: object) -> str:
        capsys.readouterr()
        run_words(
            [
                "competition",
                *command.split(),
                str(contest.folder),
                *map(str, words),
                "--store",
                str(contest.store_folder),
            ]
        )
        return capsys.readouterr().out

    return run


@pytest.fixture
def ask(typed: Typed) -> Callable[..., Json]:
    """Return what types a command and returns the JSON that it prints."""

    def run(command: str, *words: object) -> Json:
        value: Json = json.loads(typed(command, *words, "--json"))
        return value

    return run


def test_a_token_is_shown_once(contest: Contest, typed: Typed, ask: Callable[..., Json]) -> None:
    """The store has its hash and not the token; a revoked team is listed as such."""
    token = typed("team add", "delta").strip()
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    data = b"".join(
        file.read_bytes() for file in contest.store_folder.iterdir() if file.name.startswith(DATABASE_FILE)
    )
    assert token.encode() not in data
    assert hashlib.sha256(token.encode()).hexdigest().encode() in data
    typed("team revoke", "delta", "--reason", "withdrew")
    teams = {team["name"]: team for team in ask("team list")["teams"]}
    assert teams["delta"]["has_token"]
    assert teams["delta"]["revoked"]
    assert not teams["alpha"]["revoked"]
    assert "delta" in typed("team list")
    for name in ("delta", "Delta", "a/b", "..", "-x", "é", "x" * 41):
        with pytest.raises((ConfigurationError, SystemExit)):
            typed("team add", name)


def test_sync_says_what_became_of_each_file(contest: Contest, typed: Typed, ask: Callable[..., Json]) -> None:
    """New, refused, taken before, beyond the quota."""
    contest.phase_fields()["quota"] = {"per_day": 1}
    contest.write()
    contest.hand_in("alpha", "one")
    contest.hand_in("alpha", "two")
    contest.hand_in("beta", "bad", suffix=".txt")
    out = typed("sync", contest.inbox)
    assert "1 of them refused; 0 taken before; 1 file not taken" in out
    files = ask("sync", contest.inbox)["files"]
    assert [(file["file_name"], file["is_new"], file["entry"] is None) for file in files] == [
        ("one.py", False, False),
        ("two.py", False, True),
        ("bad.txt", False, False),
    ]
    assert files[1]["remaining"] == 0
    assert files[1]["resets_at"].endswith("+00:00")
    for words in (("--phase", "final"), ("--phase", "nothing")):
        if words[1] == "final":
            contest.hand_in("gamma")
            assert all(file["entry"] is None for file in ask("sync", contest.inbox, *words)["files"])
        else:
            with pytest.raises(ConfigurationError, match="no phase"):
                typed("sync", contest.inbox, *words)


def test_status_shows_queue_held_and_stuck(contest: Contest, typed: Typed, ask: Callable[..., Json]) -> None:
    """Positions in order; a state that lasts too long has a sentence that names who moves it on."""
    for team in ("alpha", "beta"):
        contest.hand_in(team)
    contest.sync()
    status = ask("status")
    assert [(each["team"], each["position"]) for each in status["queue"]] == [("alpha", 1), ("beta", 2)]
    assert status["phases"][0]["entries"] == {"queued": 2}
    assert status["stuck"] == status["held"] == []
    assert status["free_bytes"] > 0
    with closing(sqlite3.connect(contest.store_folder / DATABASE_FILE)) as connection, connection:
        old = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S.%f")
        connection.execute("UPDATE competition_entries SET state_since = ? WHERE id = 1", (old,))
    assert [entry["entry"] for entry in ask("status")["stuck"]] == [1]
    assert "2 entries in the queue" in typed("status")
    contest.phase_fields()["name"] = "renamed"
    contest.phase_fields("final")["final"] = {
        **contest.phase_fields("final")["final"],
        "entries_from": "renamed",
    }
    contest.write()
    assert ask("status")["queue"] == []
    typed("status")


def test_an_archive_that_an_entry_needs_stays(contest: Contest) -> None:
    """Whoever removes an evaluation does not take the code of the final along."""
    contest.hand_in("alpha")
    contest.sync()
    contest.work()
    (entry,) = contest.entries()
    with contest.store() as store:
        sha256 = entry.archive_sha256 or ""
        store.begin(replace(EVALUATION, submission_sha256=sha256))
        assert store.remove(EVALUATION.id) is None
        store.begin(replace(EVALUATION, submission_sha256="f" * 64))
        assert store.remove(EVALUATION.id) == "f" * 64


def test_acts_are_recorded_with_their_reasons(
    contest: Contest, typed: Typed, ask: Callable[..., Json]
) -> None:
    """Of organizers and of teams; what makes no sense is refused and not recorded."""
    for team in ("alpha", "beta", "gamma"):
        contest.hand_in(team)
    contest.sync()
    before = len(ask("audit")["acts"])
    typed("pause", "--reason", "a bug")
    assert "paused" in json.dumps(ask("status"))
    typed("resume")
    typed("withdraw", 1, "--reason", "by mail")
    typed("disqualify", 2, "--reason", "copied")
    typed("cancel", 3, "--as", "gamma")
    assert contest.states() == {
        "alpha/mine.py": "withdrawn",
        "beta/mine.py": "disqualified",
        "gamma/mine.py": "withdrawn",
    }
    acts = [(act["act"], act["subject"], act["reason"]) for act in ask("audit")["acts"][before:]]
    assert acts == [
        ("pause", NAME, "a bug"),
        ("resume", NAME, None),
        ("withdraw", "entry 1", "by mail"),
        ("disqualify", "entry 2", "copied"),
        ("cancel", "entry 3", None),
    ]
    for words in (
        ("withdraw", 1, "--reason", "again"),
        ("withdraw", 99, "--reason", "none"),
        ("withdraw", 1, "--reason", " "),
        ("admit", 1, "--reason", "why not"),
        ("cancel", 2, "--as", "beta"),
        ("cancel", 2, "--as", "alpha"),
        ("resume",),
        ("choose", 1, "--as", "alpha"),
    ):
        with pytest.raises(ConfigurationError):
            typed(*words)
    assert len(ask("audit")["acts"]) == before + 5
    assert "disqualify" in typed("audit")


def test_an_empty_queue_needs_no_engine(
    contest: Contest, typed: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does a paused one; the command says why nothing was done."""
    assert typed("evaluate", "--drain") == "0 evaluations\n"
    contest.hand_in("alpha")
    contest.sync()
    typed("pause", "--reason", "a bug")
    run_words(
        ["competition", "evaluate", str(contest.folder), "--drain", "--store", str(contest.store_folder)]
    )
    assert "is paused" in capsys.readouterr().err


@pytest.mark.parametrize("state", ["late", "held"])
def test_an_organizer_admits(contest: Contest, typed: Typed, state: str) -> None:
    """A late entry, or one that was held too often, is evaluated after all."""
    if state == "late":
        contest.phase_fields().update(late="record", closes=local("2021-01-01T00:00:00"))
        contest.write()
    contest.hand_in("alpha")
    contest.sync()
    if state == "held":
        contest.script().errors["mine"] = [KeyError("a bug")]
        contest.work()
    assert contest.states() == {"alpha/mine.py": state}
    typed("admit", 1, "--reason", "our network was down")
    contest.work()
    assert contest.states() == {"alpha/mine.py": "scored"}


def test_a_team_sees_its_entries_and_no_secret(
    contest: Contest, typed: Typed, ask: Callable[..., Json]
) -> None:
    """States, scores, quota and board; not the text of a run, nor another team's entries."""
    contest.stores = True
    contest.phase_fields()["quota"] = {"per_day": 3}
    contest.write()
    contest.hand_in("alpha", "good")
    contest.hand_in("alpha", "crash", code="CRASH = True")
    contest.hand_in("beta", "secret-plan", code="SHIFT = 6.0")
    contest.hand_in("beta", "broken", code="CRASH = 1")
    contest.sync()
    contest.work()
    view = ask("view", "--as", "alpha")
    states = {each["file"]: (each["state"], each["score"] is None) for each in view["entries"]}
    assert states == {"good.py": ("scored", False), "crash.py": ("failed", True)}
    assert view["quota"]["remaining"] == 2
    assert "ValueError" not in json.dumps(view)
    assert "broken" not in json.dumps(view)
    assert "crashed in 1 run" in typed("view", "--as", "alpha")
    assert "broken" in typed("view")
    for words in (("--as", "nobody"), ("--phase", "final"), ("--phase", "nothing")):
        with pytest.raises(ConfigurationError):
            typed("view", *words)


def test_pages_are_published_for_each_phase(contest: Contest, typed: Typed) -> None:
    """Without what participants may not see; a phase whose scores are hidden has none."""
    contest.hand_in("alpha", "good")
    contest.stores = True
    contest.hand_in("beta", "crash", code="CRASH = 'pixels'")
    contest.sync()
    contest.work()
    out = contest.folder / "public"
    typed("publish", out)
    pages = {str(file.relative_to(out)) for file in out.rglob("*.html")}
    assert pages == {"feedback/index.html", "feedback/reports/entry-1.html"}
    text = "".join(file.read_text() for file in out.rglob("*.html"))
    assert "alpha" in text
    assert "beta" not in text
    contest.phase_fields()["leaderboard"] = {"shown": False}
    contest.write()
    with pytest.raises(ConfigurationError, match="No leaderboard"):
        typed("publish", out)


def test_entries_are_judged_again(scored: Contest, typed: Typed, ask: Callable[..., Json]) -> None:
    """From the start to the results that count, each act in the audit."""
    typed("rejudge start", "--phase", "feedback", "--reason", "a new image")
    assert len(ask("status")["queue"]) == 4
    with pytest.raises(ConfigurationError, match="has no entry"):
        typed("cancel", 5, "--as", "alpha")
    with pytest.raises(ConfigurationError, match="has not ended"):
        typed("rejudge apply", 1, "--reason", "looks right")
    scored.work()
    pairs = ask("rejudge show", 1)["entries"]
    assert [pair["old_score"] == pair["new_score"] for pair in pairs] == [True] * 4
    assert "4 of them with the same evaluation as before" in typed("rejudge show", 1)
    assert ask("status")["phases"][0]["entries"] == {"failed": 1, "scored": 3}
    typed("rejudge apply", 1, "--reason", "looks right")
    assert ask("status")["phases"][0]["entries"] == {"failed": 1, "scored": 3, "superseded": 4}
    own = {each["entry"]: each["state"] for each in ask("view", "--as", "beta")["entries"]}
    assert sorted(own.values()) == ["scored", "superseded"]
    typed("rejudge start", 5, "--phase", "feedback", "--reason", "once more")
    typed("rejudge cancel", 2, "--reason", "not needed")
    acts = [(act["act"], act["subject"]) for act in ask("audit")["acts"]]
    assert acts[-4:] == [
        ("rejudge start", "rejudging 1"),
        ("rejudge apply", "rejudging 1"),
        ("rejudge start", "rejudging 2"),
        ("rejudge cancel", "rejudging 2"),
    ]


@pytest.fixture
def scored(contest: Contest) -> Contest:
    """Return a contest in which alpha has two scores (entries 1 and 3), beta one, and gamma failed."""
    contest.stores = True
    contest.hand_in("alpha", "a", code="SHIFT = 0.0")
    contest.hand_in("beta", "b", code="SHIFT = 6.0")
    contest.sync()
    contest.hand_in("alpha", "a2", code="SHIFT = 5.0")
    contest.hand_in("gamma", "g", code="CRASH = 1")
    contest.sync()
    contest.work()
    return contest


def test_who_is_out_is_the_old_entry(scored: Contest, typed: Typed, ask: Callable[..., Json]) -> None:
    """A pending one is neither withdrawn nor disqualified nor chosen; the audit keeps the earlier reason."""
    typed("rejudge start", 1, 4, "--phase", "feedback", "--reason", "once more")
    for act in ("withdraw", "disqualify"):
        with pytest.raises(ConfigurationError, match=f"{act} entry 1 itself, or cancel rejudging 1"):
            typed(act, 5, "--reason", "copied")
    with pytest.raises(ConfigurationError, match="Team alpha has no entry 5"):
        typed("choose", 5, "--as", "alpha")
    typed("disqualify", 4, "--reason", "copied")
    assert re.fullmatch(r"copied \(it was failed: .*crashed.*\)", ask("audit")["acts"][-1]["reason"])
    typed("rejudge cancel", 1, "--reason", "not needed")


def test_a_final_takes_what_was_chosen(scored: Contest, typed: Typed, ask: Callable[..., Json]) -> None:
    """Chosen entries or the best, on every challenge of the final; queued once, ranked when they have ended."""
    assert [entry["entry"] for entry in ask("final", "--dry-run")["entries"]] == [1, 2]
    typed("choose", 3, "--as", "alpha")
    assert [entry["entry"] for entry in ask("final", "--dry-run")["entries"]] == [3, 2]
    for words in ((1, 3), (2,), (4,), (99,)):
        with pytest.raises(ConfigurationError):
            typed("choose", *words, "--as", "alpha")
    with pytest.raises(ConfigurationError, match="may choose until"):
        typed("final")
    scored.close_choice()
    with pytest.raises(ConfigurationError, match="could choose until"):
        typed("choose", 1, "--as", "alpha")
    assert ask("final")["waiting"] == 4
    assert ask("final")["waiting"] == 4
    scored.work()
    assert {at for at in scored.opened if at[0] == "final"} == {("final", "final"), ("final", "final-2")}
    final = ask("final")
    assert final["waiting"] == 0
    assert [(each["team"], each["rank"]) for each in final["standings"]] == [("alpha", 1), ("beta", 2)]
    for each in final["standings"]:
        assert each["combined"] == pytest.approx(sum(each["values"]) / 2)
    assert "alpha" in typed("final")
    assert ("final", "final") in [(act["act"], act["subject"]) for act in ask("audit")["acts"]]


def test_what_fails_in_a_final_has_no_rank(scored: Contest, typed: Typed, ask: Callable[..., Json]) -> None:
    """Nor what is disqualified afterwards; the others keep theirs."""
    scored.close_choice()
    typed("final")
    scored.script("final-2").errors["b"] = [KeyError("a bug")] * 3
    scored.work()
    standings = ask("final")["standings"]
    assert [(each["team"], each["rank"], each["combined"] is None) for each in standings] == [
        ("alpha", 1, False),
        ("beta", None, True),
    ]
    assert ask("final")["waiting"] == 1
    typed("disqualify", 1, "--reason", "copied")
    assert [each["team"] for each in ask("final")["standings"]] == ["beta"]
