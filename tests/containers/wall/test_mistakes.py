"""Frequent mistakes of participants: verdict and sentence are those that `docs/participants.md` explains."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.clients.runs import EndedRun
from runner.reports.advice import advice
from runner.verdict import Verdict
from tests.support.paths import ROOT
from tests.support.submissions import pack_entries

pytestmark = pytest.mark.container

RunSubmission = Callable[..., list[EndedRun]]

PARTICIPANTS = ROOT / "docs" / "participants.md"
MISTAKES: dict[str, tuple[str, Verdict, str]] = {
    "wrapper_of_ones_own": (
        """
import torch
class Wrapper(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net
def unlearning(net, retain, forget, val):
    return Wrapper(net)
""",
        Verdict.BAD_CHECKPOINT,
        "the state dict has wrong keys: bn1.bias, bn1.num_batches_tracked, bn1.running_mean and 17 more missing, "
        "net.bn1.bias, net.bn1.num_batches_tracked, net.bn1.running_mean and 17 more not expected",
    ),
    "pruned_for_the_time_being": (
        """
from torch.nn.utils import prune
def unlearning(net, retain, forget, val):
    prune.l1_unstructured(net.fc, "weight", amount=0.5)
""",
        Verdict.BAD_CHECKPOINT,
        "the state dict has wrong keys: fc.weight missing, fc.weight_mask, fc.weight_orig not expected",
    ),
    "head_of_another_size": (
        """
import torch
def unlearning(net, retain, forget, val):
    net.fc = torch.nn.Linear(64, 11)
""",
        Verdict.BAD_CHECKPOINT,
        "has shape [11], not [10]",
    ),
    "diverges": (
        """
def unlearning(net, retain, forget, val):
    net.fc.weight.data *= float("inf")
""",
        Verdict.BAD_CHECKPOINT,
        "fc.weight has values that are not finite",
    ),
    "keeps_features_in_the_net": (
        """
import torch
def unlearning(net, retain, forget, val):
    net.register_buffer("features", torch.zeros(1_000_000))
""",
        Verdict.OUTPUT_LIMIT,
        "the checkpoint is larger than the reference allows",
    ),
    "wants_a_gpu": (
        """
def unlearning(net, retain, forget, val):
    net.cuda()
""",
        Verdict.CRASHED,
        "RuntimeError: Found no NVIDIA driver on your system",
    ),
    "reads_the_contests_data": (
        """
def unlearning(net, retain, forget, val):
    open("/kaggle/input/neurips-2023-machine-unlearning/original_model.pth")
""",
        Verdict.CRASHED,
        "FileNotFoundError: [Errno 2] No such file or directory: '/kaggle/input/",
    ),
    "downloads": (
        """
import torchvision
def unlearning(net, retain, forget, val):
    torchvision.models.resnet18(weights="DEFAULT")
""",
        Verdict.CRASHED,
        "URLError: <urlopen error [Errno -3] Temporary failure in name resolution>",
    ),
    "writes_elsewhere": (
        """
def unlearning(net, retain, forget, val):
    open("/root/notes.txt", "w")
""",
        Verdict.CRASHED,
        "PermissionError: [Errno 13] Permission denied: '/root/notes.txt'",
    ),
    "unpacks_dicts": (
        """
def unlearning(net, retain, forget, val):
    for images, labels in retain:
        pass
""",
        Verdict.CRASHED,
        "ValueError: too many values to unpack (expected 2)",
    ),
    "takes_three": (
        """
def unlearning(net, retain, forget):
    pass
""",
        Verdict.CRASHED,
        "TypeError: unlearning() takes 3 positional arguments but 4 were given",
    ),
    "leaves_python": (
        """
import sys
def unlearning(net, retain, forget, val):
    sys.exit(0)
""",
        Verdict.CRASHED,
        "SystemExit: 0",
    ),
    "quantized": (
        """
import torch
def unlearning(net, retain, forget, val):
    return torch.ao.quantization.quantize_dynamic(net, {torch.nn.Linear})
""",
        Verdict.BAD_CHECKPOINT,
        "the network could not be saved: TypeError: fc._packed_params.dtype is a torch.dtype, not a tensor",
    ),
    "state_of_another_kind": (
        """
import torch
class Counter(torch.nn.Identity):
    def get_extra_state(self): return {}
    def set_extra_state(self, state): pass
def unlearning(net, retain, forget, val):
    net.counter = Counter()
""",
        Verdict.BAD_CHECKPOINT,
        "counter._extra_state is a dict, not a tensor",
    ),
    "on_the_device_meta": (
        "def unlearning(net, retain, forget, val): net.to('meta')",
        Verdict.BAD_CHECKPOINT,
        "conv1.weight is on the device meta, so it has no values",
    ),
    "sparse": (
        """
import torch
def unlearning(net, retain, forget, val):
    net.register_buffer("mask", torch.eye(3).to_sparse())
""",
        Verdict.BAD_CHECKPOINT,
        "mask cannot be converted to an ordinary tensor: ",
    ),
    "fails_in_a_worker": (
        """
from torch.utils.data import DataLoader, Dataset
class Odd(Dataset):
    def __len__(self): return 4
    def __getitem__(self, index): return nothing
def unlearning(net, retain, forget, val):
    for _ in DataLoader(Odd(), num_workers=1): pass
""",
        Verdict.CRASHED,
        "NameError: name 'nothing' is not defined (fails_in_a_worker.py, line 5)",
    ),
    "makes_a_process_group": (
        """
import torch
def unlearning(net, retain, forget, val):
    torch.distributed.init_process_group("gloo", init_method="file:///tmp/group", rank=0, world_size=1)
""",
        Verdict.CRASHED,
        "RuntimeError: Cannot resolve 127.0.0.1 to a (local) address",
    ),
}
EXPLAINED_BY_ANOTHER = {"state_of_another_kind", "on_the_device_meta", "sparse", "fails_in_a_worker"}
"""The page has a sentence of the same kind."""
AT_IMPORT = {
    "import einops": "import failed: ModuleNotFoundError: No module named 'einops'",
    "def unlearn(net, retain, forget, val): pass": (
        "submission.py defines no function called unlearning; it defines unlearn: did you mean unlearning?"
    ),
    "%load_ext autoreload": (
        "import failed: SyntaxError: invalid syntax (submission.py, line 1): %load_ext autoreload"
    ),
    "async def unlearning(net, retain, forget, val): pass": (
        "unlearning is declared with async def, so calling it would not run it; use def"
    ),
    "raise RuntimeError('Make sure you have added an accelerator to your notebook')": (
        "import failed: RuntimeError: Make sure you have added an accelerator to your notebook"
    ),
}


@pytest.fixture(scope="module")
def mistaken(run_submission: RunSubmission) -> dict[str, EndedRun]:
    archive = pack_entries({name: source for name, (source, _verdict, _words) in MISTAKES.items()})
    seeds = [100 * place for place in range(len(MISTAKES))]
    return dict(zip(MISTAKES, run_submission(archive, seeds), strict=True))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_reads_as_the_docs_say(mistaken: dict[str, EndedRun], mistake: str) -> None:
    """Verdict and sentence are those that participants find explained."""
    _source, verdict, words = MISTAKES[mistake]
    ended = mistaken[mistake]
    assert ended.judgement.verdict is verdict, ended.judgement
    assert words in ended.judgement.detail
    assert words in PARTICIPANTS.read_text() or mistake in EXPLAINED_BY_ANOTHER
    assert advice(ended.judgement.detail) or mistake == "fails_in_a_worker"


@pytest.mark.parametrize("source", AT_IMPORT)
def test_a_mistake_at_import_reads_as_the_docs_say(run_submission: RunSubmission, source: str) -> None:
    """The same before there is a function to call."""
    (ended,) = run_submission(source)
    assert ended.judgement.verdict is Verdict.NO_FUNCTION
    assert ended.judgement.detail.removesuffix(" (submission.py, line 1)") == AT_IMPORT[source]
    assert advice(ended.judgement.detail)
