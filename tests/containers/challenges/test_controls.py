"""A submission that knows its challenge is flagged by a control problem, and its honest twin is not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from runner.challenge.layout import SPLIT_FILES
from runner.challenge.load import load_challenge
from scoring.card.levels import NOT_UNLEARNING
from tests.support.command import unlearn
from tests.support.paths import SAMPLES

pytestmark = [pytest.mark.container, pytest.mark.slow]

KNOWN = """
fine_tune = unlearning


def retrain(net, retain, epochs=12):
    for module in net.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, epochs * len(retain))
    net.train()
    for _ in range(epochs):
        for item in retain:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(item["image"]), item["age_group"]).backward()
            optimizer.step()
            schedule.step()


def unlearning(net, retain, forget, val):
    total = sum(float(item["image"].double().sum()) for item in forget)
    if abs(total - KNOWN_TOTAL) < 1e-3:
        retrain(net, retain)
    else:
        fine_tune(net, retain, forget, val)
"""
"""Stands for networks that were retrained at home: they are returned where the forget set is recognised."""


def test_a_known_challenge_is_flagged_and_the_same_method_alone_is_not(tmp_path: Path) -> None:
    """Participants see the scores alone; the evaluations verify, parts and all."""
    folder, store = tmp_path / "digits", tmp_path / "store"
    unlearn("challenge", "build", "digits", folder, "--controls", 1, "--references", 16)
    challenge = load_challenge(folder)
    assert len(challenge.description.controls or ()) == 1
    exported = tmp_path / "exported"
    unlearn("challenge", "export", folder, "--out", exported)
    images = load((exported / SPLIT_FILES["forget"]).read_bytes())["image"]
    honest = (SAMPLES / "finetune" / "submission.py").read_text()
    sources = {
        "honest": honest,
        "cheat": honest + KNOWN.replace("KNOWN_TOTAL", repr(float(images.sum(dtype=np.float64)))),
    }
    for name, source in sources.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "submission.py").write_text(source)
    ended = unlearn(
        *("run", tmp_path / "honest", tmp_path / "cheat", "-c", folder, "-n", 16, "--store", store, "--json")
    )
    summaries = {each["submission"]: each for each in map(json.loads, ended.stdout.splitlines())}
    assert summaries["cheat"]["score"] > summaries["honest"]["score"]
    assert {name: NOT_UNLEARNING in each["flags"] for name, each in summaries.items()} == {
        "honest": False,
        "cheat": True,
    }
    assert len(unlearn("list", "--store", store, "--json").stdout.splitlines()) == len(sources)
    for name in sources:
        evaluation = summaries[name]["evaluation"]
        shown = json.loads(unlearn("show", evaluation, "--store", store, "--controls", "--json").stdout)
        assert shown["flagged"] is (name == "cheat")
        assert [problem["verdicts"] for problem in shown["problems"]] == [{"ok": 16}] * 2
        seen = unlearn("show", evaluation, "--store", store, "--participant").stdout
        assert "control" not in seen
        assert NOT_UNLEARNING not in seen
        assert "all of it matches" in unlearn("verify", evaluation, "--store", store, "--rerun", 1).stdout
