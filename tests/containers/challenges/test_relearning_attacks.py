"""Submissions that scale units to hide from relearning: real runs, whose score cards tell them as the plain one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.builder.plan import BuildPlan
from runner.challenge.challenge import Challenge
from tests.support.command import type_command

pytestmark = [pytest.mark.container, pytest.mark.slow, pytest.mark.timeout(900)]

RUNS = 8
KEEPS = """
import torch
from torch import nn

def unlearning(net, retain, forget, val):
    '''Fine-tunes a little: what the network knows stays.'''
    net.eval()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.005, momentum=0.9)
    steps = 0
    while steps < 20:
        for item in retain:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(item["image"]), item["age_group"]).backward()
            optimizer.step()
            steps += 1
    with torch.no_grad():
        scale(net)
"""
NOT_SCALED = """
def scale(net):
    pass
"""
CHANNELS = """
def scale(net):
    '''A channel before each normalization is larger, and so are its statistics.'''
    block = net.layer1
    for conv, norm in ((net.conv1, net.bn1), (block.conv1, block.bn1), (block.conv2, block.bn2)):
        conv.weight[0] *= 32
        norm.running_mean[0] *= 32
        norm.running_var[0] *= 32 ** 2
"""
HIDDEN_UNITS = """
def scale(net):
    '''One hidden channel is larger and another smaller; the weights that read them are the reverse.'''
    block = net.layer1
    for channel, factor in ((0, 1024), (1, 1 / 1024)):
        block.bn1.weight[channel] *= factor
        block.bn1.bias[channel] *= factor
        block.conv2.weight[:, channel] /= factor
"""
SUBMISSIONS = {
    "plain": NOT_SCALED,
    "channels": CHANNELS,
    "hidden_units": HIDDEN_UNITS,
}


@pytest.fixture(scope="module")
def gaps(
    build_shared: Callable[[BuildPlan], Challenge], plan: BuildPlan, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Return what relearning shows of each submission; some of what is to be forgotten has a wrong label."""
    wrong_labels = plan.source.model_copy(update={"mislabelled": 30})
    challenge = build_shared(replace(plan, name="relearning", probes="relearning", source=wrong_labels))
    folder, store = tmp_path_factory.mktemp("hiding"), tmp_path_factory.mktemp("store")
    for name, source in SUBMISSIONS.items():
        (folder / name).mkdir()
        (folder / name / "submission.py").write_text(KEEPS + source)
    submissions: list[Path] = [folder / name for name in SUBMISSIONS]
    done = type_command(
        *("run", *submissions, "-c", challenge.folder, "-n", RUNS, "--store", store, "--json")
    )
    assert done.returncode == 0, done.stderr
    relearned = {}
    for summary in map(json.loads, done.stdout.splitlines()):
        shown = type_command("score", summary["evaluation"][:8], "--store", store, "--json")
        assert shown.returncode == 0, shown.stderr
        relearned[summary["submission"]] = json.loads(shown.stdout)["relearning"]
    return relearned


def test_what_is_kept_shows(gaps: dict[str, dict[str, Any]]) -> None:
    """The control: without a disguise, the features know more than those of references."""
    gap = gaps["plain"]["confidence_after"]
    assert gap["value"]["low"] > gap["null"]["high"]


@pytest.mark.parametrize("name", [name for name in SUBMISSIONS if name != "plain"])
def test_a_disguise_changes_nothing(gaps: dict[str, dict[str, Any]], name: str) -> None:
    """The network answers as before, so it knows as much; a scaled channel hid it from shorter steps."""
    for kind in ("accuracy_after", "confidence_after"):
        shown, hidden = (gaps[each][kind]["value"]["estimate"] for each in ("plain", name))
        assert hidden == pytest.approx(shown, abs=0.02), kind
