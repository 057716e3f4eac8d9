"""What participants do with an export, in real containers: judged on a private one, scored on a public one."""

from __future__ import annotations

import json
import subprocess
import sys
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
from tests.support.paths import SAMPLES

pytestmark = pytest.mark.container

UNLEARN = Path(sys.executable).parent / "unlearn"
SETTINGS = Settings(n=4, keep_going=True, keep_checkpoints=False)

Build = Callable[..., Challenge]


@pytest.fixture(scope="module")
def build(
    engine: Engine,
    built_image: Image,
    labels: dict[str, str],
    plan: BuildPlan,
    tmp_path_factory: pytest.TempPathFactory,
) -> Build:
    """Return a way to build a tiny challenge of digits, by seed and visibility."""

    def make(seed: int, **changed: str) -> Challenge:
        tiny = replace(plan, seed=seed, references=4, source=Source(most_examples=600, epochs=2), **changed)  # type: ignore[arg-type]
        folder = tmp_path_factory.mktemp("challenges") / "tiny"
        return build_challenge(
            engine=engine, image=built_image, plan=tiny, folder=folder, labels=labels, reporter=NullReporter()
        )

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
        mine, theirs = (set(load_safetensors(one.data(split))["image_id"]) for one in (private, public))
        assert mine != theirs
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
    with pytest.raises(ConfigurationError, match="visibility differ"):
        build_challenge(
            engine=engine,
            image=built_image,
            plan=replace(plan, visibility="public"),
            folder=challenge.folder,
            labels=labels,
            reporter=NullReporter(),
        )


def test_private_export_is_judged_and_not_scored(
    private: Challenge, sample: Submission, bench: Callable[..., EvaluationContext], tmp_path: Path
) -> None:
    """Verdicts, times and warnings as ever; in place of a score the sentence; the evaluation verifies."""
    part = export_challenge(private, tmp_path / "part")
    store = tmp_path / "store"
    at = bench(store)
    told = evaluate(at, sample, part, SETTINGS)
    assert (told.verdicts, told.score, told.reason) == ({"ok": 4}, None, SCORE_WITHHELD)
    assert (told.run_seconds_median or 0) > 0
    runs = at.store.runs(told.evaluation)
    assert all(run.evaluated and run.checkpoint_sha256 and run.host_seconds > 0 for run in runs)
    assert {run.seed for run in runs} == {part.run_seed(index) for index in range(4)}
    assert evaluate(at, sample, part, SETTINGS) == told
    assert verify_evaluation(at.store, store, told.evaluation, part).mismatches == []
    unchanged = evaluate(at, load_submission(SAMPLES / "original"), part, SETTINGS)
    assert unchanged.warnings[0] == "4 of 4 checkpoints are the original network, unchanged"


def test_outputs_on_a_private_export_say_nothing_of_a_test_split(
    private: Challenge, sample: Submission, bench: Callable[..., EvaluationContext], tmp_path: Path
) -> None:
    """No losses, no right answers; on the other splits they are counted."""
    part = export_challenge(private, tmp_path / "part")
    told = evaluate(bench(tmp_path / "store"), sample, part, replace(SETTINGS, n=2))
    file = EvaluationPaths(folder=tmp_path / "store" / told.evaluation).outputs(0)
    found = unpack_outputs(file.read_bytes(), part.output_shapes)
    answers = dict(zip(SPLITS, found.correct.sum(axis=1), strict=True))
    assert answers.pop("test") == 0
    assert all(count > 0 for count in answers.values())


def test_public_export_gives_the_organizers_score(
    public: Challenge, sample: Submission, bench: Callable[..., EvaluationContext], tmp_path: Path
) -> None:
    """The same runs, the same checkpoints, the same figures."""
    copy = export_challenge(public, tmp_path / "copy")
    at = bench(tmp_path / "store")
    original, exported = (evaluate(at, sample, part, SETTINGS).to_json() for part in (public, copy))
    assert original["evaluation"] != exported["evaluation"]
    assert original["score"] is not None
    varying = {"evaluation", "seconds", "run_seconds_median"}
    assert {name: original[name] for name in original if name not in varying} == {
        name: exported[name] for name in exported if name not in varying
    }


def test_commands_on_a_private_export(private: Challenge, tmp_path: Path) -> None:
    """`run` ends with 0 where all runs are ok and with 1 else; `score` with a sentence and 2; `verify_evaluation` with 0."""

    def unlearn(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(UNLEARN), *map(str, arguments), "--store", str(tmp_path / "store")],
            capture_output=True,
            text=True,
            check=False,
        )

    made = subprocess.run(
        [str(UNLEARN), "challenge", "export", private.folder, "--public", tmp_path / "part"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    run = unlearn("run", SAMPLES / "original", "-c", tmp_path / "part", "-n", 2, "--json")
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert (told.score, told.score_withheld, told.reason) == (None, True, SCORE_WITHHELD)
    name = told.evaluation
    for command, code in (("verify", 0), ("report", 0), ("show", 0), ("score", 2)):
        done = unlearn(command, name)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert command == "verify" or SCORE_WITHHELD in " ".join((done.stdout + done.stderr).split())
    (tmp_path / "crashes.py").write_text("def unlearning(*_):\n    raise ValueError('as it was meant')\n")
    crashed = unlearn("run", tmp_path / "crashes.py", "-c", tmp_path / "part", "-n", 2, "--json")
    assert crashed.returncode == 1
    assert json.loads(crashed.stdout)["verdicts"].keys() == {"crashed"}
