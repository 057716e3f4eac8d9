"""Everything that was changed after an evaluation had ended is named, and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.execution.evaluator_queue import EVALUATOR_FAILED_TWICE
from runner.results.manifest import parse_manifest
from runner.results.verification import verify_evaluation
from runner.store.paths import archive_path
from tests.support.ended_evaluation import (
    ARCHIVE,
    IMAGE,
    MINE,
    Ended,
    N,
    change,
    edit,
    ending,
)


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


def test_checkpoints_may_be_removed(ended: Ended) -> None:
    """They are large; what counts is in the outputs."""
    for index in range(N):
        ended.paths.checkpoint(index).unlink()
    assert ended.mismatches() == []
