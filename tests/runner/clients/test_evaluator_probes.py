"""An evaluator is told which probes to record, and its frames hold exactly those."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.export import export_challenge
from runner.challenge.load import load_challenge
from runner.challenge.outputs import NetworkOutputs
from runner.challenge.probes import ProbeSettings
from runner.clients.evaluator import EvaluatorClient
from runner.errors import SandboxLostError
from sandbox.protocol.frames import Frame, encode
from sandbox.protocol.messages import TO_EVALUATOR
from sandbox.protocol.probes import FEATURES, KINDS, PERTURBED, probe_seed
from tests.runner.conftest import ChallengeFolder
from tests.support.fake_stream import Answer, FakeStream

CHEAP = ProbeSettings(kinds=list(KINDS[:4]), seed=probe_seed(0))


@pytest.fixture
def challenge(challenge_folder: ChallengeFolder) -> Challenge:
    """Return the tiny challenge with probes."""
    challenge_folder.write_probes(CHEAP)
    return load_challenge(challenge_folder.describe(probes=CHEAP))


def client(
    challenge: Challenge, answer: Callable[[int], bytes] = bytes
) -> tuple[EvaluatorClient, FakeStream]:
    """Return a client of an evaluator that answers with ``answer`` of the expected size."""
    size = challenge.output_shapes.size_bytes

    def script(frame: Frame) -> Iterable[Answer]:
        if frame.kind == "data" and frame.text("name") == "test":
            yield 0.0, encode("ready", seconds=0.5)
        if frame.kind == "checkpoint":
            yield 0.0, encode("outputs", answer(size), index=frame.integer("index"))

    stream = FakeStream(script, rules=TO_EVALUATOR)
    return EvaluatorClient(stream=stream, challenge=challenge, clock=stream.clock), stream


def job_of(stream: FakeStream) -> dict[str, object]:
    (job,) = [frame for frame in stream.sent if frame.kind == "job"]
    fields: dict[str, object] = json.loads(job.payload)
    return fields


def test_the_job_has_the_settings_of_the_challenge(challenge: Challenge) -> None:
    """As the references' trainer had them: kinds, seed, noise, samples."""
    _, stream = client(challenge)
    probes = job_of(stream)["probes"]
    assert isinstance(probes, dict)
    assert probes["kinds"] == CHEAP.kinds
    assert (probes["seed"], probes["norms"], probes["copies"]) == (CHEAP.seed, [0.03, 0.1, 0.3], 2)


def test_probes_arrive_behind_the_outputs(challenge: Challenge) -> None:
    """Each array in its shape."""
    evaluator, _ = client(challenge, lambda size: np.arange(size // 4, dtype="<f4").tobytes())
    evaluator.send(3, b"weights")
    index, outputs = evaluator.receive()
    assert index == 3
    assert isinstance(outputs, NetworkOutputs)
    assert {kind: array.shape for kind, array in outputs.probes.items()} == {
        "retain_logits": (2, 2),
        "test_logits": (2, 2),
        PERTURBED: (3, 2, 3, 2),
        FEATURES: (3, 64),
    }
    last = challenge.output_shapes.size_bytes // 4 - 1
    assert outputs.probes[FEATURES][-1, -1] == last


@pytest.mark.parametrize("difference", [-4, 4, 1 << 20])
def test_an_answer_of_another_size_is_not_used(challenge: Challenge, difference: int) -> None:
    """Whether the probes are missing in part, or there is more than the host would hold."""
    evaluator, _ = client(challenge, lambda size: bytes(size + difference))
    evaluator.send(0, b"weights")
    with pytest.raises(SandboxLostError, match=r"wrong size|something other than outputs"):
        evaluator.receive()


def test_an_evaluator_of_a_private_export_records_nothing(challenge: Challenge) -> None:
    """Participants have neither the settings nor references to compare with."""
    exported = export_challenge(challenge, challenge.folder.parent / "out")
    _, stream = client(exported)
    assert "probes" not in job_of(stream)
