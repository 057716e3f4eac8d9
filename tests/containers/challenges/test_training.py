"""Is a network trained as its preset says: alone as in a stack, and recorded as called?"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.container

InImage = Callable[[str], str]

PRELUDE = """
import json, torch
from dataclasses import replace
from sandbox.protocol.presets import PRESETS, Preset
from sandbox.trainer.training import train_stacked
torch.set_num_threads(1)
made = torch.Generator().manual_seed(0)
labels = (torch.rand(150, generator=made) ** 2 * 5).long()
patterns = torch.randn(5, 1, 8, 8, generator=made)
noisy = lambda labels: patterns[labels] + torch.randn(len(labels), 1, 8, 8, generator=made)
images = noisy(labels)
val = {"label": torch.arange(5).repeat(12)}
val["image"] = noisy(val["label"])
sgd = Preset(epochs=3, batch_size=32, learning_rate=0.05, momentum=0.9, weight_decay=5e-4)
adam = replace(PRESETS["contest"], epochs=3, batch_size=32, learning_rate=1e-3)
def train(preset, seeds, **more):
    return train_stacked(architecture="digits", classes=5, images=images, labels=labels, seeds=seeds,
                         preset=preset, val=val, **more)
def distance(a, b):
    return max((a[name].float() - b[name].float()).abs().max().item() for name in a)
