"""Both sides agree on the frames and jobs that they exchange."""

from __future__ import annotations

import json

import pytest

from sandbox.protocol.frames import Decoder, ProtocolViolationError, Scalar, encode_header
from sandbox.protocol.jobs import EvaluatorJob, TimingJob, TrainerJob, WorkerJob
from sandbox.protocol.messages import ERROR_BYTES, from_worker

EVALUATOR = EvaluatorJob(architecture="digits", classes=10, device="cpu")
PROBING = EvaluatorJob(architecture="digits", classes=10, device="cpu", probes={"kinds": ["features"]})
TRAINER = TrainerJob(
    recipe="digits",
    seed=1 << 39,
    forget_fraction=0.1,
    references=3,
    groups_done=[0, 16],
    skip_original=True,
    device="cpu",
    processes=2,
    data_files=3,
    most_examples=None,
    architecture=None,
    training={"preset": "contest", "epochs": 3},
    epochs=4,
    snapshots=[-1, 32],
)
TIMING = TimingJob(
    architecture="file",
    classes=10,
    training={"epochs": 3, "batch_size": 64},
    device="cpu",
    threads=1,
    portions=3,
    architecture_source="def build(classes): ...",
)
WORKER = WorkerJob(
    architecture="digits",
    classes=10,
    item_format="dict",
    batch_size=64,
    device="cpu",
    concurrency=2,
    threads=1,
    runs=5,
    first_uid=10_000,
    first_slot_gid=2_000,
    wall_seconds=0.5,
    checkpoint_bytes=1 << 20,
    log_bytes=4096,
    processes=64,
)


@pytest.mark.parametrize(
    "job", [EVALUATOR, PROBING, TRAINER, TIMING, WORKER], ids=lambda job: type(job).__name__
)
def test_a_job_survives_the_round_trip(job: EvaluatorJob | TrainerJob | TimingJob | WorkerJob) -> None:
    """The parsed job equals the job that was written."""
    assert type(job).from_json(job.to_json()) == job


@pytest.mark.parametrize("job", [EVALUATOR, TRAINER])
def test_earlier_images_are_not_told_of_probes_that_are_not_recorded(
    job: EvaluatorJob | TrainerJob,
) -> None:
    """They refuse names that they do not know, and could not record any."""
    assert not {"probes", "mislabelled"} & json.loads(job.to_json()).keys()
    assert "probes" in json.loads(PROBING.to_json())


@pytest.mark.parametrize("change", [{"classes": None}, {"gpu": 1}, {"classes": None, "class": 10}], ids=str)
def test_a_job_of_another_version_is_refused(change: dict[str, int | None]) -> None:
    """Missing and unknown names are errors whose message lists them."""
    changed = {**json.loads(EVALUATOR.to_json()), **change}
    data = json.dumps({name: value for name, value in changed.items() if value is not None}).encode()
    with pytest.raises(ValueError, match="missing or unknown") as caught:
        EvaluatorJob.from_json(data)
    assert all(name in str(caught.value) for name in change)


@pytest.mark.parametrize("checkpoint_bytes", [100, ERROR_BYTES + 7])
def test_finished_has_room_for_a_checkpoint_or_an_error_and_no_more(checkpoint_bytes: int) -> None:
    """The limit of a run's result is the maximum of the checkpoint limit and the error limit."""
    decoder = Decoder(from_worker(checkpoint_bytes=checkpoint_bytes))
    limit = max(checkpoint_bytes, ERROR_BYTES)
    fields: dict[str, Scalar] = {
        "index": 0,
        "seconds": 1.0,
        "exit_code": 0,
        "ended_by": "",
        "oom_kills": 0,
        "result": "none",
        "log_bytes_dropped": 0,
        "wiped": True,
    }
    (frame,) = decoder.feed(encode_header("finished", limit, **fields) + bytes(limit))
    assert len(frame.payload) == limit
    with pytest.raises(ProtocolViolationError, match="announced"):
        list(decoder.feed(encode_header("finished", limit + 1, **fields)))
