"""What participants do with an export, in real containers: judged on a private one, scored on a public one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors

from runner.builder.build import build_challenge
from runner.builder.plan import BuildPlan
from runner.challenge.challenge import Challenge
from runner.challenge.description import Source
from runner.challenge.export import export_challenge
from runner.challenge.layout import CHALLENGE_FILES
from runner.challenge.outputs import unpack_outputs
from runner.engine.api import Engine
from runner.errors import ConfigurationError
from runner.evaluation.evaluate import evaluate
from runner.execution.context import EvaluationContext
from runner.execution.settings import Settings
from runner.image.image import Image
from runner.progress import NullReporter
from runner.results.scoring import SCORE_WITHHELD
from runner.results.verification import verify_evaluation
from runner.store.paths import EvaluationPaths
from runner.submission.load import Submission, load_submission
from sandbox.protocol.splits import SPLITS
from tests.support.command import unlearn
from tests.support.paths import SAMPLES

pytestmark = pytest.mark.container

SETTINGS = Settings(n=4, keep_going=True, keep_checkpoints=False)

Build = Callable[..., Challenge]


@pytest.fixture(scope="module")
def build(build_shared: Callable[[BuildPlan], Challenge], plan: BuildPlan) -> Build:
    """Return a function that builds a tiny challenge of digits, by seed and visibility."""

    def make(seed: int, **changes: str) -> Challenge:
        tiny = replace(
            plan,
            seed=seed,
            references=4,
            source=Source(most_examples=600, epochs=2),
            **changes,  # type: ignore[arg-type]
        )
        return build_shared(tiny)

    return make


@pytest.fixture(scope="module")
def private(build: Build) -> Challenge:
    return build(7_000_000_007)


@pytest.fixture(scope="module")
def public(build: Build) -> Challenge:
    return build(8_000_000_008, visibility="public")


@pytest.fixture(scope="module")
def sample() -> Submission:
    return load_submission(SAMPLES / "finetune")


def test_twins(private: Challenge, public: Challenge) -> None:
    """Two seeds: other splits, other original, other references, other seeds of runs."""
    for name in CHALLENGE_FILES:
        assert private.file(name) != public.file(name), name
    for split in SPLITS:
        first, second = (set(load_safetensors(twin.data(split))["image_id"]) for twin in (private, public))
        assert first != second
    assert private.references is not None
    assert public.references is not None
    assert not np.array_equal(private.references.logits, public.references.logits)
    assert not {private.run_seed(index) for index in range(64)} & {
        public.run_seed(index) for index in range(64)
    }


def test_another_visibility_is_another_challenge(
    engine: Engine, built_image: Image, labels: dict[str, str], plan: BuildPlan, challenge: Challenge
) -> None:
    """What is private is not made public by repeating the command."""
    with pytest.raises(ConfigurationError, match="visibility or controls differ"):
        build_challenge(
            engine=engine,
            image=built_image,
            plan=replace(plan, visibility="public"),
            folder=challenge.folder,
            labels=labels,
            reporter=NullReporter(),
        )


def test_private_export_is_judged_and_not_scored(
    private: Challenge,
    sample: Submission,
    evaluation_context: Callable[..., EvaluationContext],
    tmp_path: Path,
) -> None:
    """Verdicts, times and warnings as ever; in place of a score the sentence; the evaluation verifies."""
    part = export_challenge(private, tmp_path / "part")
    store = tmp_path / "store"
    context = evaluation_context(store)
    summary = evaluate(context, sample, part, SETTINGS)
    assert (summary.verdicts, summary.score, summary.reason) == ({"ok": 4}, None, SCORE_WITHHELD)
    assert (summary.run_seconds_median or 0) > 0
    runs = context.store.runs(summary.evaluation)
    assert all(run.evaluated and run.checkpoint_sha256 and run.host_seconds > 0 for run in runs)
    assert {run.seed for run in runs} == {part.run_seed(index) for index in range(4)}
    assert evaluate(context, sample, part, SETTINGS) == summary
    assert verify_evaluation(context.store, store, summary.evaluation, part).mismatches == []
    unchanged = evaluate(context, load_submission(SAMPLES / "original"), part, SETTINGS)
    assert unchanged.warnings[0] == "4 of 4 checkpoints are the original network, unchanged"


def test_outputs_on_a_private_export_say_nothing_of_a_test_split(
    private: Challenge,
    sample: Submission,
    evaluation_context: Callable[..., EvaluationContext],
    tmp_path: Path,
) -> None:
    """No losses, no right answers; on the other splits they are counted."""
    part = export_challenge(private, tmp_path / "part")
    summary = evaluate(evaluation_context(tmp_path / "store"), sample, part, replace(SETTINGS, n=2))
    file = EvaluationPaths(folder=tmp_path / "store" / summary.evaluation).outputs(0)
    outputs = unpack_outputs(file.read_bytes(), part.output_shapes)
    answers = dict(zip(SPLITS, outputs.correct.sum(axis=1), strict=True))
    assert answers.pop("test") == 0
    assert all(count > 0 for count in answers.values())


def test_public_export_gives_the_organizers_score(
    public: Challenge,
    sample: Submission,
    evaluation_context: Callable[..., EvaluationContext],
    tmp_path: Path,
) -> None:
    """The same runs, the same checkpoints, the same figures."""
    copy = export_challenge(public, tmp_path / "copy")
    context = evaluation_context(tmp_path / "store")
    first, second = (evaluate(context, sample, part, SETTINGS).to_json() for part in (public, copy))
    assert first["evaluation"] != second["evaluation"]
    assert first["score"] is not None
    varying = {"evaluation", "seconds", "run_seconds_median"}
    assert {name: first[name] for name in first if name not in varying} == {
        name: second[name] for name in second if name not in varying
    }


def test_commands_on_a_private_export(private: Challenge, tmp_path: Path) -> None:
    """`run` ends with 0 where all runs are ok and with 1 else; `score` with a sentence and 2; `verify_evaluation` with 0."""

    store = ("--store", tmp_path / "store")
    unlearn("challenge", "export", private.folder, "--public", tmp_path / "part")
    ended = unlearn("run", SAMPLES / "original", "-c", tmp_path / "part", "-n", 2, "--json", *store)
    summary = json.loads(ended.stdout)
    assert (summary["score"], summary["score_withheld"], summary["reason"]) == (None, True, SCORE_WITHHELD)
    for command, code in (("verify", 0), ("report", 0), ("show", 0), ("score", 2)):
        ended = unlearn(command, summary["evaluation"], *store, code=code)
        assert command == "verify" or SCORE_WITHHELD in " ".join((ended.stdout + ended.stderr).split())
    (tmp_path / "crashes.py").write_text("def unlearning(*_):\n    raise ValueError('as it was meant')\n")
    crashed = unlearn(
        *("run", tmp_path / "crashes.py", "-c", tmp_path / "part", "-n", 2, "--json", *store), code=1
    )
    assert json.loads(crashed.stdout)["verdicts"].keys() == {"crashed"}
