"""A run whose network answers unlike its checkpoint is told so, and nothing that it does changes its verdict."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.clients.runs import EndedRun
from runner.parsers.remarks import ANSWERS_UNLIKE
from runner.verdict import Verdict
from tests.support.submissions import pack_entries

pytestmark = pytest.mark.container

RunSubmission = Callable[..., list[EndedRun]]

HEAD = """
import os, signal, sys, time, types
import torch
from torch import nn
from torch.nn import functional
def unlearning(net, retain, forget, val):
    net.eval()
    batch = next(iter(forget))["image"]
"""

UNLIKE = {
    "forward_replaced": (
        """
    forward = net.forward
    net.forward = lambda image: 2 * forward(image)
""",
        "forward",
    ),
    "module_with_the_same_keys": (
        """
    class Noisy(nn.Linear):
        def forward(self, x):
            return super().forward(x) + self.noise
    head = Noisy(64, 10)
    head.load_state_dict(net.fc.state_dict())
    head.noise = torch.randn(10)
    net.fc = head
""",
        "fc.__class__, fc.noise",
    ),
    "hook_that_changes": (
        """
    net.layer1.register_forward_hook(lambda module, given, out: out.flip(1))
""",
        "layer1.forward hooks",
    ),
    "buffer_that_is_not_saved": (
        """
    class Shifted(type(net)):
        def forward(self, image):
            return super().forward(image) + self.shift
    net.__class__ = Shifted
    net.register_buffer("shift", torch.randn(10), persistent=False)
    return nn.DataParallel(net)
""",
        "__class__, shift",
    ),
    "half_with_an_attribute": (
        """
    net.half()
    net.fc.forward = lambda x: functional.linear(x, torch.ones(10, 64, dtype=x.dtype))
    return net
""",
        "fc.forward",
    ),
}
"""What a run does, and the names in the remark."""

LIKE = {
    "mode_left": "    net.train()\n    net.fc.bias.data += 1",
    "rounded": "    return net.half()",
    "in_double": "    net.double()\n    net.fc.bias.data += 1\n    return net",
    "head_replaced": "    net.fc = nn.Linear(64, 10)",
    "other_formats": "    net.to(memory_format=torch.channels_last)\n    net.fc.weight.data *= 3",
    "extra_attributes": "    net.seen = [batch, torch.randn(3)]\n    net.fc.bias.data += 1",
    "raises": "    def forward(image): raise SystemExit(3)\n    net.forward = forward",
    "exits": "    net.forward = lambda image: os._exit(3)",
    "kills_itself": "    net.forward = lambda image: os.kill(os.getpid(), signal.SIGKILL)",
    "ignores_children": "    signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n    net.fc.bias.data += 1",
    "wrong_shape": "    net.eval = lambda: net\n    net.forward = lambda image: None",
    "eats_memory": "    net.forward = lambda image: torch.ones(1 << 32)",
    "hangs": "    net.forward = lambda image: time.sleep(600)",
    "forks_no_more": "    def fork(): raise BlockingIOError\n    os.fork = fork\n    net.fc.bias.data += 1",
}
"""No remark: the same network, or one that cannot be compared."""


@pytest.fixture(scope="module")
def ended(run_submission: RunSubmission) -> dict[str, EndedRun]:
    bodies = {**{name: body for name, (body, _names) in UNLIKE.items()}, **LIKE}
    archive = pack_entries({name: HEAD + body for name, body in bodies.items()})
    ended: dict[str, EndedRun] = {}
    while waiting := [place for place, name in enumerate(bodies) if name not in ended]:
        runs = run_submission(archive, [100 * place for place in waiting])  # until one ends its container
        assert runs
        ended |= {list(bodies)[waiting[run.index]]: run for run in runs}
    return ended


@pytest.mark.parametrize("name", UNLIKE)
def test_a_network_unlike_its_checkpoint_is_named(ended: dict[str, EndedRun], name: str) -> None:
    """The verdict is ok, and the detail names what the state dict does not hold."""
    judgement = ended[name].judgement
    assert judgement.verdict is Verdict.OK, judgement
    assert judgement.detail == f"{ANSWERS_UNLIKE} ({UNLIKE[name][1]})"


@pytest.mark.parametrize("name", LIKE)
def test_nothing_is_remarked_of_any_other_network(ended: dict[str, EndedRun], name: str) -> None:
    """And a comparison that fails, kills or hangs leaves the verdict as it is."""
    judgement = ended[name].judgement
    assert (judgement.verdict, judgement.detail) == (Verdict.OK, ""), ended[name].traceback
    assert ended[name].host_seconds < 20


def test_overflow_in_half_precision_is_named(run_submission: RunSubmission) -> None:
    """With the largest value of the original, so that nobody looks for a learning rate."""
    (half,) = run_submission(HEAD + "    net.bn1.running_var += 70000\n    return net.half()")
    (single,) = run_submission(HEAD + "    net.bn1.running_var += float('inf')\n    return net")
    assert half.judgement.verdict is single.judgement.verdict is Verdict.BAD_CHECKPOINT
    assert half.judgement.detail.startswith(
        "bn1.running_var has values that are not finite: they were returned in half precision, which values "
        "above 65504 do not fit (the original's own largest value there is "
    )
    assert single.judgement.detail == "bn1.running_var has values that are not finite"
