"""Runs on control problems: executed in no foreseeable order, hidden, and part of what an evaluation rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from runner.challenge.layout import DESCRIPTION_FILE, control_folder
from runner.errors import ConfigurationError, SandboxLostError
from runner.evaluation.controls import execute_in_batches
from runner.evaluation.evaluate import evaluation_id_of
from runner.evaluation.pending_runs import PendingRuns
from runner.execution.settings import Settings
from runner.reports.participant import participant_report
from runner.results.controls import control_runs, has_control_runs
from runner.results.population import stored_population
from runner.store.listing import read_listing
from runner.store.paths import unlisted_sentence
from runner.store.records import RunRecord
from runner.store.removal import remove_checkpoints, remove_evaluation
from runner.verdict import Verdict
from scoring.controls import comparison
from tests.runner.evaluation.controlled import PART, REFERENCES, TERMS, Evaluated, N
from tests.support.ended_evaluation import IMAGE, MINE, change


@pytest.fixture
def evaluated(tmp_path: Path) -> Iterator[Evaluated]:
    evaluated = Evaluated(tmp_path)
    with closing(evaluated.store):
        yield evaluated


@pytest.mark.parametrize(("n", "runs"), [(16, 16), (17, 16), (64, 16), (65, 17), (512, 128)])
def test_the_number_of_runs_on_a_control_problem(evaluated: Evaluated, n: int, runs: int) -> None:
    """A quarter, at least 16; a smoke test has none, and neither has a challenge without control problems."""
    assert control_runs(n) == runs
    assert has_control_runs(evaluated.challenge, n)
    assert not has_control_runs(evaluated.challenge, 15)
    assert not has_control_runs(evaluated.controls[0], n)


def test_batches_are_of_one_size_and_in_random_order(evaluated: Evaluated) -> None:
    """A run can tell neither from the age of its container nor from its number which problem it is on."""
    summary = evaluated()
    assert summary.verdicts == {"ok": N}
    assert [len(batch) for _name, batch in evaluated.batches] == [PART] * 4
    names = [name for name, _batch in evaluated.batches]
    assert sorted(names) == sorted([evaluated.name] * 2 + evaluated.parts)
    main = [index for name, batch in evaluated.batches if name == evaluated.name for index in batch]
    assert sorted(main) == list(range(N))
    assert main != list(range(N))
    for part, control in zip(evaluated.parts, evaluated.controls, strict=True):
        assert [run.seed for run in evaluated.store.runs(part)] == [
            control.run_seed(index) for index in range(PART)
        ]
        assert evaluated.store.terms(part, "") == TERMS.model_dump(mode="json")


class Part:
    """Pending runs that are only counted."""

    def __init__(self, name: str, n: int, record: list[tuple[str, int]]) -> None:
        self.name, self.indices, self.record = name, range(n), record
        self.settings = Settings(n=n, keep_going=False, keep_checkpoints=False)
        self.worked = False

    def execute(self, batch: Sequence[int]) -> bool:
        self.record.append((self.name, len(batch)))
        return False

    def failed_run(self) -> None:
        return None


@pytest.mark.parametrize("controls", [1, 3])
def test_each_order_of_problems_may_occur(controls: int) -> None:
    """Whichever problem a run is on, it may be the first or the last."""
    first, last = set(), set()
    for _ in range(200):
        record: list[tuple[str, int]] = []
        parts = [Part(f"control {number}", 18, record) for number in range(controls)]
        execute_in_batches(cast(PendingRuns, Part("main", 70, record)), cast(list[PendingRuns], parts))
        assert sorted(size for _name, size in record) == [16, *[18] * (3 + controls)]
        first.add(record[0][0])
        last.add(record[-1][0])
    assert len(first) == len(last) == 1 + controls


def test_a_repeated_command_executes_nothing(evaluated: Evaluated) -> None:
    """And returns the same summary; nothing is written again."""
    first = evaluated()
    manifest = evaluated.paths.manifest.read_bytes()
    assert evaluated() == first
    assert evaluated.batches == []
    assert evaluated.paths.manifest.read_bytes() == manifest


def test_what_is_lost_of_a_part_is_executed_again(evaluated: Evaluated) -> None:
    """Only that; the evaluation is scored again."""
    evaluated()
    part = evaluated.parts[1]
    evaluated.paths.control(part).outputs(3).unlink()
    assert evaluated.mismatches() != []
    evaluated()
    assert evaluated.batches == [(part, [3])]
    assert evaluated.mismatches() == []


def test_an_interrupted_evaluation_goes_on(evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is finished, of the challenge and of control problems, is not executed again."""
    evaluated.first(evaluated.parts[0], evaluated.name, monkeypatch=monkeypatch)
    evaluated.lost = {evaluated.parts[1]}
    with pytest.raises(SandboxLostError):
        evaluated()
    evaluated.lost = set()
    assert evaluated().verdicts == {"ok": N}
    assert evaluated.batches == [(evaluated.parts[1], list(range(PART)))]


