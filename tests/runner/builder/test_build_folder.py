"""Is what the trainer sends kept, and a reference that diverged refused at once?"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from runner.builder.build_folder import BuildFolder
from runner.challenge.layout import CHALLENGE_FILES, REFERENCES_FILE
from runner.errors import ConfigurationError
from sandbox.protocol.seeds import reference_seed

CLASSES, EXAMPLES, UNSEEN, GROUP = 2, 3, 4, 4


def site_in(folder: Path, references: int) -> BuildFolder:
    """Return a site whose original network is finished."""
    site = BuildFolder(folder, {"seed": 5}, seed=5, references=references)
    site.open()
    for name in set(CHALLENGE_FILES) - {REFERENCES_FILE}:
        site.take_file(name, b"data")
    facts = {"classes": CLASSES, "forget_examples": EXAMPLES, "class_counts": {"test": [2, 2]}}
    site.take_facts(json.dumps(facts).encode())
    return site


def group(*diverged: int) -> bytes:
    """Return the outputs of a group, as the trainer sends them; some of them are not finite."""
    logits = np.ones((GROUP, EXAMPLES, CLASSES), np.float32)
    for member in diverged:
        logits[member, 1, 0] = np.nan if member % 2 else np.inf
    correct = np.ones((GROUP, 4, CLASSES), np.int64)
    return logits.tobytes() + correct.tobytes() + np.zeros((GROUP, UNSEEN), np.float32).tobytes()


def test_the_first_that_diverged_is_named_at_once(tmp_path: Path) -> None:
    """By index and seed; nothing of its group is kept, all before it is, and what to do is said."""
    site = site_in(tmp_path, 12)
    site.take_group(0, GROUP, group())
    with pytest.raises(ConfigurationError) as caught:
        site.take_group(4, GROUP, group(3, 2))
    said = str(caught.value)
    assert said.startswith(f"Reference 6 (seed {reference_seed(5, 6)}) diverged: its outputs are not finite.")
    assert f"1 finished groups of references are kept in {tmp_path}" in said
    assert "another --seed" in said
    assert "--training" in said
    assert "\n" not in said
    assert site.groups() == [0]


def test_one_that_is_not_wanted_may_diverge(tmp_path: Path) -> None:
    """Groups are of one size, so some references are trained that nobody asked for; asked for later, it is named."""
    site = site_in(tmp_path, 6)
    site.take_group(0, GROUP, group())
    site.take_group(4, GROUP, group(2))
    assert site.references()
    more = BuildFolder(tmp_path, {"seed": 5}, seed=5, references=7)
    more.open()
    assert more.groups() == [0, 4]
    with pytest.raises(ConfigurationError, match="Reference 6 "):
        more.references()


def test_another_plan_begins_anew(tmp_path: Path) -> None:
    """What was built under another identity is dropped, and what fits is found again."""
    site = site_in(tmp_path, 4)
    site.take_group(0, GROUP, group())
    again = BuildFolder(tmp_path, {"seed": 5}, seed=5, references=4)
    again.open()
    assert again.has_original()
    assert again.groups() == [0]
    other = BuildFolder(tmp_path, {"seed": 6}, seed=6, references=4)
    other.open()
    assert not other.has_original()
    assert other.groups() == []
