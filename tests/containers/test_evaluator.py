"""Do outputs depend on the checkpoint alone, byte for byte? `unlearn verify` rests on it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save

from runner import options
from runner.challenge import Challenge
from runner.engine import Engine
from runner.evaluator import Evaluator, RunOutputs, to_bytes
from runner.image import Image
from tests.containers.conftest import InImage

pytestmark = pytest.mark.container

EVERY_WAY = """
import itertools, json, safetensors.torch, torch
from concurrent.futures import ThreadPoolExecutor
from sandbox.evaluator import Evaluator
from sandbox.jobs import SPLITS, EvaluatorJob
from sandbox.models import build
from sandbox.outputs import outputs_of

def ways(architecture, *shape):
    torch.manual_seed(0)
    splits = {
        name: {"image": torch.randn(examples, *shape), "label": torch.randint(10, (examples,))}
        for name, examples in zip(SPLITS, (300, 129, 1, 67))
    }
    data = {name: safetensors.torch.save(split) for name, split in splits.items()}
    states = [build(architecture, 10).state_dict() for _ in range(3)]
    checkpoints = [safetensors.torch.save(state) for state in states]
    job = EvaluatorJob(architecture=architecture, classes=10, device="cpu")
    alone = [Evaluator(job, data).outputs(checkpoint) for checkpoint in checkpoints]
    after_others = Evaluator(job, data)
    in_another_order = [after_others.outputs(one) for one in reversed(checkpoints)][::-1]
    with ThreadPoolExecutor(3) as pool:
        side_by_side = list(pool.map(after_others.outputs, checkpoints * 4))
    as_references = []
    for state in states:
        net = build(architecture, 10)
        net.load_state_dict(state)
        as_references.append(outputs_of(net.train(), splits, 10).to_bytes())
    return {
        "differ from each other": len(set(alone)) == 3,
        "in another order": in_another_order == alone,
        "side by side": side_by_side == alone * 4,
        "as references": as_references == alone,
    }

print(json.dumps({"digits": ways("digits", 1, 8, 8), "resnet18": ways("resnet18", 3, 32, 32)}))
"""


def test_outputs_depend_on_the_checkpoint_alone(in_image: InImage) -> None:
    """Not on what was evaluated before or beside it; and a reference's are computed alike."""
    found = json.loads(in_image(EVERY_WAY))
    assert {way for ways in found.values() for way, same in ways.items() if not same} == set()
    assert set(found) == {"digits", "resnet18"}


@pytest.fixture
def checkpoints(challenge: Challenge) -> list[bytes]:
    """Return the original network with noise on it, six times, and one network that answers with NaN."""
    original, state = load_safetensors(challenge.data("original")), np.random.RandomState(1)
    noisy = [
        {
            name: (value + 0.01 * state.standard_normal(value.shape)).astype(value.dtype)
            if value.dtype == np.float32 and "running_var" not in name
            else value
            for name, value in original.items()
        }
        for _ in range(6)
    ]
    broken = {**original, "fc.weight": np.full_like(original["fc.weight"], 3e38)}
    return [*map(save, noisy), save(broken)]


def test_the_program_answers_alike_one_by_one_and_all_at_once(
    engine: Engine,
    built_image: Image,
    labels: dict[str, str],
    challenge: Challenge,
    checkpoints: Sequence[bytes],
) -> None:
    """Each sent when the last is answered, or all sent ahead to be evaluated side by side: the same bytes."""

    def told(*, ahead: bool) -> dict[int, bytes | str]:
        container = engine.start(options.evaluator(image=built_image.tag, cpus=2.0, labels=labels))
        found: dict[int, bytes | str] = {}
        try:
            evaluator = Evaluator(stream=container, challenge=challenge)
            if ahead:
                evaluator.side_by_side(3)
            for index, checkpoint in enumerate(checkpoints):
                evaluator.send(index, checkpoint)
                if not ahead:
                    note(found, *evaluator.receive())
            while len(found) < len(checkpoints):
                note(found, *evaluator.receive())
            return found
        finally:
            container.remove()

    def note(found: dict[int, bytes | str], index: int, outputs: object) -> None:
        assert index not in found
        found[index] = to_bytes(outputs) if isinstance(outputs, RunOutputs) else str(outputs)

    one_by_one, at_once = told(ahead=False), told(ahead=True)
    assert one_by_one == at_once
    assert len({one_by_one[index] for index in range(6)}) == 6
    assert "not finite" in str(one_by_one[6])
