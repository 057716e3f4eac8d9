"""An evaluation ends once, warns of copies, and is finished again after a kill or damaged files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import cast

from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.parsers.binary_files import BinaryFile
from runner.parsers.checkpoint import content_sha256
from runner.progress import NullReporter
from runner.results.summarize import summarize
from runner.store import recovery
from runner.submission.load import Submission
from runner.verdict import Verdict
from tests.support.ended_evaluation import (
    IMAGE,
    MINE,
    Ended,
    N,
    NoEngine,
    change,
    network,
    publish,
    record,
)


def context_of(ended: Ended) -> EvaluationContext:
    """Return a context in which no run can be executed."""
    return EvaluationContext(
        engine=cast(Engine, NoEngine()),
        info=EngineInfo(),
        image=IMAGE,
        store=ended.store,
        folder=ended.folder,
        labels={},
        reporter=NullReporter(),
    )


def test_copies_of_another_submission_result_in_a_warning(ended: Ended) -> None:
    """It says how many, whose, and in which evaluation; the first submission gets no such warning."""
    other = Submission(name="other [bold]", sha256="f" * 64, archive=b"other")
    name = evaluation_id_of(
        other, ended.challenge, IMAGE, Settings(n=N, keep_going=False, keep_checkpoints=True)
    )
    ended.store.begin(record(name, ended.challenge, other))
    publish(ended.store, ended.folder, name, ended.challenge)
    context = context_of(ended)
    summary = evaluate(
        context, other, ended.challenge, Settings(n=N, keep_going=False, keep_checkpoints=True)
    )
    expected = f"4 of 4 checkpoints equal those of another submission: mine (evaluation {ended.name})"
    assert expected in summary.warnings
    assert not any("another submission" in text for text in ended.summary.warnings)
    digests = {content_sha256(network(0)), content_sha256(network(99))}
    (copy,) = ended.store.copies(name, digests)
    assert (copy.submission, copy.digests) == ("mine", frozenset({content_sha256(network(0))}))


def test_the_settings_are_recorded_as_long_as_it_can_go_on(ended: Ended) -> None:
    """With them the command that continues it is put together; one that has ended keeps its own."""
    settings = Settings(n=N, keep_going=False, keep_checkpoints=True)
    assert json.loads(ended.paths.settings.read_text()) == settings.for_record()
    evaluate(context_of(ended), MINE, ended.challenge, replace(settings, keep_going=True))
    assert json.loads(ended.paths.settings.read_text()) == settings.for_record()


def test_files_that_are_not_text_are_named_with_their_sizes(ended: Ended) -> None:
    """The largest first, five of them; their names are the submission's, so they are sanitized."""
    files = [BinaryFile(name=f"{size}\x1b.bin", size_bytes=size << 10) for size in range(9, 2, -1)]
    warnings = summarize(
        evaluation=ended.name,
        submission="mine",
        challenge=ended.challenge,
        n=N,
        runs=ended.store.runs(ended.name),
        seconds=1.0,
        card="no card",
        binary_files=files,
    ).warnings
    names = ", ".join(f"{size}\N{REPLACEMENT CHARACTER}.bin ({size} KiB)" for size in range(9, 4, -1))
    assert warnings[-1] == f"files that are not text: {names} and 2 more"


def test_what_runs_report_of_their_checkpoints_is_counted(ended: Ended) -> None:
    """Equal reports are one warning, sanitized; a failed run's detail is none."""
    details = {0: "it has state (proj)", 1: "it has state (proj)", 2: "", 3: "x\x1b\ny"}
    runs = [replace(run, detail=details[run.index]) for run in ended.store.runs(ended.name)]
    runs[3] = replace(runs[3], verdict=Verdict.CRASHED)

    def warnings() -> list[str]:
        return summarize(
            evaluation=ended.name,
            submission="mine",
            challenge=ended.challenge,
            n=N,
            runs=runs,
            seconds=1.0,
            card="no card",
        ).warnings

    assert [text for text in warnings() if "runs: " in text] == ["2 of 4 runs: it has state (proj)"]
    runs[3] = replace(runs[3], verdict=Verdict.OK)
    assert "1 of 4 runs: x\N{REPLACEMENT CHARACTER} y" in warnings()


def test_a_kill_before_the_last_renames_is_repaired(ended: Ended) -> None:
    """A recorded end whose last files were not renamed into place is written again."""
    ended.paths.manifest.rename(ended.paths.manifest.with_name("manifest.json.1.part"))
    ended.paths.summary.unlink()
    context = EvaluationContext(
        engine=cast(Engine, NoEngine()),
        info=EngineInfo(),
        image=IMAGE,
        store=ended.store,
        folder=ended.folder,
        labels={},
        reporter=NullReporter(),
    )
    settings = Settings(n=N, keep_going=False, keep_checkpoints=True)
    again = evaluate(context, MINE, ended.challenge, settings)
    assert again.score == ended.summary.score
    assert ended.mismatches() == []
    assert not list(ended.paths.folder.glob("*.part"))


def test_damaged_outputs_are_recomputed_and_lost_runs_withdrawn(ended: Ended) -> None:
    """A run with an intact checkpoint stays; a run without intact files is withdrawn."""
    change(ended.paths.outputs(0))
    change(ended.paths.outputs(1))
    change(ended.paths.checkpoint(1))
    recovered = recovery.recover_runs(ended.store, ended.paths, ended.name, 1, NullReporter())
    assert [(run.index, run.evaluated) for run in recovered] == [(0, False), (2, True), (3, True)]
    assert not ended.paths.outputs(1).exists()
    assert not ended.paths.checkpoint(1).exists()
