"""Is everything named that was changed after an evaluation had ended, and nothing else?"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from safetensors.numpy import save as save_network

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.engine.api import Engine
from runner.engine.info import EngineInfo
from runner.evaluation.evaluate import evaluate, evaluation_id_of
from runner.execution.context import EvaluationContext
from runner.execution.evaluator_queue import EVALUATOR_FAILED_TWICE
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.parsers.checkpoint import content_sha256
from runner.progress import NullReporter
from runner.results.card_file import read_card
from runner.results.manifest import parse_manifest
from runner.results.scoring import score_runs
from runner.results.summary import Summary
from runner.results.verification import compare_rerun, evenly_spaced, verify_evaluation
from runner.store import recovery
from runner.store.archives import archive_path
from runner.store.paths import EvaluationPaths
from runner.store.records import EvaluationRecord, RunRecord
from runner.store.store import DATABASE_FILE, Store
from runner.submission.load import Submission
from runner.verdict import Verdict
from scoring.card.card import ScoreCard

ARCHIVE = b"an archive"
MINE = Submission(name="mine", sha256=hashlib.sha256(ARCHIVE).hexdigest(), archive=ARCHIVE)
IMAGE = Image(digest="b" * 64, identity="sha256:1")
N = 4


class NoEngine:
    """An engine that reports itself and starts nothing."""

    def info(self) -> EngineInfo:
        return EngineInfo()


@dataclass
class Ended:
    """An evaluation that has ended, with all its runs' checkpoints kept."""

    store: Store
    folder: Path
    name: str
    challenge: Challenge
    summary: Summary

    @property
    def paths(self) -> EvaluationPaths:
        return EvaluationPaths(folder=self.folder / self.name)

    def mismatches(self, challenge: Challenge | str | None = None) -> list[str]:
        return verify_evaluation(self.store, self.folder, self.name, challenge or self.challenge).mismatches

    def sql(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / DATABASE_FILE)) as connection, connection:
            connection.execute(statement)


def network(index: int) -> bytes:
    rng = np.random.default_rng(index)
    return save_network(
        {"weight": rng.normal(size=(2, 3)).astype(np.float32), "bias": np.zeros(2, np.float32)}
    )


def record(name: str, challenge: Challenge, submission: Submission = MINE) -> EvaluationRecord:
    return EvaluationRecord(
        id=name,
        submission_sha256=submission.sha256,
        submission=submission.name,
        archive_bytes=len(submission.archive),
        challenge=challenge.description.name,
        challenge_sha256=challenge.sha256,
        image=IMAGE.digest,
        n=N,
    )


def publish(store: Store, folder: Path, name: str, challenge: Challenge, blamed: int | None = None) -> None:
    """Note N runs with their files, as if containers had done them.

    Evaluators failed with the checkpoint of ``blamed``, and nothing was evaluated after it.
    """
    paths = EvaluationPaths(folder=folder / name)
    attempt = store.begin_attempt(name)
    for index in range(N):
        rng = np.random.default_rng(index)
        checkpoint = network(index)
        outputs = pack_outputs(
            NetworkOutputs(
                logits=rng.normal(size=(3, 2)).astype(np.float32),
                correct=rng.integers(0, 2, size=(4, 2)),
                unseen_losses=rng.random(2).astype(np.float32),
            )
        )
        files = {paths.checkpoint(index): checkpoint, paths.outputs(index): outputs}
        if blamed is not None and index >= blamed:
            del files[paths.outputs(index)]
        for place, data in files.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        store.publish(
            name,
            RunRecord(
                index=index,
                seed=challenge.run_seed(index),
                attempt=attempt,
                verdict=Verdict.OK,
                detail="",
                host_seconds=1.25,
                run_seconds=1.0,
                checkpoint_sha256=content_sha256(checkpoint),
                log_bytes_dropped=0,
            ),
        )
        if index == blamed:
            store.reject(name, index, EVALUATOR_FAILED_TWICE)
        elif paths.outputs(index) in files:
            store.mark_evaluated(name, index, outputs_sha256=hashlib.sha256(outputs).hexdigest())
    store.end_attempt(name, attempt, "done")


@contextmanager
def ending(folder: Path, challenge: Challenge, blamed: int | None = None) -> Iterator[Ended]:
    """Give an evaluation whose runs are done; no engine is there to be asked for more."""
    with closing(Store.in_folder(folder, create=True)) as store:
        name = evaluation_id_of(
            MINE, challenge, IMAGE, Settings(n=N, keep_going=False, keep_checkpoints=True)
        )
        store.begin(record(name, challenge))
        publish(store, folder, name, challenge, blamed)
        bench = EvaluationContext(
            engine=cast(Engine, NoEngine()),
            info=EngineInfo(),
            image=IMAGE,
            store=store,
            folder=folder,
            labels={},
            reporter=NullReporter(),
        )
        settings = Settings(n=N, keep_going=False, keep_checkpoints=True)
        summary = evaluate(bench, MINE, challenge, settings)
        yield Ended(store=store, folder=folder, name=name, challenge=challenge, summary=summary)


