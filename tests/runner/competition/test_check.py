"""The check before a competition opens: challenges, remarks, costs, and what the command prints."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from runner.challenge.export import export_challenge
from runner.challenge.exports import noted_exports
from runner.challenge.layout import control_folder
from runner.challenge.load import load_challenge
from runner.cli.main import run_words
from runner.cli.organizer.host_image import remarks_on_image
from runner.competition.check import check_phases, competition_remarks
from runner.competition.cost import day_cost
from runner.competition.load import load_competition
from runner.competition.new import competition_text
from runner.errors import ConfigurationError
from runner.image.image import Image
from runner.results.view import MIN_SCORED_RUNS
from tests.runner.competition.conftest import CompetitionFolder
from tests.support.command import type_command

BEFORE = datetime(2026, 11, 1, tzinfo=UTC)


def remarks(folder: Path, now: datetime = BEFORE) -> list[str]:
    loaded = load_competition(folder)
    return list(competition_remarks(loaded, check_phases(folder, loaded), now))


def test_a_good_competition_has_few_remarks(competition: CompetitionFolder) -> None:
    """Only that the image is not pinned."""
    assert [sentence.partition(":")[0] for sentence in remarks(competition.with_challenges())] == [
        "phase feedback has no image_config",
        "phase final has no image_config",
    ]


def test_what_is_unwise_is_remarked_on(competition: CompetitionFolder) -> None:
    """Dates that are over, no quota, a seed that can be guessed, practice that is hidden."""
    del competition.phase("practice")["quota"]
    folder = competition.with_challenges()
    for name, old, new in (
        ("feedback", "seed = 987654321012", "seed = 7"),
        ("practice", '"public"\n', '"private"\n'),
    ):
        file = folder / name / "challenge.toml"
        file.write_text(file.read_text().replace(old, new))
    text = "\n".join(remarks(folder, datetime(2026, 12, 21, tzinfo=UTC)))
    for part in (
        "practice is over",
        "practice has no quota.per_day",
        "practice has no quota.failed_per_day",
        "can be guessed",
        "nobody can practise",
        "feedback is over",
    ):
        assert part in text


def _export(folder: Path) -> None:
    export_challenge(load_challenge(folder / "feedback"), folder / "exported")
    shutil.rmtree(folder / "feedback")
    (folder / "exported").rename(folder / "feedback")


def _replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / name / "challenge.toml"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    return change


def _copy_feedback(folder: Path) -> None:
    shutil.rmtree(folder / "final-2")
    shutil.copytree(folder / "feedback", folder / "final-2")


def _with_control(folder: Path, problem: str = "") -> None:
    control = control_folder(folder / "feedback", 1)
    shutil.copytree(folder / "practice", control)
    text = (control / "challenge.toml").read_text()
    seed = "seed = 987654321012"
    _replace("feedback", seed, f'{seed}\ncontrols = ["{hashlib.sha256(text.encode()).hexdigest()}"]')(folder)
    if problem == "missing":
        shutil.rmtree(control)
    if problem == "another":
        (control / "challenge.toml").write_text(text.replace(seed, "seed = 5"))
    if problem == "damaged":
        (control / "private/references.npz").write_bytes(b"no")


def test_control_problems_are_checked(competition: CompetitionFolder) -> None:
    """Good ones are no remark."""
    folder = competition.with_challenges()
    _with_control(folder)
    assert len(remarks(folder)) == 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda folder: shutil.rmtree(folder / "final"), "Phase final: No challenge exists at"),
        (lambda folder: (folder / "final/private/references.npz").unlink(), "Phase final: .* incomplete"),
        (partial(_with_control, problem="missing"), "Phase feedback: Control problem 1 .* cannot be read"),
        (partial(_with_control, problem="another"), "Phase feedback: .* is not the control problem"),
        (partial(_with_control, problem="damaged"), "Phase feedback: .*references"),
        (_export, "Phase feedback: .* is an export without references"),
        (_replace("feedback", '"private"\n', '"public"\n'), "Phase feedback: .* is public"),
        (_replace("final", 'device = "cpu"', 'device = "cuda"'), "Phase final: .* needs a GPU"),
        (_copy_feedback, "Phase final: .* is the challenge of phase feedback"),
    ],
)
def test_a_challenge_that_does_not_go_with_its_phase(
    competition: CompetitionFolder, change: Callable[[Path], object], expected: str
) -> None:
    """Missing, damaged, exported, public, for another device, or known from an earlier phase by its content."""
    folder = competition.with_challenges()
    change(folder)
    with pytest.raises(ConfigurationError, match=expected):
        check_phases(folder, load_competition(folder))


@pytest.mark.parametrize("runs", [1, MIN_SCORED_RUNS - 1, MIN_SCORED_RUNS])
def test_a_phase_without_scores_is_refused(competition: CompetitionFolder, runs: int) -> None:
    """Of too few runs there is no score, so no board and no final; the least number is enough."""
    competition.phase("final")["runs"] = runs
    folder = competition.with_challenges()
    words = ["competition", "check", str(folder)]
    if runs == MIN_SCORED_RUNS:
        run_words(words)
        return
    with pytest.raises(ConfigurationError, match=f"Phase final: with {runs} run.* gets a score"):
        run_words(words)


@pytest.mark.parametrize("name", ["q\udcff", "a\nb", " ", "\x1b[31m"])
def test_a_new_competition_has_a_name_that_can_be_shown(name: str) -> None:
    """Of the folder or of the option."""
    with pytest.raises(ConfigurationError, match=r"visible characters.*--name"):
        competition_text(name=name, zone="UTC", now=BEFORE)


def test_the_image_is_the_challenges_own(competition: CompetitionFolder) -> None:
    """A phase that pins another image than its challenge was built with is refused."""
    folder = competition.with_challenges()
    _replace("feedback", "[limits]", f'[image_config]\n"linux/amd64" = "sha256:{"a" * 64}"\n\n[limits]')(
        folder
    )
    competition.phase("feedback")["image_config"] = "sha256:" + "a" * 64
    assert check_phases(folder, load_competition(competition.write()))
    competition.phase("feedback")["image_config"] = "sha256:" + "b" * 64
    with pytest.raises(ConfigurationError, match="was built with the image"):
        check_phases(folder, load_competition(competition.write()))


def test_an_export_is_noted_and_said(competition: CompetitionFolder, tmp_path: Path) -> None:
    """Of a hidden challenge: who has it can retrain at home. The challenge itself stays as it is."""
    folder = competition.with_challenges()
    before, challenge = remarks(folder), load_challenge(folder / "final")
    for number in range(2):
        export_challenge(challenge, tmp_path / f"given away {number}")
    assert load_challenge(folder / "final").sha256 == challenge.sha256
    assert len(noted_exports(folder / "final")) == 2
    assert list((tmp_path / "given away 1").rglob("exports*")) == []
    (said,) = set(remarks(folder)) - set(before)
    assert said.startswith(f"phase final: {folder / 'final'} was exported at 20")
    export_challenge(load_challenge(folder / "practice"), tmp_path / "for practice")
    assert noted_exports(folder / "practice") == [], "a public challenge is for everybody"


def test_what_the_host_lacks_is_said(competition: CompetitionFolder) -> None:
    """No engine, no image, or another one than a phase states; another host may have it."""
    competition.phase("feedback")["image_config"] = "sha256:" + "a" * 64
    folder = competition.with_challenges()
    loaded = load_competition(folder)
    assert ["no image" in each for each in remarks_on_image(loaded, None)] == [True]
    image = Image(digest="b" * 64, identity="sha256:1", config="sha256:" + "a" * 64)
    assert list(remarks_on_image(loaded, image)) == []
    (other,) = remarks_on_image(loaded, replace(image, config="sha256:" + "c" * 64))
    assert other.startswith(f"phase feedback is evaluated with the image sha256:{'a' * 64}")
    nowhere = "unix:///nonexistent/docker.sock"
    shown = type_command("competition", "check", folder, "--json", DOCKER_HOST=nowhere)
    assert shown.returncode == 0, shown.stderr
    assert "this host cannot evaluate entries yet" in json.loads(shown.stdout)["warnings"][-1]


def test_the_cost_of_a_day(competition: CompetitionFolder) -> None:
    """50 teams, 5 entries of 64 runs of 9 s: 40 hours, on two devices 20; without a quota nothing is known."""
    loaded = load_competition(competition.write())
    feedback = loaded.phase("feedback")
    cost = day_cost(feedback, teams=50, seconds_per_run=9.0)
    assert cost is not None
    assert (cost.evaluations, cost.device_hours, cost.hours, cost.keeps_up) == (250, 40.0, 40.0, False)
    shared = day_cost(feedback, teams=50, seconds_per_run=9.0, devices=2)
    assert shared is not None
    assert (shared.device_hours, shared.hours, shared.keeps_up) == (40.0, 20.0, True)
    assert day_cost(loaded.phase("final"), teams=50, seconds_per_run=9.0) is None


def test_the_command(competition: CompetitionFolder) -> None:
    """A table with costs, warnings on stderr, JSON; faults end with exit code 2 and one sentence."""
    folder = competition.with_challenges()
    shown = type_command("competition", "check", folder, "--seconds-per-run", 9, COLUMNS="140")
    assert shown.returncode == 0, shown.stderr
    assert "250 evaluations, 40.0 h" in shown.stdout
    assert "3 phases checked" in shown.stdout
    assert "so the queue would grow" in " ".join(shown.stderr.split())
    printed = json.loads(type_command("competition", "check", folder, "--json").stdout)
    assert [phase["name"] for phase in printed["phases"]] == ["practice", "feedback", "final"]
    assert printed["phases"][1]["opens"] == "2026-12-05T08:00:00+00:00"
    refused = type_command("competition", "check", folder / "practice")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert type_command("competition", "check", folder, "--seconds-per-run", "nan").returncode == 2


def test_init_writes_what_check_reads(tmp_path: Path) -> None:
    """And check then names the challenge that is to be built first."""
    written = type_command("competition", "init", tmp_path / "new", "--time-zone", "Europe/Berlin")
    assert (written.returncode, written.stdout) == (0, f"{tmp_path / 'new' / 'competition.toml'}\n")
    shown = type_command("competition", "check", tmp_path / "new")
    assert shown.returncode == 2
    assert f"unlearn challenge build digits {tmp_path}/new/challenges/practice" in shown.stderr
    assert type_command("competition", "init", tmp_path / "new").returncode == 2
