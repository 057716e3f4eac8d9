"""Evaluate checkpoints in the image by a plain loop, as the contest did, and by the project's evaluator.

The text is sent to the container as ``python -c``. It receives what to evaluate, and answers with the
seconds of each method and with the checkpoint and the data, which the host then sends through a stream.
The plain loop takes one checkpoint at a time, a DataLoader with batches of 64, and Python for each batch.
The limit is the time of the network's multiplications at the rate of a product of two large matrices,
measured in between.
"""

import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import safetensors.torch
import torch
from torch.nn import functional
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from sandbox.evaluator.main import Evaluator
from sandbox.networks.architectures import build
from sandbox.networks.datasets import TupleItems
from sandbox.protocol.jobs import EvaluatorJob
from sandbox.protocol.messages import TO_EVALUATOR
from sandbox.protocol.splits import SPLITS
from sandbox.stdio import Stdio

CLASSES, SIDE = 10, 2048
SHARES = {"retain": 0.64, "forget": 0.04, "val": 0.16, "test": 0.16}

stdio = Stdio(TO_EVALUATOR)
request: dict[str, Any] = json.loads(next(iter(stdio.frames())).payload)
device, architecture, cores = torch.device(request["device"]), request["architecture"], request["cores"]
torch.manual_seed(0)
splits = {
    name: {
        "image": torch.randn(round(share * request["examples"]), *request["shape"]),
        "label": torch.randint(CLASSES, (round(share * request["examples"]),)),
    }
    for name, share in SHARES.items()
}
examples = sum(len(split["label"]) for split in splits.values())
checkpoint = safetensors.torch.save(build(architecture, CLASSES).state_dict())
data = {name: safetensors.torch.save(split) for name, split in splits.items()}
with FlopCounterMode(display=False) as counter, torch.no_grad():
    build(architecture, CLASSES).eval()(splits["forget"]["image"][:1])
checkpoint_flops = counter.get_total_flops() * examples


def evaluate_plainly() -> list[list[float]]:
    """Compute right answers and losses on all splits; return the logits on the forget examples."""
    net = build(architecture, CLASSES)
    net.load_state_dict(safetensors.torch.load(checkpoint))
    net.to(device).eval()
    forget: list[list[float]] = []
    with torch.no_grad():
        for name in SPLITS:
            correct, losses = 0, []
            for images, labels in DataLoader(TupleItems(splits[name]), batch_size=64):
                labels_on_device = labels.to(device)
                logits = net(images.to(device))
                correct += int((logits.argmax(dim=1) == labels_on_device).sum())
                losses += functional.cross_entropy(logits, labels_on_device, reduction="none").tolist()
                if name == "forget":
                    forget += logits.tolist()
    return forget


def seconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall seconds and processor seconds of a call."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    clock, processor = time.perf_counter(), time.process_time()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - clock, time.process_time() - processor


evaluator, probing, relearning = (
    Evaluator(
        EvaluatorJob(architecture=architecture, classes=CLASSES, device=device.type, probes=probes), data
    )
    for probes in (None, request["probes"], request["relearning"])
)
factors = [torch.randn(SIDE, SIDE, device=device) for _ in range(2)]
pool = ThreadPoolExecutor(cores if device.type == "cpu" else 1)


def evaluate_on_all_cores() -> None:
    """Evaluate one checkpoint on each core at the same time."""
    list(pool.map(lambda _: evaluator.outputs(checkpoint), range(cores)))


methods: dict[str, tuple[int, int, Callable[[], object]]] = {
    "plain": (1, 1, evaluate_plainly),
    "evaluator": (1, 1, lambda: evaluator.outputs(checkpoint)),
    "evaluator, probes": (1, 1, lambda: probing.outputs(checkpoint)),
    "evaluator, relearning": (1, 1, lambda: relearning.outputs(checkpoint)),
}
"""Threads of torch, checkpoints per call, and the call."""
if device.type == "cpu" and cores > 1:
    methods |= {
        "plain, all cores": (cores, 1, evaluate_plainly),
        "evaluator, all cores": (1, cores, evaluate_on_all_cores),
    }
measured: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
products: list[tuple[float, float]] = []
turns = request["checkpoints"] + 1 if request["checkpoints"] else 0
for turn in range(turns):  # the first turn is not counted: torch imports and chooses kernels then
    for name, (threads, done, work) in methods.items():
        torch.set_num_threads(1)
        product = seconds_of(lambda: factors[0] @ factors[1])
        torch.set_num_threads(threads)
        seconds = seconds_of(work)
        if turn:
            products.append(product)
            measured[name].append((seconds[0] / done, seconds[1] / done))
    stdio.send("progress", stage="evaluating", done=turn, total=request["checkpoints"])
if turns:
    facts = {
        "examples": examples,
        "output_bytes": {
            "evaluator": len(evaluator.outputs(checkpoint)),
            "evaluator, probes": len(probing.outputs(checkpoint)),
            "evaluator, relearning": len(relearning.outputs(checkpoint)),
        },
        "checkpoint_flops": checkpoint_flops,
        "flops_per_second": [
            2 * SIDE**3 / statistics.median(column) for column in zip(*products, strict=True)
        ],
        "seconds": {
            name: [statistics.median(column) for column in zip(*rows, strict=True)]
            for name, rows in measured.items()
        },
    }
    stdio.send("facts", json.dumps(facts).encode())
for name, content in {"checkpoint": checkpoint, **data}.items():
    stdio.send("file", content, name=name)
stdio.send("done")