@pytest.fixture
def ended(tmp_path: Path, load_challenge: Callable[[Limits], Challenge]) -> Iterator[Ended]:
    with ending(tmp_path / "store", load_challenge(Limits())) as found:
        yield found


@pytest.mark.parametrize("blamed", range(N))
def test_what_was_left_after_a_blame_is_left_and_matches(
    tmp_path: Path, load_challenge: Callable[[Limits], Challenge], blamed: int
) -> None:
    """The evaluation has ended, with a reason; no evaluator is started for the rest, here or when repeated."""
    with ending(tmp_path / "store", load_challenge(Limits()), blamed) as found:
        assert found.summary.score is None
        assert found.summary.reason == f"run {blamed} ended as bad-checkpoint ({EVALUATOR_FAILED_TWICE})"
        assert found.mismatches() == []
        manifest = json.loads(found.paths.manifest.read_text())
        told = [run["outputs_sha256"] != "" for run in manifest["runs"]]
        assert told == [index < blamed for index in range(N)]


def test_what_nobody_touched_matches(ended: Ended) -> None:
    """All of it was hashed, and the score is there to be computed again."""
    done = verify_evaluation(ended.store, ended.folder, ended.name, ended.challenge)
    assert done.mismatches == []
    assert done.checked == {"archive": 1, "checkpoints": N, "outputs": N}
    assert ended.summary.score is not None


def test_the_manifest_tells_all_that_the_score_rests_on(ended: Ended) -> None:
    """Hashes, seeds, verdicts, attempts, limits and versions."""
    told = parse_manifest(ended.paths.manifest.read_bytes())
    assert told.submission.sha256 == MINE.sha256
    assert told.challenge.sha256 == ended.challenge.sha256
    assert told.challenge.files == ended.challenge.description.files
    assert told.image.inputs == IMAGE.digest
    assert told.limits == ended.challenge.description.limits.model_dump()
    assert {"project", "python", "kernel", "engine"} <= told.versions.keys()
    assert told.runs == ended.store.runs(ended.name)
    assert [(one.number, one.outcome) for one in told.attempts] == [(1, "done")]
    assert archive_path(ended.folder, MINE.sha256).read_bytes() == ARCHIVE
    assert str(ended.folder) not in ended.paths.manifest.read_text()


