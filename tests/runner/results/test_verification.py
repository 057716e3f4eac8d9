"""Every change after the end of an evaluation is reported, and nothing else."""

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
from runner.reports.views.provenance import provenance
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
def test_checkpoints_left_unevaluated_after_a_rejection_match(
    tmp_path: Path, load_challenge: Callable[[Limits], Challenge], blamed: int
) -> None:
    """The evaluation has ended with a reason; neither it nor a repetition evaluates the remaining runs."""
    with ending(tmp_path / "store", load_challenge(Limits()), blamed) as evaluation:
        assert evaluation.summary.score is None
        assert evaluation.summary.reason == f"run {blamed} ended as bad-checkpoint ({EVALUATOR_FAILED_TWICE})"
        assert evaluation.mismatches() == []
        manifest = json.loads(evaluation.paths.manifest.read_text())
        evaluated = [run["outputs_sha256"] != "" for run in manifest["runs"]]
        assert evaluated == [index < blamed for index in range(N)]


def test_an_untouched_evaluation_matches(ended: Ended) -> None:
    """Archive, checkpoints and outputs are all hashed, and there is a score to compute again."""
    verification = verify_evaluation(ended.store, ended.folder, ended.name, ended.challenge)
    assert verification.mismatches == []
    assert verification.checked == {"archive": 1, "checkpoints": N, "outputs": N}
    assert ended.summary.score is not None


@pytest.mark.parametrize("config", ["", "sha256:" + "d" * 64])
def test_a_report_names_the_image_by_what_its_digest_is_of(ended: Ended, config: str) -> None:
    """By its inputs always, and by its own digest where the engine reported that."""
    manifest = parse_manifest(ended.paths.manifest.read_bytes())
    manifest = manifest.model_copy(update={"image": manifest.image.model_copy(update={"config": config})})
    stored = ended.store.evaluation(ended.name)
    shown = provenance(stored, entries=[], manifest=manifest, card=None, store=ended.folder)
    images = [fact for fact in shown.facts if fact[0].startswith("image")]
    assert images == [("image inputs", IMAGE.digest), *([("image", config)] if config else [])]


def test_the_manifest_records_what_the_score_depends_on(ended: Ended) -> None:
    """It holds hashes, seeds, verdicts, attempts, limits and versions, but no path of the host."""
    manifest = parse_manifest(ended.paths.manifest.read_bytes())
    assert manifest.submission.sha256 == MINE.sha256
    assert manifest.challenge.sha256 == ended.challenge.sha256
    assert manifest.challenge.files == ended.challenge.description.files
    assert manifest.image.inputs == IMAGE.digest
    assert manifest.limits == ended.challenge.description.limits.model_dump()
    assert {"project", "python", "kernel", "engine"} <= manifest.versions.keys()
    assert manifest.runs == ended.store.runs(ended.name)
    assert [(attempt.number, attempt.outcome) for attempt in manifest.attempts] == [(1, "done")]
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


@pytest.mark.parametrize("change_name", TAMPERED)
def test_every_change_is_reported(ended: Ended, change_name: str) -> None:
    """Each mismatch is one line that names the changed part."""
    tamper, expected = TAMPERED[change_name]
    tamper(ended)
    mismatches = ended.mismatches()
    assert all(any(words in line for line in mismatches) for words in expected), mismatches
    assert all("\n" not in line for line in mismatches)


def test_another_challenge_is_reported(ended: Ended) -> None:
    """It is one line, and no score is computed with it; a damaged challenge is reported by its error."""
    (line,) = ended.mismatches(replace(ended.challenge, sha256="0" * 64))
    assert "is not the challenge that the evaluation used" in line
    assert ended.mismatches("it is damaged") == ["challenge: it is damaged"]


def test_a_consistent_forgery_is_detected_from_the_outputs(ended: Ended) -> None:
    """A score changed in summary, manifest and store still differs from the one computed from the outputs."""
    edit(ended.paths.summary, score=0.9)
    digest = hashlib.sha256(ended.paths.summary.read_bytes()).hexdigest()
    edit(ended.paths.manifest, summary_sha256=digest)
    summary = json.loads(ended.paths.summary.read_text())
    manifest = hashlib.sha256(ended.paths.manifest.read_bytes()).hexdigest()
    ended.store.finish(ended.name, summary, manifest_sha256=manifest)
    (line,) = ended.mismatches()
    assert line.startswith("summary.json: score is 0.9; computed again")


def test_checkpoints_may_be_removed(ended: Ended) -> None:
    """They are large, and the score depends on the outputs alone."""
    for index in range(N):
        ended.paths.checkpoint(index).unlink()
    assert ended.mismatches() == []
