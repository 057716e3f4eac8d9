"""The contest's own way: N calls in one process, no sandbox. Runs inside the image.

Sent to the container as ``python -c``; reads the same frames as a worker and answers when
it is ready and when it is done. Every call gets a fresh network, fresh loaders and its seed,
and its checkpoint is made, so that it does all that a sealed run does but be sealed.
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
import torch._dynamo  # noqa: E402 - start-up, as in the worker; else the first call would pay

stdio.send("ready", seconds=0.0)
begun = time.monotonic()
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
stdio.send("done", seconds=time.monotonic() - begun)
sys.exit(0)
