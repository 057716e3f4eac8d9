"""The names inside the worker that attacks look for still exist, so no attack passes by finding nothing."""

from __future__ import annotations

import re

import pytest

from tests.support.paths import ROOT

ATTACKED_NAMES = (
    ("look_through_the_objects", "zygote", "Order"),
    ("look_through_the_objects", "zygote", "children"),
    ("forges_its_result", "child", "result_fd"),
    ("forges_its_result", "child", "_send"),
    ("forges_its_result", "child", "net"),
    ("fakes_modules", "child", "_drop_privileges"),
    ("fakes_modules", "child", "seed_everything"),
    ("fakes_modules", "child", "TAG_CHECKPOINT"),
    ("patches_saving", "child", "checkpoint_bytes"),
)


@pytest.mark.parametrize(("attack", "module", "name"), ATTACKED_NAMES)
def test_an_attack_uses_a_name_that_exists(attack: str, module: str, name: str) -> None:
    """Both the attack and the attacked module contain the name: a rename must change both."""
    word = re.compile(rf"\b{name}\b")
    attack_source = (ROOT / "sample_submissions" / "hostile" / attack / "submission.py").read_text()
    assert word.search(attack_source)
    assert word.search((ROOT / "sandbox" / "worker" / f"{module}.py").read_text())
