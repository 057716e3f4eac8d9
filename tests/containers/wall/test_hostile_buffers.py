"""Integers that a network indexes with: a submission's out of bounds do not reach the evaluator.

The network here is an organizer's own. Its forward gathers pixels by an integer buffer, 8 to 55 of an image's
64. `gather` answers an index out of bounds with an error that the evaluator takes for a failure of our own code,
as a GPU answers with one that no later call survives: without the host's check of the bounds
(`runner.parsers.checkpoint`) such a checkpoint takes the evaluator along.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import EvaluatorClient
from runner.engine.api import Engine
from runner.engine.container_spec import evaluator_container
from runner.errors import SandboxLostError
from runner.image.image import Image
from runner.parsers.checkpoint import check_checkpoint
from runner.parsers.safetensors import CheckpointError
from tests.support.command import unlearn

pytestmark = pytest.mark.container

OWN = """
import torch
from torch import nn

class Picked(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.register_buffer("index", torch.arange(8, 56))
        self.head = nn.Linear(48, classes)

    def forward(self, image):
        pixels = image.flatten(1)
        return self.head(pixels.gather(1, self.index.expand(len(pixels), -1)))

def build(classes):
    return Picked(classes)
"""
SUBMISSION = """
def unlearning(net, retain, forget, val):
    {change}
    net.head.bias.data += 0.1
    return net
"""
REFUSED = {
    "far above": "net.index[0] = 10**9",
    "one below": "net.index[0] = 7",
}
ACCEPTED = {"unchanged": "pass", "permuted": "net.index.copy_(net.index.flip(0))"}
SENTENCE = "index has integers outside the original's range of 8 to 55"


@pytest.fixture(scope="module")
def indexing(challenge_with_network: Callable[[str], Path]) -> Challenge:
    """Return a challenge whose network indexes with a buffer."""
    return load_challenge(challenge_with_network(OWN))


@pytest.fixture(scope="module")
def summaries(indexing: Challenge, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the summary of each submission from one command, the hostile ones first."""
    place = tmp_path_factory.mktemp("submissions")
    for name, change in {**REFUSED, **ACCEPTED}.items():
        (place / name).mkdir()
        (place / name / "submission.py").write_text(SUBMISSION.format(change=change))
    done = unlearn(
        *("run", *(place / name for name in [*REFUSED, *ACCEPTED]), "--challenge", indexing.folder),
        *("-n", 2, "--store", place / "store", "--json"),
        code=1,
    )
    return {summary["submission"]: summary for summary in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", REFUSED)
def test_an_index_beyond_the_originals_is_a_bad_checkpoint(
    summaries: dict[str, dict[str, Any]], name: str
) -> None:
    """Far or by one: the bounds are the original's, though 7 is a pixel too."""
    summary = summaries[name]
    assert summary["score"] is None
    assert set(summary["verdicts"]) == {"bad-checkpoint"}
    assert summary["reason"].endswith(f" ended as bad-checkpoint ({SENTENCE})")


@pytest.mark.parametrize("name", ACCEPTED)
def test_indices_within_the_originals_are_scored_after_the_hostile_ones(
    summaries: dict[str, dict[str, Any]], name: str
) -> None:
    """In the same command: nobody's evaluator was lost. Only the bounds are checked, so another order passes."""
    summary = summaries[name]
    assert summary["verdicts"] == {"ok": 2}
    assert isinstance(summary["score"], float)


def changed(indexing: Challenge, place: int, value: int) -> bytes:
    """Return the original network with one index changed."""
    tensors: dict[str, NDArray[Any]] = load_safetensors(indexing.data("original"))
    tensors["index"] = tensors["index"].copy()
    tensors["index"][place] = value
    return save(tensors)


def test_without_the_check_an_index_out_of_bounds_takes_the_evaluator(
    engine: Engine, built_image: Image, labels: dict[str, str], indexing: Challenge
) -> None:
    """The control: a real evaluator answers an index within bounds, and is lost with one out of them.

    Nothing else of the host's check would have refused it.
    """
    honest, hostile = changed(indexing, 0, 20), changed(indexing, 0, -(10**9))
    check_checkpoint(honest, indexing.spec)
    with pytest.raises(CheckpointError, match=SENTENCE):
        check_checkpoint(hostile, indexing.spec)
    check_checkpoint(hostile, {name: replace(tensor, bounds=None) for name, tensor in indexing.spec.items()})

    container = engine.start(evaluator_container(image=built_image.tag, cpus=1.0, labels=labels))
    try:
        evaluator = EvaluatorClient(stream=container, challenge=indexing)
        evaluator.send(0, honest)
        index, outputs = evaluator.receive()
        assert index == 0
        assert isinstance(outputs, NetworkOutputs)
        assert np.isfinite(outputs.logits).all()
        with pytest.raises(SandboxLostError, match="The evaluator ended early"):
            lose(evaluator, hostile)
    finally:
        container.remove()


def lose(evaluator: EvaluatorClient, checkpoint: bytes) -> None:
    evaluator.send(1, checkpoint)
    evaluator.receive()
