"""Networks that are trained side by side are, to the last bit, those that are trained alone."""

from __future__ import annotations

import pytest

from tests.containers.challenges.test_training import InImage, run_script

pytestmark = pytest.mark.container


def test_side_by_side_networks_are_those_trained_alone(in_image: InImage) -> None:
    """With either optimiser, ending with the last epoch or with each network's best; resumed as well."""
    distances = run_script(
        in_image,
        """
from contextlib import nullcontext
from sandbox.trainer.snapshots import Snapshots
class Always:
    def is_due(self): return True
    def write(self, write): write()
taken = []
distances = {}
for name, preset in (("sgd", sgd), ("adam, last", replace(adam, keep="last")), ("adam, best", adam)):
    alone = [train(preset, [seed])[0] for seed in (1, 2, 3)]
    taken.clear()
    together = train(preset, [1, 2, 3], side_by_side=True,
                     snapshots=Snapshots(previous=None, write=taken.append, timer=Always(), lock=nullcontext()))
    resumed = train(preset, [1, 2, 3], side_by_side=True,
                    snapshots=Snapshots(previous=taken[0], write=lambda _: None, timer=Always(),
                                        lock=nullcontext()))
    distances[name] = [max(distance(*pair) for pair in zip(together, alone)),
                       max(distance(*pair) for pair in zip(together, resumed)), distance(together[0], alone[1])]
print(json.dumps(distances))
""",
    )
    assert distances.keys() == {"sgd", "adam, last", "adam, best"}
    for name, (same, resumed, other) in distances.items():
        assert (same, resumed) == (0.0, 0.0), name
        assert other > 5e-2, name


def test_resnets_side_by_side_are_those_trained_alone(in_image: InImage) -> None:
    """Convolutions in channels last, batches that do not divide the data, one step recorded by a stand-in."""
    distances = run_script(
        in_image,
        """
class StandIn:
    def warm_up(self, work): work()
    def record(self, work): return work
pictures = torch.rand(40, 3, 32, 32, generator=generator)
preset = replace(adam, epochs=2, batch_size=16, keep="last")
def train_resnet(seeds, **options):
    return train_stacked(architecture="resnet18", classes=5, images=pictures, labels=labels[:40], seeds=seeds,
                         preset=preset, **options)
together = train_resnet([1, 2], side_by_side=True)
recorded = train_resnet([1, 2], side_by_side=True, make_recorder=lambda _device: StandIn())
alone = [train_resnet([seed])[0] for seed in (1, 2)]
print(json.dumps([max(distance(*pair) for pair in zip(together, alone)),
                  max(distance(*pair) for pair in zip(recorded, alone))]))
""",
    )
    assert distances[0] == 0.0
    assert distances[1] < 2e-3
