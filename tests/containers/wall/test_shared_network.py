"""The network that all runs are forked with is the original one for each of them, to the last bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun
from runner.gallery.attacks import HOSTILE
from runner.verdict import Verdict

pytestmark = pytest.mark.container

ATTACK = (HOSTILE / "state_in_the_network" / "submission.py").read_text()
HALVE, OVERWRITE, OTHERS = 1, 2, (0, 3, 4)
"""Seeds: one run halves its weights, the next writes over all that it reaches, the others change nothing."""
SOURCE = f"""{ATTACK}
attack = unlearning


def unlearning(net, *loaders):
    if torch.initial_seed() == {OVERWRITE}:
        return attack(net, *loaders)
    if torch.initial_seed() == {HALVE}:
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.mul_(0.5)
    return net
"""


@pytest.mark.parametrize("runs_announced", [5, 48], ids=["small pages", "huge pages"])
def test_no_run_changes_the_network_of_another(
    run_submission: Callable[..., list[EndedRun]], challenge: Challenge, runs_announced: int
) -> None:
    """What a run returns that changes nothing equals the original, whatever the runs before it have written."""
    seeds = sorted({*OTHERS, HALVE, OVERWRITE})
    ended = run_submission(SOURCE, seeds, runs_announced=runs_announced, wall_seconds=30.0)
    assert [run.judgement.verdict for run in ended] == [Verdict.OK] * len(seeds), [
        (run.judgement, run.log) for run in ended
    ]
    original = load_safetensors(challenge.data("original"))
    returned = dict(zip(seeds, (load_safetensors(run.checkpoint) for run in ended), strict=True))
    for seed in OTHERS:
        assert returned[seed].keys() == original.keys()
        for name, values in original.items():
            assert returned[seed][name].tobytes() == values.tobytes(), (seed, name)
    assert np.array_equal(returned[HALVE]["fc.weight"], original["fc.weight"] / 2)
