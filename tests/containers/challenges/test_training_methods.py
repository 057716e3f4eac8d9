"""The methods of training references: the same networks whichever is chosen, by measurement, on a GPU."""

from __future__ import annotations

import pytest

from tests.containers.challenges.test_training import InImage, run_script

pytestmark = pytest.mark.container


def test_every_method_trains_the_plain_loops_networks(in_image: InImage) -> None:
    """Alone and side by side to the last bit, stacked as far as float sums allow; on the CPU, the same code."""
    distances = run_script(
        in_image,
        """
from torch.nn import functional
from sandbox.networks.architectures import build
from sandbox.trainer.lr_schedule import learning_rate_at
from sandbox.trainer.methods import METHODS
from sandbox.trainer.optimizers import build_optimizer, class_weights, set_learning_rate
from sandbox.trainer.training import initial_state
def plain(preset, seed):
    net = build("digits", 5)
    net.load_state_dict(initial_state("digits", 5, seed))
    net.to(memory_format=torch.channels_last).train()
    optimizer, weights = build_optimizer(net, preset), class_weights(preset, labels, 5)
    order, steps = torch.Generator().manual_seed(seed), -(-len(images) // preset.batch_size)
    for epoch in range(preset.epochs):
        for number, rows in enumerate(torch.randperm(len(images), generator=order).split(preset.batch_size)):
            set_learning_rate(optimizer, learning_rate_at(preset, epoch * steps + number, steps))
            optimizer.zero_grad()
            batch = images[rows].contiguous(memory_format=torch.channels_last)
            functional.cross_entropy(net(batch), labels[rows], weight=weights).backward()
            optimizer.step()
    return net.state_dict()
distances = {}
for name, preset in (("sgd", sgd), ("adam", replace(adam, keep="last"))):
    expected = [plain(preset, seed) for seed in range(3)]
    for method in METHODS:
        count = min(3, method.group_size)
        nets = train(preset, range(count), side_by_side=method.side_by_side)
        distances[f"{name}, {method.name}"] = max(distance(*pair) for pair in zip(nets, expected))
    distances[f"{name}, another seed"] = -distance(expected[0], expected[1])
print(json.dumps(distances))
""",
    )
    assert len(distances) == 8
    assert {name: value for name, value in distances.items() if value > 2e-3} == {}
    assert max(distances["sgd, another seed"], distances["adam, another seed"]) < -5e-2


def test_the_fastest_method_is_chosen_and_one_that_fails_is_not(in_image: InImage) -> None:
    """By rates; on the CPU and for few references nothing is measured; a size tells its method."""
    results = run_script(
        in_image,
        """
from sandbox.trainer import methods
from sandbox.trainer.methods import METHODS, choose, is_side_by_side, measure_methods, should_measure, rate_of
cpu = torch.device("cpu")
def fails(_epochs): raise RuntimeError("CUDA out of memory")
seen = []
rates = measure_methods(architecture="digits", classes=5, images=images, labels=labels, preset=adam, on_measured=seen.append)
print(json.dumps({
    "chosen": [choose({"stacked": 1.0, "side by side": 3.0, "alone": 2.0}).name,
               choose({"stacked": 0.0, "side by side": 0.0, "alone": 2.0}).name, choose({}).name],
    "failed": rate_of(fails, 10, cpu),
    "sizes": len({method.group_size for method in METHODS}),
    "side by side": [[is_side_by_side(size, device) for size in (1, 8, 16)] for device in ("cpu", "cuda")],
    "measured": [should_measure(*case) for case in (("resnet18", "cuda", 512), ("resnet18", "cpu", 512),
                 ("resnet18", "cuda", 31), ("resnet50", "cuda", 512), ("digits", "cuda:1", 32))],
    "rates": {name: rate > 0 for name, rate in rates.items()}, "seen": seen,
}))
""",
    )
    assert results == {
        "chosen": ["side by side", "alone", "stacked"],
        "failed": 0.0,
        "sizes": 3,
        "side by side": [[False, False, False], [False, True, False]],
        "measured": [True, False, False, False, True],
        "rates": {"stacked": True, "side by side": True, "alone": True},
        "seen": [1, 2, 3],
    }
