"""What a run reports of its own checkpoint becomes one harmless sentence, and changes nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save

from runner.parsers.checkpoint import check_checkpoint, checkpoint_spec, content_sha256
from runner.parsers.remarks import ANSWERS_UNLIKE
from runner.parsers.safetensors import CheckpointError
from runner.reports.mistakes import MISTAKES
from sandbox.protocol.messages import REMARK_HALF, REMARK_OUTSIDE

TENSORS = {"running_var": np.array([508_838.0, -2.0], np.float32), "count": np.array(3)}
SPEC = checkpoint_spec(save(TENSORS))


@pytest.mark.parametrize(
    ("report", "shown"),
    [
        ("proj", "proj"),
        ("fc.noise, layer1.forward and 3 more", "fc.noise, layer1.forward and 3 more"),
        ("", "unknown"),
        (" \n ", "unknown"),
        ("\x1b[2J\u202ex\ny", "\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}x y"),
        ("x" * 3000, ""),
    ],
)
def test_a_report_of_outside_state_is_a_sentence(report: str, shown: str) -> None:
    """Whatever a run writes there, it is one short line, and the checkpoint's hash stays the same."""
    data = save(TENSORS, {REMARK_OUTSIDE: report})
    sentence = check_checkpoint(data, SPEC)
    assert sentence.startswith(f"{ANSWERS_UNLIKE} (")
    assert "\n" not in sentence
    assert len(sentence) < len(ANSWERS_UNLIKE) + 210
    if len(report) < 300:
        assert sentence == f"{ANSWERS_UNLIKE} ({shown})"
    assert content_sha256(data) == content_sha256(save(TENSORS))


def test_without_a_report_there_is_no_sentence() -> None:
    """Other metadata mean nothing, nor does a report of overflow where all is finite."""
    for metadata in (None, {"format": "pt"}, {REMARK_HALF: "running_var"}):
        assert check_checkpoint(save(TENSORS, metadata), SPEC) == ""


def test_overflow_is_explained_with_the_originals_largest_value() -> None:
    """Only if the run reports half precision: else the same values mean divergence. Participants read of it."""
    infinite = {**TENSORS, "running_var": np.array([np.inf, 1.0], np.float32)}
    with pytest.raises(CheckpointError) as refused:
        check_checkpoint(save(infinite, {REMARK_HALF: "running_var"}), SPEC)
    assert str(refused.value) == (
        "running_var has values that are not finite: they were returned in half precision, which values above "
        "65504 do not fit (the original's own largest value there is 508838)"
    )
    assert f"bn1.{refused.value}" in [mistake.example for mistake in MISTAKES]
    with pytest.raises(CheckpointError) as refused:
        check_checkpoint(save(infinite), SPEC)
    assert str(refused.value) == "running_var has values that are not finite"


def test_the_largest_value_is_that_of_the_tensor() -> None:
    """By absolute value, in each type of floats; integers and empty tensors have none."""
    tensors = {
        "half": np.array([-3, 2], np.float16),
        "double": np.array([1e300]),
        "empty": np.zeros((0, 2), np.float32),
        "integer": np.array([9]),
    }
    largest = {name: tensor.largest for name, tensor in checkpoint_spec(save(tensors)).items()}
    assert largest == {"half": 3.0, "double": 1e300, "empty": 0.0, "integer": 0.0}