@pytest.mark.parametrize(
    ("keep_going", "control_is_first", "is_rejected"),
    [(False, False, False), (False, True, True), (True, True, False), (True, False, True)],
)
def test_a_failed_run_on_a_control_problem_fails_the_evaluation(
    evaluated: Evaluated,
    monkeypatch: pytest.MonkeyPatch,
    *,
    keep_going: bool,
    control_is_first: bool,
    is_rejected: bool,
) -> None:
    """It is shown as a run like any other, without its output, whenever it was executed."""
    part = evaluated.parts[0]
    evaluated.first(part if control_is_first else evaluated.name, monkeypatch=monkeypatch)
    if is_rejected:
        evaluated.rejects = {part}
    else:
        evaluated.failures = {part: Verdict.CRASHED}
    summary = evaluated(keep_going=keep_going)
    verdict = "bad-checkpoint" if is_rejected else "crashed"
    everything = keep_going or not control_is_first
    assert summary.verdicts == {**({"ok": N - 1} if everything else {}), verdict: 1}
    (failed,) = (run for run in evaluated.store.runs(evaluated.name) if run.verdict != "ok")
    assert summary.reason == f"run {failed.index} ended as {verdict} (Its output is with the organizer.)"
    assert failed.seed == evaluated.challenge.run_seed(failed.index)
    assert evaluated.mismatches() == []
    stored = evaluated.store.evaluation(evaluated.name)
    view = participant_report(
        evaluation=stored,
        terms=[TERMS.model_dump(mode="json")],
        runs=evaluated.store.runs(evaluated.name),
        log=lambda index: file.read_text() if (file := evaluated.paths.log(index)).is_file() else "",
    )
    assert [run["log"] for run in view["runs"] if run["verdict"] == verdict] == [""]
    assert "control" not in json.dumps(view)
    assert evaluated(keep_going=keep_going) == summary
    assert evaluated.batches == []


@pytest.mark.parametrize(
    ("verdict", "exception_type", "shown"),
    [
        (Verdict.CRASHED, "RuntimeError", "RuntimeError"),
        (Verdict.CRASHED, "Image_00ff17", "Exception"),
        (Verdict.TIME_LIMIT, "", ""),
        (Verdict.MEMORY_LIMIT, "", ""),
    ],
)
def test_a_failed_run_carries_nothing_out_of_a_control_problem(
    evaluated: Evaluated,
    monkeypatch: pytest.MonkeyPatch,
    verdict: Verdict,
    exception_type: str,
    shown: str,
) -> None:
    """Neither output, detail and a name of its own, nor times and sizes: the part alone has them."""
    part = evaluated.parts[0]
    evaluated.first(part, monkeypatch=monkeypatch)
    evaluated.failures, evaluated.exception_type = {part: verdict}, exception_type
    evaluated()
    (run,) = evaluated.store.runs(evaluated.name)
    assert run == RunRecord(
        index=run.index,
        seed=run.seed,
        attempt=0,
        verdict=verdict,
        detail="Its output is with the organizer.",
        host_seconds=0.0,
        run_seconds=0.0,
        checkpoint_sha256="",
        log_bytes_dropped=0,
        exception_type=shown,
    )
    assert not evaluated.paths.log(run.index).exists()
    (of_part, *_) = [run for run in evaluated.store.runs(part) if run.verdict == verdict]
    assert (of_part.detail, of_part.exception_type) == ("It broke.", exception_type)
    assert evaluated.paths.control(part).log(of_part.index).read_text() == "from here"


