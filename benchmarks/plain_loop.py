"""Call a submission N times in one process, without a sandbox, as the contest's driver did.

The text is sent to the container as ``python -c``. It reads the same frames as a worker and reports when
it is ready and when it is done. Every call gets a fresh network, fresh loaders and its seed, and its
checkpoint is serialized: all the work of a sealed run except the sealing.
"""

import os
import random
import sys
import time
import types

import numpy as np
import torch

from sandbox.networks.architectures import build
from sandbox.networks.datasets import dataset, loader, read_split
from sandbox.protocol.jobs import WorkerJob
from sandbox.protocol.messages import TO_WORKER
from sandbox.stdio import Stdio
from sandbox.worker.checkpoint import checkpoint_bytes

stdio = Stdio(TO_WORKER)
received: dict[str, bytes] = {}
for frame in stdio.frames():
    if frame.kind == "job":
        job = WorkerJob.from_json(frame.payload)
    elif frame.kind == "data":
        received[frame.text("name")] = frame.payload
    if len(received) == 5:
        break

threads = int(os.environ["PLAIN_THREADS"])
if threads:
    torch.set_num_threads(threads)
original = read_split(received["original"])
items = [dataset(read_split(received[name]), job.item_format) for name in ("retain", "forget", "val")]
module = types.ModuleType("submission")
exec(received["submission.py"].decode(), module.__dict__)
import torch._dynamo  # noqa: E402 - part of start-up, as in the worker; otherwise the first call pays for it

stdio.send("ready", seconds=0.0)
started_at = time.monotonic()
sent = 0
for index in range(job.runs):
    net = build(job.architecture, job.classes)
    net.load_state_dict(original)
    loaders = [loader(split, job.batch_size) for split in items]
    random.seed(index)
    np.random.seed(index)
    torch.manual_seed(index)
    returned = module.unlearning(net, *loaders)
    unlearned = returned if isinstance(returned, torch.nn.Module) else net
    sent += len(checkpoint_bytes(unlearned, {}))
stdio.send("done", seconds=time.monotonic() - started_at)
sys.exit(0)
