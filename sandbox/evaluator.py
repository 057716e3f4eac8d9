"""The evaluator: checkpoints in, outputs out. Our code, strangers' weights as data.

host ── job, data (original, four splits) ──>        <── ready ── container
host ── checkpoint i ──>                             <── outputs i | rejected i ──
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from sandbox.data import read_split
from sandbox.jobs import SPLITS, EvaluatorJob
from sandbox.messages import TO_EVALUATOR
from sandbox.models import build, prepare
from sandbox.outputs import outputs_of
from sandbox.stdio import Stdio


class Evaluator:
    """One network, filled with one checkpoint after another."""

    def __init__(self, job: EvaluatorJob, data: Mapping[str, bytes]) -> None:
        """Lay out the data on the device."""
        torch.set_num_threads(job.threads)
        self._classes = job.classes
        prepare(job.architecture, job.architecture_source)
        device = torch.device(job.device)
        self._net: nn.Module = build(job.architecture, job.classes).to(device)
        self._splits: dict[str, dict[str, Tensor]] = {
            split: {
                name: column.to(device)
                for name, column in read_split(data[split]).items()
                if name in ("image", "label")
            }
            for split in SPLITS
        }

    def outputs(self, checkpoint: bytes) -> bytes:
        """Return the bytes of the outputs of a checkpoint.

        Raises:
            ValueError: it does not fit the network, or what the network answers is not finite.
        """
        try:
            self._net.load_state_dict(safetensors.torch.load(checkpoint), strict=True)
        except (safetensors.SafetensorError, RuntimeError) as error:
            raise ValueError("it does not fit the network") from error
        found = outputs_of(self._net, self._splits, self._classes)
        if not bool(torch.isfinite(found.logits).all()):
            raise ValueError("its logits on the forget examples are not finite")
        return found.to_bytes()


def main() -> None:
    """Serve until the host says stop or goes away."""
    begun = time.monotonic()
    stdio = Stdio(TO_EVALUATOR)
    job: EvaluatorJob | None = None
    data: dict[str, bytes] = {}
    evaluator: Evaluator | None = None
    for frame in stdio.frames():
        if frame.kind == "job":
            job = EvaluatorJob.from_json(frame.payload)
        elif frame.kind == "data":
            data[frame.text("name")] = frame.payload
            if job is not None and data.keys() >= set(SPLITS):
                evaluator = Evaluator(job, data)
                stdio.send("ready", seconds=time.monotonic() - begun)
        elif frame.kind == "checkpoint" and evaluator is not None:
            index = frame.integer("index")
            try:
                stdio.send("outputs", evaluator.outputs(frame.payload), index=index)
            except ValueError as error:
                stdio.send("rejected", index=index, reason=str(error))
        else:
            return


if __name__ == "__main__":
    main()
