"""``competition.toml``: fields, dates and phases that go together; one sentence for each fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.competition.competition import COMPETITION_FILE
from runner.competition.load import load_competition
from runner.competition.new import competition_text, write_competition
from runner.errors import ConfigurationError
from tests.runner.competition.conftest import CompetitionFolder, local


def test_a_valid_file(competition: CompetitionFolder) -> None:
    """Its moments are those of the zone, in winter."""
    loaded = load_competition(competition.write())
    feedback = loaded.phase("feedback")
    assert loaded.opens(feedback) == datetime(2026, 12, 5, 8, tzinfo=UTC)
    assert loaded.closes(feedback) == datetime(2026, 12, 20, 8, tzinfo=UTC)
    assert loaded.freezes(feedback) == datetime(2026, 12, 17, 23, tzinfo=UTC)
    assert loaded.freezes(loaded.phase("practice")) is None
    with pytest.raises(ValueError, match="There is no phase 'x'; the phases are: practice, feedback, final"):
        loaded.phase("x")


@pytest.mark.parametrize(
    ("now", "stage"),
    [
        (datetime(2026, 12, 5, 7, 59, 59, tzinfo=UTC), "not open yet"),
        (datetime(2026, 12, 5, 8, tzinfo=UTC), "open"),
        (datetime(2026, 12, 20, 7, 59, 59, tzinfo=UTC), "open"),
        (datetime(2026, 12, 20, 8, tzinfo=UTC), "closed"),
    ],
)
def test_the_stage_of_a_phase(competition: CompetitionFolder, now: datetime, stage: str) -> None:
    """The first moment belongs to it, the last does not."""
    loaded = load_competition(competition.write())
    assert loaded.stage(loaded.phase("feedback"), now) == stage


@pytest.mark.parametrize(
    ("phase", "changes", "expected"),
    [
        ("feedback", {"opens": local("2026-12-20T09:00")}, "phase feedback must close after it opens"),
        ("feedback", {"opens": "2026-12-05T09:00"}, "phases.1.opens: must be a date and time without quotes"),
        ("feedback", {"opens": datetime(2026, 12, 5, tzinfo=UTC)}, "feedback, opens: .* has an offset"),
        ("feedback", {"opens": local("2026-12-05T09:00").date()}, "must be a date and time"),
        ("feedback", {"opens": local("2027-03-28T02:30")}, "feedback, opens: clocks skip 2027-03-28T02:30"),
        ("feedback", {"closes": local("2027-10-31T02:30")}, "feedback, closes: clocks show .* twice"),
        ("feedback", {"leaderboard": {"freezes": local("2026-12-21T00:00")}}, "freezes must lie between"),
        ("feedback", {"opens": local("2026-11-01T09:00")}, "in the order in which they open"),
        ("feedback", {"runs": 0}, "phases.1.runs: must be 1 or more"),
        ("feedback", {"runs": True}, "phases.1.runs: must be a whole number"),
        ("feedback", {"rnus": 64}, "phases.1.rnus: is not known"),
        ("feedback", {"quota": {"per_dya": 5}}, "phases.1.quota.per_dya: is not known"),
        ("feedback", {"quota": {"interval_seconds": float("inf")}}, "interval_seconds: must be"),
        ("feedback", {"challenges": []}, "phases.1.challenges"),
        ("feedback", {"challenges": ["../hidden"]}, "without .."),
        ("feedback", {"challenges": ["/etc"]}, "below the folder of the competition"),
        ("feedback", {"challenges": ["one", "two"]}, "only a final may have several"),
        ("feedback", {"name": "practice"}, "two phases have the same name"),
        ("feedback", {"name": "Feed back"}, "phases.1.name"),
        ("feedback", {"kind": "finale"}, "phases.1.kind"),
        ("feedback", {"kind": "final"}, "a table final belongs to a phase of kind final"),
        ("final", {"challenges": ["feedback"]}, "has a challenge of phase feedback"),
        ("final", {"challenges": ["final", "final"]}, "named twice"),
    ],
)
def test_a_fault_has_a_sentence(
    competition: CompetitionFolder,
    problem: Callable[[], str],
    phase: str,
    changes: dict[str, Any],
    expected: str,
) -> None:
    """It names the phase and the field, and what to write."""
    competition.phase(phase).update(changes)
    sentence = problem()
    assert sentence.startswith(str(competition.folder / COMPETITION_FILE))
    with pytest.raises(AssertionError, match=expected):
        raise AssertionError(sentence)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"entries_from": "final"}, "must name a phase that teams hand in to"),
        ({"entries_from": "nowhere"}, "must name a phase that teams hand in to"),
        ({"choose_by": local("2027-01-01T00:00")}, "choose_by must not be after its end"),
        ({"choose_by": local("2026-12-20T08:59")}, "choose_by must not be before the end of phase feedback"),
        ({"weights": [1.0]}, "a number for each of the 2 challenges"),
        ({"weights": [1.0, 0.0]}, "weights"),
    ],
)
def test_a_final_goes_with_its_phase(
    competition: CompetitionFolder, problem: Callable[[], str], changes: dict[str, Any], expected: str
) -> None:
    """Where its entries come from, until when they are chosen, and how its challenges are weighed."""
    competition.phase("final")["final"].update(changes)
    assert expected in problem()


@pytest.mark.parametrize(
    ("field", "value"), [("time_zone", "Europe/Berlyn"), ("schema_version", 2), ("phases", []), ("name", "")]
)
def test_the_competition_itself(
    competition: CompetitionFolder, problem: Callable[[], str], field: str, value: object
) -> None:
    """A zone that exists, a known version, a name and at least one phase."""
    competition.fields[field] = value
    assert field.replace("_", " ") in problem().replace("_", " ")


@pytest.mark.parametrize("text", [b"", b"\xff", b"a = [", b"a = " + b"[" * 5000, b"a.b.c.d = 1" * 3])
def test_a_text_that_is_none(competition: CompetitionFolder, text: bytes) -> None:
    """One sentence, whatever it is."""
    competition.write()
    (competition.folder / COMPETITION_FILE).write_bytes(text)
    with pytest.raises(ConfigurationError, match=COMPETITION_FILE):
        load_competition(competition.folder)


def test_a_missing_file_says_how_to_write_one(tmp_path: Path) -> None:
    """With the command."""
    with pytest.raises(ConfigurationError, match="unlearn competition init"):
        load_competition(tmp_path)


@pytest.mark.parametrize("zone", ["AoE", "UTC", "Europe/Berlin", "Asia/Kolkata"])
@pytest.mark.parametrize("now", [datetime(2026, 2, 14, 23, 59, tzinfo=UTC), datetime(2026, 9, 1, tzinfo=UTC)])
def test_a_new_file_is_valid_whenever_it_is_written(tmp_path: Path, zone: str, now: datetime) -> None:
    """Its dates lie ahead, at hours that exist; a name with quotes is written so that it is read back."""
    name = 'The "best" \\ of them é'
    write_competition(tmp_path / "new" / "deep", competition_text(name=name, zone=zone, now=now))
    loaded = load_competition(tmp_path / "new" / "deep")
    assert (loaded.name, loaded.time_zone) == (name, zone)
    assert all(loaded.stage(phase, now) == "not open yet" for phase in loaded.phases)


def test_a_new_file_replaces_nothing(tmp_path: Path) -> None:
    """And a zone that does not exist is refused before anything is written."""
    text = competition_text(name="a", zone="UTC", now=datetime(2026, 9, 1, tzinfo=UTC))
    write_competition(tmp_path, text)
    with pytest.raises(ConfigurationError, match="exists already"):
        write_competition(tmp_path, text)
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigurationError, match="choose another name"):
            write_competition(place, text)
    with pytest.raises(ConfigurationError, match="no time zone 'Mars'"):
        competition_text(name="a", zone="Mars", now=datetime(2026, 9, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["\x1b[31mred", "two\nlines", "tab\there", "gpj\N{RIGHT-TO-LEFT OVERRIDE}exe", "  "]
)
def test_what_is_printed_as_it_is_has_visible_characters(
    competition: CompetitionFolder, problem: Callable[[], str], text: str
) -> None:
    """The name and the paths of challenges; any language and brackets are fine."""
    competition.fields["name"] = text
    assert "visible characters" in problem()
    competition.fields["name"] = "[bold]Vergessen é 名 \N{GRINNING FACE}[/bold]"
    competition.phase("practice")["challenges"] = [text]
    assert "visible characters" in problem()
    competition.phase("practice")["challenges"] = ["practice"]
    assert load_competition(competition.write()).name.startswith("[bold]")
