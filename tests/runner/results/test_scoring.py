"""What reaches a score card from a store; outputs that cannot be scored are a reason for no score, not an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runner.challenge.load import load_challenge
from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.challenge.probes import choose_probes
from runner.results.scoring import load_populations, read_outputs, score_runs
from runner.store.records import RetrainingRecord
from scoring.card.card import ScoreCard
from scoring.card.levels import flag_level
from tests.runner.conftest import ChallengeFolder
from tests.support.ended_evaluation import Ended, ending


def test_outputs_that_contradict_the_challenge_are_a_reason(ended: Ended) -> None:
    """More right answers than examples; a verification reports the score, and does not fail."""
    ended.paths.outputs(0).write_bytes(
        pack_outputs(
            NetworkOutputs(
                logits=np.zeros((3, 2), np.float32),
                correct=np.full((4, 2), 1000),
                unseen_losses=np.zeros(2, np.float32),
            )
        )
    )
    runs = ended.store.runs(ended.name)
    reason = score_runs(ended.challenge, runs, ended.paths.outputs, RetrainingRecord())
    assert isinstance(reason, str)
    assert "outnumber" in reason
    assert any("score" in line for line in ended.mismatches())


def test_probes_of_runs_and_references_reach_the_scorer(challenge_folder: ChallengeFolder) -> None:
    """Each array of each run, in its place; they are part of the outputs whose hashes a score rests on."""
    probes = choose_probes("cheap", 0)
    assert probes is not None
    challenge_folder.write_probes(probes)
    challenge = load_challenge(challenge_folder.describe(probes=probes))
    with ending(challenge_folder.folder.parent / "store", challenge) as ended:
        runs = ended.store.runs(ended.name)
        unlearned, references = load_populations(challenge, runs, ended.paths.outputs)
        assert unlearned.probes is not None
        assert references.probes is not None
        for of_population, models in ((unlearned.probes, 4), (references.probes, 3)):
            assert of_population.perturbed_logits is not None
            assert of_population.perturbed_logits.shape == (models, 3, 2, 3, 2)
            assert of_population.norms is not None
            assert of_population.norms.tolist() == [0.03, 0.1, 0.3]
            assert of_population.features is not None
            assert of_population.features.shape == (models, 3, 64)
            assert of_population.relearned_logits is None
            assert of_population.test_labels is not None
            assert of_population.test_labels.tolist() == [0, 1]
        for run in runs:
            stored = read_outputs(challenge, ended.paths.outputs(run.index)).probes
            for kind, array in stored.items():
                assert np.array_equal(getattr(unlearned.probes, kind)[run.index], array), kind
        for outputs in (unlearned, references):
            assert outputs.original_logits is not None
            assert outputs.original_logits.tolist() == [[7, 7]] * 3
            assert outputs.mislabelled is not None
            assert outputs.mislabelled.tolist() == [False, True, False]
        without, _ = load_populations(challenge, runs, ended.paths.outputs, with_probes=False)
        assert without.probes is None
        assert ended.mismatches() == []
        file = ended.paths.outputs(1)
        data = bytearray(file.read_bytes())
        data[data.index(np.float32(stored_value(file)).tobytes())] ^= 1
        file.write_bytes(data)
        assert "outputs/00001.npz is not the file that the manifest names" in ended.mismatches()


def stored_value(file: Path) -> float:
    """Return a number of the probes in a file of outputs."""
    with np.load(file) as archive:
        return float(archive["probe_features"][0, 0])


def test_a_challenge_without_probes_has_none_to_score(ended: Ended) -> None:
    """As challenges of earlier versions."""
    for outputs in load_populations(ended.challenge, ended.store.runs(ended.name), ended.paths.outputs):
        assert outputs.probes is None
        assert outputs.original_logits is None


@pytest.mark.parametrize(
    ("processor", "retraining", "kinds"),
    [
        ([1.1], RetrainingRecord(seconds=0.5, processor_seconds=1.0, fraction=0.65), ["problem"]),
        ([0.6], RetrainingRecord(seconds=0.5, processor_seconds=1.0, fraction=0.65), []),
        (
            [1.1],
            RetrainingRecord(
                seconds=0.5, processor_seconds=1.0, empty_run_processor_seconds=0.6, fraction=0.65
            ),
            [],
        ),
        ([1.1, None], RetrainingRecord(seconds=1e6, processor_seconds=1.0, fraction=0.65), []),
        ([1.1], RetrainingRecord(seconds=1e6, processor_seconds=1.0), []),
        ([1.1], RetrainingRecord(), []),
    ],
    ids=["retrains", "unlearns", "mostly starts", "one is unknown", "an earlier challenge", "not timed"],
)
def test_processor_time_of_runs_reaches_the_card(
    ended: Ended, processor: list[float | None], retraining: RetrainingRecord, kinds: list[str]
) -> None:
    """Together with that of retraining and of an empty run, and with what the challenge allows."""
    runs = [
        replace(run, processor_seconds=processor[run.index % len(processor)])
        for run in ended.store.runs(ended.name)
    ]
    card = score_runs(ended.challenge, runs, ended.paths.outputs, retraining)
    assert isinstance(card, ScoreCard)
    flags = [flag for flag in card.flags if flag.kind == "too-slow"]
    assert [flag_level(flag.kind, flag.sentence) for flag in flags] == kinds
    known = None not in processor and retraining.processor_seconds is not None
    assert (card.run_time is not None and card.run_time.processor is not None) is known
