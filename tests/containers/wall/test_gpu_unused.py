"""The zygote never touches CUDA, so that the runs that are forked from it can."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.container

SCRIPT = """
import json, sys, zipfile, io
import safetensors.torch, torch
calls = []
for name in dir(torch._C):
    if name.startswith("_cuda_") and callable(getattr(torch._C, name)) and name != "_cuda_getDeviceCount":
        def record(*_args, name=name, call=getattr(torch._C, name), **_options):
            calls.append(name)
            return call(*_args, **_options)
        setattr(torch._C, name, record)
counted = torch._C._cuda_getDeviceCount
torch._C._cuda_getDeviceCount = lambda: calls.append("_cuda_getDeviceCount") or 1
from sandbox.networks.architectures import build
from sandbox.protocol.jobs import WorkerJob
from sandbox.worker.main import _load
buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w") as archive:
    archive.writestr("submission.py", "import torch, torchvision, sklearn, pandas, tqdm\\ndef unlearning(*_): pass")
rows = {"image": torch.zeros(4, 3, 32, 32), "label": torch.tensor([0, 1, 0, 1])}
data = {name: safetensors.torch.save(rows) for name in ("retain", "forget", "val")}
state = {name: tensor.contiguous() for name, tensor in build("resnet18", 2).state_dict().items()}
job = WorkerJob(architecture="resnet18", classes=2, item_format="dict", batch_size=2, device="cuda", concurrency=1,
                threads=1, runs=1, first_uid=10000, first_slot_gid=2000, wall_seconds=60.0, checkpoint_bytes=1,
                log_bytes=1, processes=1)
_load(job, {**data, "original": safetensors.torch.save(state), "submission": buffer.getvalue()}, lambda: b"")
touched = sorted(set(calls))
precision = [torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32,
             torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark]
with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=True):
    changed = [torch.backends.cudnn.allow_tf32, torch.backends.cudnn.benchmark]
torch.backends.cuda.matmul.allow_tf32 = True
changed.append(torch.backends.cuda.matmul.allow_tf32)
from sandbox.worker.zygote import require_unused_gpu
require_unused_gpu()
torch.cuda._initialized = True
try:
    require_unused_gpu()
    refused = ""
except RuntimeError as error:
    refused = str(error)
torch.cuda._initialized = False
torch.cuda.is_available()
print(json.dumps({"precision": precision, "changed": changed, "touched": touched, "refused": refused, "counted": "_cuda_getDeviceCount" in calls}))
"""


def test_loading_the_inputs_of_a_gpu_run_calls_nothing_of_cuda(in_image: Callable[[str], str]) -> None:
    """Not even the number of devices. That the calls are seen shows in one that is made on purpose."""
    result = json.loads(in_image(SCRIPT))
    assert result["touched"] == []
    assert "no run could use it" in result["refused"]
    assert result["counted"], "the test would not see a call"


def test_runs_compute_as_references_were_trained(in_image: Callable[[str], str]) -> None:
    """In float32 without TF32, and deterministically: the scorer would see a difference."""
    result = json.loads(in_image(SCRIPT))
    assert result["precision"] == [False, False, True, False]
    assert result["changed"] == [True, True, True], "a submission may read and change the settings of 2023"