def change(file: Path) -> None:
    """Change the last byte of a file."""
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def edit(file: Path, **values: object) -> None:
    """Change fields of a file of JSON."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}, indent=2) + "\n")


TAMPERED: dict[str, tuple[Callable[[Ended], object], list[str]]] = {
    "outputs": (lambda it: change(it.paths.outputs(2)), ["outputs/00002.npz is not the file"]),
    "outputs gone": (lambda it: it.paths.outputs(2).unlink(), ["outputs/00002.npz is missing"]),
    "outputs of two runs exchanged": (
        lambda it: it.paths.outputs(0).write_bytes(it.paths.outputs(1).read_bytes()),
        ["outputs/00000.npz is not the file"],
    ),
    "outputs too many": (
        lambda it: it.paths.outputs(9).write_bytes(b""),
        ["outputs/00009.npz belongs to no run"],
    ),
    "checkpoint": (lambda it: change(it.paths.checkpoint(1)), ["checkpoints/00001.safetensors is not the"]),
    "checkpoint cut short": (
        lambda it: it.paths.checkpoint(1).write_bytes(b"short"),
        ["checkpoints/00001.safetensors is no longer a checkpoint"],
    ),
    "archive": (lambda it: change(archive_path(it.folder, MINE.sha256)), [".zip is not the submission"]),
    "archive gone": (lambda it: archive_path(it.folder, MINE.sha256).unlink(), [".zip is missing"]),
    "manifest's time": (lambda it: edit(it.paths.manifest, seconds=0.5), ["the store recorded"]),
    "manifest's n": (
        lambda it: edit(it.paths.manifest, n=5),
        ["the store recorded", "its hashes and n belong to evaluation", "n is 4; computed again it is 5"],
    ),
    "manifest's name": (
        lambda it: edit(it.paths.manifest, evaluation="ffffffffffff"),
        ["belong to evaluation"],
    ),
    "manifest's words": (lambda it: edit(it.paths.manifest, more=1), ["not a manifest: more"]),
    "manifest no JSON": (lambda it: it.paths.manifest.write_bytes(b"{"), ["not a manifest"]),
    "manifest gone": (lambda it: it.paths.manifest.unlink(), ["manifest.json cannot be read"]),
    "summary's score": (
        lambda it: edit(it.paths.summary, score=0.9),
        ["summary.json is not the file", "record different ends", "score is 0.9; computed again"],
    ),
    "card": (lambda it: change(it.paths.card), ["card.json is missing or is not the file"]),
    "card gone": (lambda it: it.paths.card.unlink(), ["card.json is missing or is not the file"]),
    "card's score": (
        lambda it: edit(it.paths.card, tug_of_war=7.5),
        ["card.json: card.tug_of_war is 7.5; computed again it is"],
    ),
    "summary gone": (lambda it: it.paths.summary.unlink(), ["summary.json is missing"]),
    "store's verdict": (
        lambda it: it.sql("UPDATE runs SET verdict = 'crashed' WHERE \"index\" = 3"),
        ['run 3: verdict is "ok" in the manifest and "crashed" in the store'],
    ),
    "store's time": (
        lambda it: it.sql('UPDATE runs SET host_seconds = 0.5 WHERE "index" = 3'),
        ["run 3: host_seconds is 1.25 in the manifest and 0.5 in the store"],
    ),
    "store's seed": (lambda it: it.sql('UPDATE runs SET seed = 5 WHERE "index" = 0'), ["run 0: seed is"]),
    "store's run gone": (
        lambda it: it.sql('DELETE FROM runs WHERE "index" = 0'),
        ["run 0: only the manifest has it"],
    ),
    "store's attempt": (lambda it: it.sql("DELETE FROM attempts"), ["its attempts are not those"]),
    "store's summary": (
        lambda it: it.sql("UPDATE evaluations SET summary = '{}'"),
        ["record different ends"],
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_changed_is_named(ended: Ended, what: str) -> None:
    """Whatever it was, in one line that names it."""
    tamper, words = TAMPERED[what]
    tamper(ended)
    found = ended.mismatches()
    assert all(any(one in line for line in found) for one in words), found
    assert all("\n" not in line for line in found)


def test_another_challenge_is_named(ended: Ended) -> None:
    """In one line, without a score for it; one that is damaged is told as it is."""
    (line,) = ended.mismatches(replace(ended.challenge, sha256="0" * 64))
    assert "is not the challenge that the evaluation used" in line
    assert ended.mismatches("it is damaged") == ["challenge: it is damaged"]


def test_a_store_and_a_manifest_that_lie_alike_are_found_out_by_the_files(ended: Ended) -> None:
    """Who changes a score in summary, manifest and store cannot make the outputs give it."""
    edit(ended.paths.summary, score=0.9)
    digest = hashlib.sha256(ended.paths.summary.read_bytes()).hexdigest()
    edit(ended.paths.manifest, summary_sha256=digest)
    told = json.loads(ended.paths.summary.read_text())
    manifest = hashlib.sha256(ended.paths.manifest.read_bytes()).hexdigest()
    ended.store.finish(ended.name, told, manifest_sha256=manifest)
    (line,) = ended.mismatches()
    assert line.startswith("summary.json: score is 0.9; computed again")


def test_a_manifest_of_version_1_is_read_and_verified(ended: Ended) -> None:
    """As versions before the score card wrote it: without the card, and fewer fields of a run."""
    manifest = json.loads(ended.paths.manifest.read_text())
    manifest["schema_version"] = 1
    del manifest["card_sha256"]
    for run in manifest["runs"]:
        del run["exception_type"], run["evaluated"]
    summary = json.loads(ended.paths.summary.read_text())
    del summary["schema_version"]
    ended.paths.summary.write_text(json.dumps(summary))
    manifest["summary_sha256"] = hashlib.sha256(ended.paths.summary.read_bytes()).hexdigest()
    text = json.dumps(manifest).encode()
    ended.paths.manifest.write_bytes(text)
    ended.paths.card.unlink()
    ended.store.finish(ended.name, summary, manifest_sha256=hashlib.sha256(text).hexdigest())
    assert ended.mismatches() == []
    assert parse_manifest(text).runs == [
        replace(run, exception_type="") for run in ended.store.runs(ended.name)
    ]
    assert Summary.from_json(summary).score == ended.summary.score


def test_the_stored_card_is_the_card(ended: Ended) -> None:
    """Read back it equals what is computed from the outputs; changed or gone it is not believed."""
    recorded = ended.store.evaluation(ended.name).manifest_sha256
    stored = read_card(ended.paths, recorded)
    computed = score_runs(ended.challenge, ended.store.runs(ended.name), ended.paths.outputs, None)
    assert isinstance(computed, ScoreCard)
    assert stored is not None
    assert stored.to_json() == computed.to_json()
    assert read_card(ended.paths, "0" * 64) is None
    change(ended.paths.card)
    assert read_card(ended.paths, recorded) is None


def test_checkpoints_may_be_removed(ended: Ended) -> None:
    """They are large; what counts is in the outputs."""
    for index in range(N):
        ended.paths.checkpoint(index).unlink()
    assert ended.mismatches() == []


def test_a_rerun_that_differs_is_named() -> None:
    """By run, with what is different about it."""
    run = RunRecord(
        index=0,
        seed=1,
        attempt=1,
        verdict=Verdict.OK,
        detail="",
        host_seconds=1.0,
        run_seconds=1.0,
        checkpoint_sha256="a" * 64,
        log_bytes_dropped=0,
        outputs_sha256="b" * 64,
    )
    before = {index: replace(run, index=index) for index in range(5)}
    after = [
        replace(run, index=0, attempt=9, host_seconds=7.0),
        replace(run, index=1, checkpoint_sha256="c" * 64),
        replace(run, index=2, verdict=Verdict.CRASHED, checkpoint_sha256=""),
        replace(run, index=3, outputs_sha256="d" * 64),
    ]
    found = compare_rerun(before, after, range(5))
    assert [line.split(":")[0] for line in found] == ["run 1", "run 2", "run 3", "run 4"]
    assert "not deterministic" in found[0]
    assert "ended as crashed" in found[1]


def test_reruns_are_spread() -> None:
    """Over all runs, the first among them, always the same ones, no more than there are."""
    assert evenly_spaced(range(64), 4) == [0, 16, 32, 48]
    assert evenly_spaced(range(3), 9) == [0, 1, 2]
    assert evenly_spaced([5, 7], 1) == [5]
    assert evenly_spaced([], 3) == []


def test_copies_of_another_submission_are_warned_of(ended: Ended) -> None:
    """How many, whose, and in which evaluation; another evaluation of the same submission is none."""
    other = Submission(name="other [bold]", sha256="f" * 64, archive=b"other")
    name = evaluation_id_of(
        other, ended.challenge, IMAGE, Settings(n=N, keep_going=False, keep_checkpoints=True)
    )
    ended.store.begin(record(name, ended.challenge, other))
    publish(ended.store, ended.folder, name, ended.challenge)
    bench = EvaluationContext(
        engine=cast(Engine, NoEngine()),
        info=EngineInfo(),
        image=IMAGE,
        store=ended.store,
        folder=ended.folder,
        labels={},
        reporter=NullReporter(),
    )
    summary = evaluate(bench, other, ended.challenge, Settings(n=N, keep_going=False, keep_checkpoints=True))
    expected = f"4 of 4 checkpoints equal those of another submission: mine (evaluation {ended.name})"
    assert expected in summary.warnings
    assert not any("another submission" in text for text in ended.summary.warnings)
    digests = {content_sha256(network(0)), content_sha256(network(99))}
    (copy,) = ended.store.copies(name, digests)
    assert (copy.submission, copy.digests) == ("mine", frozenset({content_sha256(network(0))}))


def test_killed_between_store_and_manifest(ended: Ended) -> None:
    """What was noted to have ended, and whose last files are not in their places, is ended again."""
    ended.paths.manifest.rename(ended.paths.manifest.with_name("manifest.json.1.part"))
    ended.paths.summary.unlink()
    bench = EvaluationContext(
        engine=cast(Engine, NoEngine()),
        info=EngineInfo(),
        image=IMAGE,
        store=ended.store,
        folder=ended.folder,
        labels={},
        reporter=NullReporter(),
    )
    settings = Settings(n=N, keep_going=False, keep_checkpoints=True)
    again = evaluate(bench, MINE, ended.challenge, settings)
    assert again.score == ended.summary.score
    assert ended.mismatches() == []
    assert not list(ended.paths.folder.glob("*.part"))


def test_damaged_outputs_are_computed_again_and_lost_runs_done_again(ended: Ended) -> None:
    """Where the checkpoint is whole its run stands; where neither is, the run is forgotten."""
    change(ended.paths.outputs(0))
    change(ended.paths.outputs(1))
    change(ended.paths.checkpoint(1))
    kept = recovery.recover_runs(ended.store, ended.paths, ended.name, 1, NullReporter())
    assert [(run.index, run.evaluated) for run in kept] == [(0, False), (2, True), (3, True)]
    assert not ended.paths.outputs(1).exists()
    assert not ended.paths.checkpoint(1).exists()
