"""The contest's loop: one process calls the submission again and again, and serializes what it returns.

It reads the frames of a worker, and answers each ``run`` with the seconds that the call took.
"""

from __future__ import annotations

import random
import time
import types
from typing import Any

import numpy as np
import torch

from sandbox.networks.architectures import build
from sandbox.networks.datasets import dataset, loader, read_split
from sandbox.networks.precision import exact_arithmetic
from sandbox.protocol.jobs import WorkerJob
from sandbox.protocol.messages import TO_WORKER
from sandbox.stdio import Stdio
from sandbox.worker.checkpoint import checkpoint_bytes


def main() -> None:
    """Serve until the other side closes the stream."""
    stdio, received, source, job = Stdio(TO_WORKER), dict[str, bytes](), b"", None
    frames = stdio.frames()
    for frame in frames:
        if frame.kind == "job":
            job = WorkerJob.from_json(frame.payload)
        elif frame.kind == "data":
            received[frame.text("name")] = frame.payload
        else:
            source = frame.payload
            break
    assert job is not None
    torch.set_num_threads(1)
    exact_arithmetic()  # as in sealed runs
    original = read_split(received["original"])
    items = [dataset(read_split(received[name]), job.item_format) for name in ("retain", "forget", "val")]
    module: Any = types.ModuleType("submission")
    exec(compile(source, "submission.py", "exec"), module.__dict__)
    stdio.send("ready", seconds=0.0)
    for frame in frames:
        if frame.kind != "run":
            return
        began = time.monotonic()
        net = build(job.architecture, job.classes)
        net.load_state_dict(original)
        net.to(job.device)
        loaders = [loader(split, job.batch_size) for split in items]
        seed = frame.integer("seed")
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)
        returned = module.unlearning(net, *loaders)
        checkpoint_bytes(returned if isinstance(returned, torch.nn.Module) else net, {})
        stdio.send("called", seconds=time.monotonic() - began)


if __name__ == "__main__":
    main()