"""


OWN = """
import torch
from torch import nn
class Own(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.body, self.drop, self.scale = nn.Linear(64, classes), nn.Dropout(0.5), nn.Parameter(torch.tensor(1.0))
        self.idle = nn.Parameter(torch.ones(3))
    def forward(self, images):
        return self.scale * self.body(self.drop(images.flatten(1)))
def build(classes):
    return Own(classes)
"""


def found(in_image: InImage, script: str) -> Any:
    return json.loads(in_image(PRELUDE + script))


def test_alone_as_in_a_stack(in_image: InImage) -> None:
    """With either optimiser, classes balanced or not, the last epoch kept or each network's own best."""
    distances = found(
        in_image,
        """
distances = {}
for optimizer, preset in (("sgd", sgd), ("adam", adam)):
    for weights in ("none", "balanced"):
        for keep in ("last", "best-by-validation"):
            one = replace(preset, class_weights=weights, keep=keep)
            together = train(one, [1, 2, 3])
            alone = [train(one, [seed])[0] for seed in (1, 2, 3)]
            distances[f"{optimizer}, {weights}, {keep}"] = [
                max(distance(*pair) for pair in zip(together, alone)), distance(together[0], alone[1])]
print(json.dumps(distances))
""",
    )
    assert len(distances) == 8
    for way, (same, other) in distances.items():
        assert same < 2e-3, way
        assert other > 5e-2, way


def test_a_recorded_step_is_the_step(in_image: InImage) -> None:
    """Rows and learning rate in fixed places, some steps aside, the rest replayed, the small batch called:
    as many updates, and the same weights as plain steps give. Replaying is stood in for by calling."""
    told = found(
        in_image,
        """
from sandbox.trainer.lr_schedule import rate
class StandIn:
    def __init__(self): self.aside_steps = self.replays = 0; self.seen = set()
    def aside(self, work): self.aside_steps += 1; work()
    def record(self, work):
        def replay(): self.replays += 1; work()
        return replay
told = {}
for name, preset in {"nesterov": sgd, "momentum": replace(sgd, nesterov=False, schedule="cosine"),
                     "bare": replace(sgd, momentum=0.0, nesterov=False, weight_decay=0.0), "adam": adam}.items():
    standing_in = StandIn()
    recorded = train(preset, [1, 2], recording=lambda _device: standing_in)
    plain = train(preset, [1, 2])
    told[name] = [max(distance(*pair) for pair in zip(recorded, plain)), standing_in.aside_steps,
                  standing_in.replays, int(recorded[0]["bn1.num_batches_tracked"])]
print(json.dumps(told))
""",
    )
    for name, (distance, aside, replays, steps) in told.items():
        assert distance < 2e-4, name
        assert (aside, replays, steps) == (3, 9, 15), name  # 4 whole batches and a small one, 3 epochs


def test_what_cannot_be_recorded_is_called(in_image: InImage) -> None:
    """A device that refuses to record costs speed and nothing else."""
    assert found(
        in_image,
        """
class Refuses:
    def aside(self, work): work()
    def record(self, work): raise RuntimeError("operation not permitted")
refused = train(sgd, [1], recording=lambda _device: Refuses())
print(json.dumps(distance(refused[0], train(sgd, [1])[0])))
""",
    ) == pytest.approx(0, abs=2e-4)


def test_the_best_epoch_is_kept(in_image: InImage) -> None:
    """For each network its own: after a training whose rate grows too great, the weights of the epoch that
    knew most of val; of equally good epochs, the first."""
    told = found(
        in_image,
        """
import sandbox.trainer.training as training
from sandbox.trainer.best_epoch import right_answers
from sandbox.networks.architectures import build
from sandbox.networks.stacking import stack
preset = replace(sgd, schedule="constant", epochs=4, keep="best-by-validation")
ups_and_downs = [0.02, 0.02, 9.0, 9.0]
training.rate = lambda preset, step, steps: ups_and_downs[step // steps]
best = train(preset, [1, 2])
after = [train(replace(preset, epochs=epochs, keep="last"), [1, 2]) for epochs in (1, 2, 3, 4)]
def known(state):
    net = build("digits", 5); net.load_state_dict(state)
    return int(right_answers(net, val, 1, torch.channels_last))
without_counters = lambda state: {name: one for name, one in state.items() if one.ndim}
chosen = []
for place in (0, 1):
    answers = [known(states[place]) for states in after]
    first = answers.index(max(answers))
    chosen.append([answers, first, distance(without_counters(best[place]), without_counters(after[first][place])),
                   known(best[place])])
print(json.dumps({"chosen": chosen, "again": distance(best[0], train(preset, [1, 2])[0])}))
""",
    )
    assert told["again"] == 0
    for answers, first, distance, known in told["chosen"]:
        assert min(answers) < max(answers) == known
        assert first < 2
        assert distance == 0


def test_an_interrupted_training_goes_on_to_the_same_bits(in_image: InImage) -> None:
    """From what was written after any epoch, with either optimiser, the last epoch kept or the best, alone or
    stacked, with dropout, and where steps are recorded; and no epoch before is trained again."""
    told = found(
        in_image,
        f"""
import contextlib
from sandbox.networks.custom import load
from sandbox.trainer.snapshots import Snapshots
load({OWN!r})
class StandIn:
    def aside(self, work): work()
    def record(self, work): return work
class AfterEveryEpoch:
    def is_due(self): return True
    def write(self, work): work()
def snapshots(earlier, write):
    return Snapshots(earlier=earlier, write=write, pace=AfterEveryEpoch(), alone=contextlib.nullcontext())
told = {{}}
bare = replace(sgd, momentum=0.0, nesterov=False)
for optimizer, preset in (("sgd", sgd), ("bare", bare), ("adam", adam)):
    for keep in ("last", "best-by-validation"):
        for way, more in {{"alone": {{}}, "stacked": {{}}, "dropout": {{"architecture": "file"}},
                          "recorded": {{"recording": lambda _device: StandIn()}}}}.items():
            one, seeds = replace(preset, keep=keep, epochs=4), [1, 2, 3] if way == "stacked" else [1]
            made, differ, epochs = [], [], []
            def whole(**said):
                return train_stacked(**{{"architecture": "digits", "classes": 5, "images": images, "labels": labels,
                                        "seeds": seeds, "preset": one, "val": val, **more, **said}})
            undisturbed = whole()
            watched = whole(snapshots=snapshots(None, made.append))
            for after, written in enumerate(made, start=1):
                torch.rand(after)
                resumed = whole(snapshots=snapshots(written, lambda _bytes: None), on_epoch=epochs.append)
                differ.append(sum(not torch.equal(a[name], b[name]) for a, b in zip(undisturbed, resumed) for name in a))
            differ.append(sum(not torch.equal(a[name], b[name]) for a, b in zip(undisturbed, watched) for name in a))
            told[f"{{optimizer}}, {{keep}}, {{way}}"] = [differ, epochs, len(set(made))]
print(json.dumps(told))
""",
    )
    assert len(told) == 24
    for way, (differ, epochs, snapshots) in told.items():
        assert differ == [0, 0, 0, 0], way
        assert epochs == [2, 3, 4, 3, 4, 4], way
        assert snapshots == 3, way


def test_class_weights_are_torchs(in_image: InImage) -> None:
    """By the inverse of the frequency, with a mean of 1; the loss of a lone network is torch's weighted mean;
    a class that does not occur weighs nothing and does not disturb the others."""
    told = found(
        in_image,
        """
from torch.nn import functional
from sandbox.trainer.optimizers import class_weights
from sandbox.trainer.train_step import _loss
balanced = replace(sgd, class_weights="balanced")
weights = class_weights(balanced, torch.tensor([0, 0, 0, 1, 3, 3]), 4)
logits = torch.randn(10, 4, generator=made)
answers = torch.tensor([0, 1, 3, 3, 0, 0, 1, 0, 3, 1])
side_by_side = torch.stack([logits, logits.flip(0)], dim=1).flatten(0, 1)
told = torch.stack([answers, answers.flip(0)])
print(json.dumps({
    "weights": weights.tolist(),
    "torch": functional.cross_entropy(logits, answers, weight=weights).item(),
    "one": _loss(logits, answers[None], weights).item(),
    "two": _loss(side_by_side, told, weights).item(),
    "none": class_weights(sgd, answers, 4),
}))
""",
    )
    assert told["weights"] == pytest.approx([6 / 11, 18 / 11, 0, 9 / 11])
    assert told["one"] == pytest.approx(told["torch"], rel=1e-5)
    assert told["two"] == pytest.approx(2 * told["torch"], rel=1e-5)
    assert told["none"] is None


def test_schedules_are_torchs(in_image: InImage) -> None:
    """Each step's rate is the one that torch's scheduler would have set."""
    assert (
        found(
            in_image,
            """
from sandbox.trainer.lr_schedule import rate
def torchs(preset, steps):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=preset.learning_rate)
    schedulers = torch.optim.lr_scheduler
    every = preset.schedule == "one-cycle"
    schedule = (schedulers.OneCycleLR(optimizer, max_lr=preset.learning_rate, total_steps=preset.epochs * steps,
                                      pct_start=0.2, cycle_momentum=False)
                if every else schedulers.CosineAnnealingLR(optimizer, T_max=preset.epochs))
    rates = []
    for _epoch in range(preset.epochs):
        for _step in range(steps):
            rates.append(optimizer.param_groups[0]["lr"]); optimizer.step()
            if every: schedule.step()
        if not every: schedule.step()
    return rates
worst = 0
for schedule in ("one-cycle", "cosine"):
    for epochs, steps in ((1, 1), (1, 3), (2, 5), (12, 19), (30, 7)):
        preset = replace(sgd, schedule=schedule, epochs=epochs)
        ours = [rate(preset, step, steps) for step in range(epochs * steps)]
        worst = max(worst, *(abs(a - b) for a, b in zip(ours, torchs(preset, steps))))
print(worst)
""",
        )
        < 1e-9
    )


def test_a_retraining_is_timed_as_it_is_trained(in_image: InImage) -> None:
    """Optimiser, class weights and the passes over val are in the time; epochs are those of the training."""
    told = found(
        in_image,
        """
from dataclasses import asdict
from sandbox.trainer import timing
from sandbox.protocol.jobs import TimingJob
timing._PORTION_SECONDS = 0.01
splits = {"retain": {"image": images, "label": labels}, "val": val}
def seen(preset):
    job = TimingJob(architecture="digits", classes=5, training=asdict(preset), device="cpu", threads=1, portions=2)
    plain = timing._Plain(job, splits)
    evals = []
    plain._net.register_forward_pre_hook(lambda net, _inputs: evals.append(net.training))
    plain.epoch()
    found = timing.timing(job, splits, lambda _done: None)
    return [type(plain._optimizer).__name__, plain._weights is not None, evals.count(True), evals.count(False),
            found["retrain_seconds"] / sorted(found["epoch_seconds"])[0] > 2.9]
print(json.dumps([seen(sgd), seen(adam)]))
""",
    )
    assert told == [["SGD", False, 5, 0, True], ["Adam", True, 5, 2, True]]


def test_a_gpu_calculates_in_float32(in_image: InImage) -> None:
    """Neither products nor convolutions are shortened to TF32, and cuDNN repeats itself."""
    assert found(
        in_image,
        """
from sandbox.networks.precision import exact_arithmetic as exactly
exactly()
cudnn = torch.backends.cudnn
print(json.dumps([torch.backends.cuda.matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.deterministic,
                  cudnn.benchmark]))
""",
    ) == ["ieee", "ieee", True, False]


def test_dropout_comes_from_the_networks_own_seed(in_image: InImage) -> None:
    """A network with dropout is the same whatever was trained before it, and another seed draws others."""
    told = found(
        in_image,
        f"""
from sandbox.networks.custom import load
load({OWN!r})
own = lambda seed, **more: train_stacked(architecture="file", classes=5, images=images, labels=labels,
                                         seeds=[seed], preset=replace(sgd, **more), val=val)[0]
first = own(1)
torch.rand(1000)
print(json.dumps({{"again": distance(first, own(1)), "other": distance(first, own(2))}}))
""",
    )
    assert told["again"] == 0
    assert told["other"] > 1e-2


def test_the_best_epoch_is_kept_whole(in_image: InImage) -> None:
    """A single number among the weights is that of the best epoch too, not of the last."""
    assert (
        found(
            in_image,
            f"""
import sandbox.trainer.training as training
from sandbox.networks.custom import load
load({OWN!r})
ups_and_downs = [0.02, 9.0, 9.0]
training.rate = lambda preset, step, steps: ups_and_downs[step // steps]
own = lambda **more: train_stacked(architecture="file", classes=5, images=images, labels=labels, seeds=[1], val=val,
                                   preset=replace(sgd, schedule="constant", **more))[0]
best, ends = own(epochs=3, keep="best-by-validation"), [own(epochs=epochs, keep="last") for epochs in (1, 2, 3)]
print(json.dumps([distance(best, end) for end in ends]))
""",
        )[0]
        == 0
    )


def test_parameters_without_gradients_stay(in_image: InImage) -> None:
    """The optimiser of recorded steps leaves what is not used alone, and moves the rest as torch's does."""
    told = found(
        in_image,
        f"""
from sandbox.trainer.optimizers import optimizer
from sandbox.networks.custom import load, network
load({OWN!r})
moved = []
for steered in (False, True):
    torch.manual_seed(0)
    net = network(5).eval()
    steps = optimizer(net, sgd, steered=steered)
    for _ in range(3):
        steps.zero_grad()
        net(images).square().mean().backward()
        steps.step()
    moved.append({{name: one.detach().clone() for name, one in net.state_dict().items()}})
print(json.dumps({{"apart": distance(*moved), "idle": moved[1]["idle"].tolist()}}))
""",
    )
    assert told["apart"] < 1e-4
    assert told["idle"] == [1.0, 1.0, 1.0]


def test_both_class_weights_are_the_same_but_for_their_scale(in_image: InImage) -> None:
    """Those that networks are trained with have a mean of 1; those that entries find in the contest's file do not."""
    told = found(
        in_image,
        """
from sandbox.worker import contest_files as contest
from sandbox.trainer.optimizers import class_weights
some = torch.tensor([0] * 5 + [1] * 3 + [3])
ours = class_weights(replace(sgd, class_weights="balanced"), some, 5).tolist()
print(json.dumps([ours, json.loads(contest.class_weights(some.tolist(), 5))]))
""",
    )
    assert told[1] == pytest.approx([1 / 5, 1 / 3, 0, 1, 0])
    assert told[0] == pytest.approx([weight * 3 / (1 / 5 + 1 / 3 + 1) for weight in told[1]])