def test_no_control_run_follows_a_failed_run(evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no score to compare, whether the other runs go on or not."""
    evaluated.first(evaluated.name, monkeypatch=monkeypatch)
    evaluated.failures = {evaluated.name: Verdict.CRASHED}
    evaluated(keep_going=True)
    assert {name for name, _batch in evaluated.batches} == {evaluated.name}


def test_parts_are_hidden(evaluated: Evaluated) -> None:
    """Only whoever asks for the parts of an evaluation sees them."""
    evaluated()
    assert [stored.id for stored in evaluated.store.evaluations()] == [evaluated.name]
    assert [stored.id for stored in read_listing(evaluated.folder) or []] == [evaluated.name]
    for part in evaluated.parts:
        with pytest.raises(ConfigurationError, match="No evaluation begins with"):
            evaluated.store.find(part)
    assert evaluated.store.find("last") == evaluated.name
    assert unlisted_sentence(evaluated.folder, {evaluated.name}) == ""
    parts = {stored.id: stored for stored in evaluated.store.controls_of(evaluated.name)}
    assert sorted(parts) == sorted(evaluated.parts)
    assert {stored.parent for stored in parts.values()} == {evaluated.name}


def test_parts_are_removed_with_their_evaluation(evaluated: Evaluated) -> None:
    """Rows and files; kept checkpoints are removed on request."""
    evaluated(keep_checkpoints=True)
    assert remove_checkpoints(evaluated.store, evaluated.folder, evaluated.name) == N + 2 * PART
    remove_evaluation(evaluated.store, evaluated.folder, evaluated.name)
    for part in evaluated.parts:
        assert evaluated.store.find_evaluation(part) is None
        assert evaluated.store.runs(part) == []
    assert not list(evaluated.folder.rglob("*.npz"))
    assert not list((evaluated.folder / "submissions").iterdir())


def test_the_manifest_names_the_runs_on_control_problems(evaluated: Evaluated) -> None:
    """A changed, exchanged or missing one does not match."""
    evaluated()
    assert evaluated.mismatches() == []
    manifest = json.loads(evaluated.paths.manifest.read_text())
    assert [part["evaluation"] for part in manifest["controls"]] == evaluated.parts
    assert [
        part["challenge_sha256"] for part in manifest["controls"]
    ] == evaluated.challenge.description.controls
    change(evaluated.paths.control(evaluated.parts[0]).outputs(5))
    expected = "control problem 1, run 5: its outputs are missing or are not the file that the manifest names"
    assert expected in evaluated.mismatches()
    evaluated.store.withdraw(evaluated.parts[1], [2])
    assert any("not those of the store" in line for line in evaluated.mismatches())
    (control_folder(evaluated.challenge.folder, 2) / DESCRIPTION_FILE).unlink()
    assert any("control problems: Control problem 2" in line for line in evaluated.mismatches())


def test_the_card_has_the_comparison(evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the stored card and with one that is computed again; a challenge of the wrong folder is refused.

    A control problem that is damaged later costs the comparison, not the score.
    """
    monkeypatch.setattr(comparison, "MIN_EXAMPLES", 1)
    evaluated()
    place = evaluated.challenge.folder
    stored = stored_population(evaluated.store, evaluated.folder, evaluated.name, place)
    card = stored.stored_card()
    assert card is not None
    assert card.controls is not None
    assert (card.controls.runs, card.controls.references, len(card.controls.controls)) == (
        PART,
        REFERENCES,
        2,
    )
    again = stored.new_card(seed=card.seed, retraining_seconds=None)
    assert again.controls == card.controls
    moved = stored_population(evaluated.store, evaluated.folder, evaluated.name, evaluated.controls[0].folder)
    with pytest.raises(ConfigurationError, match="is not the challenge of evaluation"):
        moved.load_controls()
    (evaluated.controls[1].folder / DESCRIPTION_FILE).write_text("damaged")
    without = stored.new_card(seed=card.seed, retraining_seconds=None)
    assert without.controls is None
    assert "is not the control problem that" in without.omitted["controls"]
    assert without.published.score == card.published.score


def test_a_manifest_without_control_problems_is_as_before(evaluated: Evaluated) -> None:
    """Earlier versions read it."""
    evaluated.challenge = evaluated.controls[0]
    evaluated.name = evaluation_id_of(MINE, evaluated.challenge, IMAGE, evaluated.settings)
    evaluated()
    assert "controls" not in json.loads(evaluated.paths.manifest.read_text())
    assert [len(batch) for _name, batch in evaluated.batches] == [N]


def test_the_manifest_names_the_driver_where_runs_were_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As nodes of a cluster say it; on the CPU none is asked."""
    monkeypatch.setattr(comparison, "MIN_EXAMPLES", 1)
    versions = {}
    for device in ("cpu", "cuda:NVIDIA-H200"):
        evaluated = Evaluated(tmp_path / device.partition(":")[0], device=device)
        with closing(evaluated.store):
            evaluated()
        versions[device] = json.loads(evaluated.paths.manifest.read_bytes())["versions"].get("gpu_driver")
    assert versions == {"cpu": None, "cuda:NVIDIA-H200": "570.1, 580.2"}
