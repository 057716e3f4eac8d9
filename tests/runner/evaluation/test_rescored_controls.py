"""Outputs of runs on control problems are scored again with those of the challenge; nothing is executed."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from runner.challenge.layout import DESCRIPTION_FILE, REFERENCES_FILE, control_folder
from runner.challenge.load import load_challenge
from runner.errors import ConfigurationError, HostNotReadyError
from runner.results.rescore import rescore
from runner.results.summary import Summary
from runner.results.verification import verify_evaluation
from runner.store.paths import EvaluationPaths, control_evaluation_id, rescored_evaluation_id
from scoring.controls import comparison
from tests.runner.conftest import CLASSES, FORGET_LABELS, ChallengeFolder
from tests.runner.evaluation.controlled import REFERENCES, Evaluated
from tests.support.ended_evaluation import MINE
from tests.support.npy import npz

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Evaluated]:
    monkeypatch.setattr(comparison, "MIN_EXAMPLES", 1)  # these problems have three examples
    evaluated = Evaluated(tmp_path)
    with closing(evaluated.store):
        evaluated()
        evaluated.batches.clear()
        yield evaluated


def again(evaluated: Evaluated, number: int = 1) -> Summary:
    challenge = load_challenge(evaluated.challenge.folder)
    return rescore(
        evaluated.store,
        evaluated.folder,
        evaluated.name,
        submission=MINE,
        challenge=challenge,
        number=number,
    )


def mismatches(evaluated: Evaluated, name: str) -> list[str]:
    challenge = load_challenge(evaluated.challenge.folder)
    lines = verify_evaluation(evaluated.store, evaluated.folder, name, challenge).mismatches
    return [line for line in lines if not line.startswith("submissions/")]  # this one has no archive


def test_all_parts_are_scored_again(evaluated: Evaluated) -> None:
    """Each control problem has a part of another name with the same runs and outputs; both verify."""
    before = json.loads(evaluated.paths.card.read_bytes())
    summary = again(evaluated)
    assert evaluated.batches == [], "nothing is executed"
    name = rescored_evaluation_id(evaluated.name, evaluated.challenge.sha256, 1)
    paths = EvaluationPaths(folder=evaluated.folder / name)
    parts = [control_evaluation_id(name, control.sha256) for control in evaluated.controls]
    assert [part.id for part in evaluated.store.controls_of(name)] == parts
    for old, new in zip(evaluated.parts, parts, strict=True):
        assert evaluated.store.runs(new) == evaluated.store.runs(old) != []
        assert paths.control(new).outputs(0).samefile(evaluated.paths.control(old).outputs(0))
    card = json.loads(paths.card.read_bytes())
    assert card["controls"] == before["controls"]
    assert len(card["controls"]["controls"]) == 2
    assert summary.evaluation == name
    manifest = json.loads(paths.manifest.read_bytes())
    assert [part["evaluation"] for part in manifest["controls"]] == parts
    assert manifest["rescored"]["evaluation"] == evaluated.name
    assert mismatches(evaluated, name) == mismatches(evaluated, evaluated.name) == []


def test_changed_outputs_of_a_part_are_noticed(evaluated: Evaluated) -> None:
    """They are a fault of ours, and no score."""
    evaluated.paths.control(evaluated.parts[1]).outputs(3).write_bytes(b"changed")
    with pytest.raises(HostNotReadyError, match="not the file that was recorded"):
        again(evaluated)


def test_another_control_problem_is_refused(evaluated: Evaluated) -> None:
    """Also where its references alone are others: which problems there are is part of the challenge."""
    folder = control_folder(evaluated.challenge.folder, 1)
    logits = np.random.default_rng(9).normal(size=(REFERENCES, len(FORGET_LABELS), CLASSES))
    ChallengeFolder(folder).write(
        REFERENCES_FILE,
        npz(
            logits=logits.astype(np.float32),
            correct=np.ones((REFERENCES, 4, CLASSES), np.int64),
            unseen_losses=np.ones((REFERENCES, 2), np.float32),
        ),
    )
    _describe_again(folder)
    fields = tomllib.loads((evaluated.challenge.folder / DESCRIPTION_FILE).read_text())
    fields["controls"] = [
        load_challenge(control_folder(evaluated.challenge.folder, number)).sha256 for number in (1, 2)
    ]
    (evaluated.challenge.folder / DESCRIPTION_FILE).write_text(tomli_w.dumps(fields))
    with pytest.raises(ConfigurationError, match=r"are not those .* judge the entries again with --rerun"):
        again(evaluated)


def _describe_again(folder: Path) -> None:
    """Let the description of a challenge name the hash of its references as they are."""
    file = folder / DESCRIPTION_FILE
    fields = tomllib.loads(file.read_text())
    fields["files"][REFERENCES_FILE] = hashlib.sha256((folder / REFERENCES_FILE).read_bytes()).hexdigest()
    file.write_text(tomli_w.dumps(fields))
