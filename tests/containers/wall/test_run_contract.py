"""What a submission may rely on in a real worker container: its arguments, its seed, its folders."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.clients.runs import EndedRun
from runner.submission.load import load_submission
from runner.verdict import Verdict
from tests.support.paths import SAMPLES

pytestmark = pytest.mark.container

RunSubmission = Callable[..., list[EndedRun]]

NOISE = """
import torch
torch.manual_seed(0)

def unlearning(net, retain, forget, val):
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(torch.randn_like(weight) * 0.01)
"""


@pytest.mark.slow
def test_512_seeds_give_512_checkpoints_though_the_submission_seeds_at_import(
    run_submission: RunSubmission,
) -> None:
    """The run's seed is set after the import and has the last word."""
    ended = run_submission(NOISE, range(512), runs_announced=512)
    assert {run.judgement.verdict for run in ended} == {Verdict.OK}
    assert len({run.checkpoint for run in ended}) == 512


@pytest.mark.parametrize("sample", ["finetune", "noisy_finetune", "scrub"])
def test_the_same_seed_gives_the_same_bytes(run_submission: RunSubmission, sample: str) -> None:
    """In another container, under another uid, in another order."""
    submission = load_submission(SAMPLES / sample)
    first = run_submission(submission, [11, 22, 33])
    second = run_submission(submission, [33, 44, 11])
    assert first[0].checkpoint == second[2].checkpoint
    assert first[2].checkpoint == second[0].checkpoint
    assert first[0].checkpoint != first[1].checkpoint


CONTRACT = """
import copy, os, random
import numpy as np
import torch
from torch.utils.data import DataLoader

def pair(item):
    return (item["image"], item["age_group"]) if isinstance(item, dict) else item

def unlearning(net, retain, forget, val):
    case = torch.initial_seed()
    assert net.training
    for loader in (retain, forget, val):
        assert isinstance(loader, DataLoader) and loader.batch_size == 64
        assert isinstance(loader.sampler, torch.utils.data.RandomSampler)
    images, labels = pair(next(iter(retain)))
    assert images.shape == (64, 1, 8, 8) and images.dtype == torch.float32
    assert labels.shape == (64,) and labels.dtype == torch.int64
    item = retain.dataset[0]
    EXPECT_FORM
    again = DataLoader(retain.dataset, batch_size=17, shuffle=False, num_workers=2)
    assert len(pair(next(iter(again)))[0]) == 17
    os.makedirs("output", exist_ok=True)
    open("output/state.txt", "w").write("mine")
    open("/kaggle/tmp/note-%d" % os.getuid(), "w").write("mine")
    if case == 0: return None
    if case == 1: return net
    if case == 2:
        net.fc.weight.data += 1
        return copy.deepcopy(net)
    if case == 3:
        for weight in net.parameters(): weight.requires_grad_(False)
        net.eval()
        net.fc.weight.data = net.fc.weight.data.t().contiguous().t()
"""


@pytest.mark.parametrize(
    ("items", "form"),
    [
        ("dict", "assert set(item) == {'image', 'age_group', 'image_id'}, set(item)"),
        ("tuple", "assert len(item) == 2 and isinstance(item, tuple)"),
    ],
)
def test_what_a_submission_may_expect(run_submission: RunSubmission, items: str, form: str) -> None:
    """Real loaders in both forms, workers, writable folders; None, the net or a copy returned."""
    ended = run_submission(CONTRACT.replace("EXPECT_FORM", form), range(4), items=items)
    assert [run.judgement.verdict for run in ended] == [Verdict.OK] * 4, ended
    assert ended[2].checkpoint != ended[0].checkpoint == ended[1].checkpoint == ended[3].checkpoint
