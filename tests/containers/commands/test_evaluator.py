"""Do outputs depend on the checkpoint alone, byte for byte? `unlearn verify` rests on it."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save

from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.clients.evaluator import EvaluatorClient
from runner.engine.api import Engine
from runner.engine.container_spec import evaluator_container
from runner.errors import SandboxLostError
from runner.image.image import Image
from tests.containers.conftest import InImage

pytestmark = pytest.mark.container

EVERY_WAY = """
import itertools, json, safetensors.torch, torch
from concurrent.futures import ThreadPoolExecutor
from sandbox.evaluator.main import Evaluator
from sandbox.protocol.splits import SPLITS
from sandbox.protocol.jobs import EvaluatorJob
from sandbox.networks.architectures import build
from sandbox.networks.outputs import outputs_of
from sandbox.networks.probes import Probes
from sandbox.protocol.probes import KINDS, ProbePlan

FIELDS = {"kinds": KINDS, "seed": 3, "sample_examples": 50, "norms": [0.03, 0.3], "copies": 1,
          "feature_numbers": 64, "relearning_steps": 2, "relearning_rate": 0.1, "relearning_batch": 8}

def ways(architecture, *shape):
    torch.manual_seed(0)
    splits = {
        name: {"image": torch.randn(examples, *shape), "label": torch.randint(10, (examples,))}
        for name, examples in zip(SPLITS, (300, 129, 1, 67))
    }
    data = {name: safetensors.torch.save(split) for name, split in splits.items()}
    states = [build(architecture, 10).state_dict() for _ in range(3)]
    checkpoints = [safetensors.torch.save(state) for state in states]
    without = Evaluator(EvaluatorJob(architecture=architecture, classes=10, device="cpu"), data)
    bare = [without.outputs(checkpoint) for checkpoint in checkpoints]
    job = EvaluatorJob(architecture=architecture, classes=10, device="cpu", probes=FIELDS)
    alone = [Evaluator(job, data).outputs(checkpoint) for checkpoint in checkpoints]
    after_others = Evaluator(job, data)
    in_another_order = [after_others.outputs(one) for one in reversed(checkpoints)][::-1]
    with ThreadPoolExecutor(3) as pool:
        side_by_side = list(pool.map(after_others.outputs, checkpoints * 4))
    as_references, probes = [], Probes(ProbePlan.from_fields(FIELDS), splits)
    for state in states:
        net = build(architecture, 10)
        net.load_state_dict(state)
        as_references.append(outputs_of(net.train(), splits, 10, probes=probes).to_bytes())
    return {
        "differ from each other": len(set(alone)) == 3,
        "in another order": in_another_order == alone,
        "side by side": side_by_side == alone * 4,
        "as references": as_references == alone,
        "without probes": all(whole.startswith(part) for whole, part in zip(alone, bare)),
        "with all of them": len(alone[0]) - len(bare[0])
        == 4 * (50 * 10 + 50 * 10 + 2 * 1 * 129 * 10 + 129 * 64 + 129 * 10),
    }

print(json.dumps({"digits": ways("digits", 1, 8, 8), "resnet18": ways("resnet18", 3, 32, 32)}))
"""


def test_outputs_depend_on_the_checkpoint_alone(in_image: InImage) -> None:
    """Not on what was evaluated before or beside it, nor on probes; and a reference's are computed alike."""
    answers = json.loads(in_image(EVERY_WAY))
    assert {way for ways in answers.values() for way, same in ways.items() if not same} == set()
    assert set(answers) == {"digits", "resnet18"}


SHORTAGES = """
import json
import threading
import safetensors.torch, torch
from sandbox.evaluator import main as program
from sandbox.protocol.splits import SPLITS
from sandbox.protocol.jobs import EvaluatorJob
from sandbox.networks.architectures import build

split = {"image": torch.randn(3, 1, 8, 8), "label": torch.randint(10, (3,))}
data = {name: safetensors.torch.save(split) for name in SPLITS}
job = EvaluatorJob(architecture="digits", classes=10, device="cpu")
checkpoint = safetensors.torch.save(build("digits", 10).state_dict())
outputs_of, copy_ = program.outputs_of, torch.Tensor.copy_

def ends_with(error, where):
    def fails(*_rest, **_more):
        raise error
    if where == "load":
        torch.Tensor.copy_ = fails
    else:
        program.outputs_of = fails
    try:
        program.Evaluator(job, data).outputs(checkpoint)
    except Exception as ended:
        return type(ended).__name__
    finally:
        torch.Tensor.copy_, program.outputs_of = copy_, outputs_of

full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
found = [ends_with(full, "load"), ends_with(full, "forward")]
found += [ends_with(RuntimeError(words), "forward") for words in (
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "[enforce fail] DefaultCPUAllocator: can't allocate memory",
    "CUDA error: device-side assert triggered",
)]
found += [ends_with(ValueError("3"), "forward"), ends_with(RuntimeError("size mismatch"), "load")]
print(json.dumps(found))
"""


def test_a_shortage_is_told_from_a_network_that_fails(in_image: InImage) -> None:
    """Wherever it shows: the checkpoint is not to blame for it."""
    assert json.loads(in_image(SHORTAGES)) == [
        *["ShortageError"] * 4,
        "RuntimeError",
        *["UnfitError"] * 2,
    ]


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
        container = engine.start(evaluator_container(image=built_image.tag, cpus=2.0, labels=labels))
        results: dict[int, bytes | str] = {}
        try:
            evaluator = EvaluatorClient(stream=container, challenge=challenge)
            if ahead:
                evaluator.set_concurrency(3)
            for index, checkpoint in enumerate(checkpoints):
                evaluator.send(index, checkpoint)
                if not ahead:
                    note(results, *evaluator.receive())
            while len(results) < len(checkpoints):
                note(results, *evaluator.receive())
            return results
        finally:
            container.remove()

    def note(results: dict[int, bytes | str], index: int, outputs: object) -> None:
        assert index not in results
        results[index] = pack_outputs(outputs) if isinstance(outputs, NetworkOutputs) else str(outputs)

    one_by_one, at_once = told(ahead=False), told(ahead=True)
    assert one_by_one == at_once
    assert len({one_by_one[index] for index in range(6)}) == 6
    assert "not finite" in str(one_by_one[6])


def test_killing_ends_a_thread_that_writes_to_it(
    engine: Engine, built_image: Image, labels: dict[str, str]
) -> None:
    """A container that does not read, as one that is being killed: the engine alone would leave it waiting."""
    spec = evaluator_container(image=built_image.tag, cpus=1.0, labels=labels)
    container = engine.start(replace(spec, command=("/usr/bin/sleep", "600")))
    started, errors = threading.Event(), list[SandboxLostError]()

    def write() -> None:
        started.set()
        try:
            container.send(bytes(16 << 20))
        except SandboxLostError as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    try:
        thread.start()
        assert started.wait(30)
        thread.join(1.0)
        assert thread.is_alive(), "it was to be waiting"
        container.kill()
        thread.join(30)  # half of what it would wait for otherwise
        assert not thread.is_alive()
        assert len(errors) == 1
    finally:
        container.remove()
        thread.join()
