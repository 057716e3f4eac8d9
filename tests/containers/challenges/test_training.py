"""A network is trained as its preset defines: alone or in a stack, and by recorded steps or by calls."""

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
generator = torch.Generator().manual_seed(0)
labels = (torch.rand(150, generator=generator) ** 2 * 5).long()
patterns = torch.randn(5, 1, 8, 8, generator=generator)
noisy = lambda labels: patterns[labels] + torch.randn(len(labels), 1, 8, 8, generator=generator)
images = noisy(labels)
val = {"label": torch.arange(5).repeat(12)}
val["image"] = noisy(val["label"])
sgd = Preset(epochs=3, batch_size=32, learning_rate=0.05, momentum=0.9, weight_decay=5e-4)
adam = replace(PRESETS["contest"], epochs=3, batch_size=32, learning_rate=1e-3)
def train(preset, seeds, **options):
    return train_stacked(architecture="digits", classes=5, images=images, labels=labels, seeds=seeds,
                         preset=preset, val=val, **options)
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


def run_script(in_image: InImage, script: str) -> Any:
    """Return the JSON that a script prints after the prelude."""
    return json.loads(in_image(PRELUDE + script))


def test_a_stacked_network_trains_as_alone(in_image: InImage) -> None:
    """With either optimiser, with balanced classes or not, ending with the last epoch or with the best."""
    distances = run_script(
        in_image,
        """
distances = {}
for optimizer, preset in (("sgd", sgd), ("adam", adam)):
    for weights in ("none", "balanced"):
        for keep in ("last", "best-by-validation"):
            variant = replace(preset, class_weights=weights, keep=keep)
            together = train(variant, [1, 2, 3])
            alone = [train(variant, [seed])[0] for seed in (1, 2, 3)]
            distances[f"{optimizer}, {weights}, {keep}"] = [
                max(distance(*pair) for pair in zip(together, alone)), distance(together[0], alone[1])]
print(json.dumps(distances))
""",
    )
    assert len(distances) == 8
    for variant, (same, other) in distances.items():
        assert same < 2e-3, variant
        assert other > 5e-2, variant


def test_recorded_steps_equal_plain_steps(in_image: InImage) -> None:
    """Rows and learning rate at fixed addresses, some warm-up steps, the others replayed, the small batch called:
    the same number of updates and the same weights as plain steps. A stand-in replays by calling."""
    result = run_script(
        in_image,
        """
class StandIn:
    def __init__(self): self.warm_up_steps = self.replays = 0
    def warm_up(self, work): self.warm_up_steps += 1; work()
    def record(self, work):
        def replay(): self.replays += 1; work()
        return replay
result = {}
for name, preset in {"nesterov": sgd, "momentum": replace(sgd, nesterov=False, schedule="cosine"),
                     "bare": replace(sgd, momentum=0.0, nesterov=False, weight_decay=0.0), "adam": adam}.items():
    recorder = StandIn()
    recorded = train(preset, [1, 2], make_recorder=lambda _device: recorder)
    plain = train(preset, [1, 2])
    result[name] = [max(distance(*pair) for pair in zip(recorded, plain)), recorder.warm_up_steps,
                  recorder.replays, int(recorded[0]["bn1.num_batches_tracked"])]
print(json.dumps(result))
""",
    )
    for name, (distance, warm_up, replays, steps) in result.items():
        assert distance < 2e-4, name
        assert (warm_up, replays, steps) == (3, 9, 15), name  # 4 whole batches and a small batch, 3 epochs


def test_steps_that_cannot_be_recorded_are_called(in_image: InImage) -> None:
    """If a device fails to record, training is slower and its result the same."""
    assert run_script(
        in_image,
        """
class Refuses:
    def warm_up(self, work): work()
    def record(self, work): raise RuntimeError("operation not permitted")
refused = train(sgd, [1], make_recorder=lambda _device: Refuses())
print(json.dumps(distance(refused[0], train(sgd, [1])[0])))
""",
    ) == pytest.approx(0, abs=2e-4)


def test_each_network_ends_with_its_best_epoch(in_image: InImage) -> None:
    """After a training whose learning rate grows too large, each network has the weights of its own best epoch
    on val; of equally good epochs, the first."""
    result = run_script(
        in_image,
        """
import sandbox.trainer.training as training
from sandbox.trainer.best_epoch import count_correct
from sandbox.networks.architectures import build
from sandbox.networks.stacking import stack
preset = replace(sgd, schedule="constant", epochs=4, keep="best-by-validation")
rates = [0.02, 0.02, 9.0, 9.0]
training.learning_rate_at = lambda preset, step, steps: rates[step // steps]
best = train(preset, [1, 2])
after = [train(replace(preset, epochs=epochs, keep="last"), [1, 2]) for epochs in (1, 2, 3, 4)]
def correct(state):
    net = build("digits", 5); net.load_state_dict(state)
    return int(count_correct(net, val, 1, torch.channels_last))
without_counters = lambda state: {name: tensor for name, tensor in state.items() if tensor.ndim}
chosen = []
for place in (0, 1):
    counts = [correct(states[place]) for states in after]
    first = counts.index(max(counts))
    chosen.append([counts, first, distance(without_counters(best[place]), without_counters(after[first][place])),
                   correct(best[place])])
print(json.dumps({"chosen": chosen, "again": distance(best[0], train(preset, [1, 2])[0])}))
""",
    )
    assert result["again"] == 0
    for counts, first, distance, best in result["chosen"]:
        assert min(counts) < max(counts) == best
        assert first < 2
        assert distance == 0


def test_an_interrupted_training_resumes_to_the_same_bits(in_image: InImage) -> None:
    """From the snapshot of any epoch, with either optimiser, ending with the last epoch or the best, alone or
    stacked, with dropout, and with recorded steps; and no finished epoch is trained again."""
    result = run_script(
        in_image,
        f"""
import contextlib
from sandbox.networks.custom import load
from sandbox.trainer.snapshots import Snapshots
from sandbox.trainer.step_count import StepCount
load({OWN!r})
class StandIn:
    def warm_up(self, work): work()
    def record(self, work): return work
class AfterEveryEpoch:
    def is_due(self): return True
    def write(self, work): work()
def snapshots(previous, write):
    return Snapshots(previous=previous, write=write, timer=AfterEveryEpoch(), lock=contextlib.nullcontext())
result = {{}}
bare = replace(sgd, momentum=0.0, nesterov=False)
for optimizer, preset in (("sgd", sgd), ("bare", bare), ("adam", adam)):
    for keep in ("last", "best-by-validation"):
        for variant, options in {{"alone": {{}}, "stacked": {{}}, "dropout": {{"architecture": "file"}},
                          "recorded": {{"make_recorder": lambda _device: StandIn()}}}}.items():
            longer, seeds = replace(preset, keep=keep, epochs=4), [1, 2, 3] if variant == "stacked" else [1]
            written, differ, counts = [], [], []
            def whole(**more):
                return train_stacked(**{{"architecture": "digits", "classes": 5, "images": images, "labels": labels,
                                        "seeds": seeds, "preset": longer, "val": val, **options, **more}})
            undisturbed = whole()
            watched = whole(snapshots=snapshots(None, written.append))
            for after, snapshot in enumerate(written, start=1):
                torch.rand(after)
                count = StepCount(4 * 5 * len(seeds))
                resumed = whole(snapshots=snapshots(snapshot, lambda _bytes: None), count=count)
                counts.append([count.taken // len(seeds), count.due // len(seeds)])
                differ.append(sum(not torch.equal(a[name], b[name]) for a, b in zip(undisturbed, resumed) for name in a))
            differ.append(sum(not torch.equal(a[name], b[name]) for a, b in zip(undisturbed, watched) for name in a))
            result[f"{{optimizer}}, {{keep}}, {{variant}}"] = [differ, counts, len(set(written))]
print(json.dumps(result))
""",
    )
    assert len(result) == 24
    for variant, (differ, counts, snapshots) in result.items():
        assert differ == [0, 0, 0, 0], variant
        assert counts == [[15, 15], [10, 10], [5, 5]], variant  # batches, of 5 an epoch
        assert snapshots == 3, variant


def test_weighted_loss_is_torchs(in_image: InImage) -> None:
    """Class weights are the inverse of the frequency, with a mean of 1; the loss of a single network is torch's
    weighted mean; a class that does not occur has weight 0 and does not change the others."""
    result = run_script(
        in_image,
        """
from torch.nn import functional
from sandbox.trainer.optimizers import class_weights
from sandbox.trainer.train_step import _loss
balanced = replace(sgd, class_weights="balanced")
weights = class_weights(balanced, torch.tensor([0, 0, 0, 1, 3, 3]), 4)
logits = torch.randn(10, 4, generator=generator)
answers = torch.tensor([0, 1, 3, 3, 0, 0, 1, 0, 3, 1])
stacked_logits = torch.stack([logits, logits.flip(0)], dim=1).flatten(0, 1)
stacked_answers = torch.stack([answers, answers.flip(0)])
print(json.dumps({
    "weights": weights.tolist(),
    "torch": functional.cross_entropy(logits, answers, weight=weights).item(),
    "one": _loss(logits, answers[None], weights).item(),
    "two": _loss(stacked_logits, stacked_answers, weights).item(),
    "none": class_weights(sgd, answers, 4),
}))
""",
    )
    assert result["weights"] == pytest.approx([6 / 11, 18 / 11, 0, 9 / 11])
    assert result["one"] == pytest.approx(result["torch"], rel=1e-5)
    assert result["two"] == pytest.approx(2 * result["torch"], rel=1e-5)
    assert result["none"] is None


def test_schedules_are_torchs(in_image: InImage) -> None:
    """Each step's learning rate is the rate that torch's scheduler sets."""
    assert (
        run_script(
            in_image,
            """
from sandbox.trainer.lr_schedule import learning_rate_at
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
        rates = [learning_rate_at(preset, step, steps) for step in range(epochs * steps)]
        worst = max(worst, *(abs(a - b) for a, b in zip(rates, torchs(preset, steps))))
print(worst)
""",
        )
        < 1e-9
    )


def test_the_time_of_a_retraining_includes_all_of_it(in_image: InImage) -> None:
    """Optimiser, class weights and the passes over val are included; epochs are those of the training."""
    result = run_script(
        in_image,
        """
from dataclasses import asdict
from sandbox.trainer import timing
from sandbox.protocol.jobs import TimingJob
timing._PORTION_SECONDS = 0.01
splits = {"retain": {"image": images, "label": labels}, "val": val}
def observe(preset):
    job = TimingJob(architecture="digits", classes=5, training=asdict(preset), device="cpu", threads=1, portions=2)
    plain = timing._PlainTraining(job, splits)
    evals = []
    plain._net.register_forward_pre_hook(lambda net, _inputs: evals.append(net.training))
    plain.epoch()
    measured = timing.time_retraining(job, splits, lambda _done: None)
    return [type(plain._optimizer).__name__, plain._weights is not None, evals.count(True), evals.count(False),
            measured["retrain_seconds"] / sorted(measured["epoch_seconds"])[0] > 2.9]
print(json.dumps([observe(sgd), observe(adam)]))
""",
    )
    assert result == [["SGD", False, 5, 0, True], ["Adam", True, 5, 2, True]]


def test_a_gpu_computes_in_float32(in_image: InImage) -> None:
    """Neither matrix products nor convolutions use TF32, and cuDNN is deterministic."""
    assert run_script(
        in_image,
        """
from sandbox.networks.precision import exact_arithmetic
exact_arithmetic()
cudnn = torch.backends.cudnn
print(json.dumps([torch.backends.cuda.matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.deterministic,
                  cudnn.benchmark]))
""",
    ) == ["ieee", "ieee", True, False]


def test_dropout_comes_from_the_networks_own_seed(in_image: InImage) -> None:
    """A network with dropout does not depend on what was trained before it, and does depend on its seed."""
    result = run_script(
        in_image,
        f"""
from sandbox.networks.custom import load
load({OWN!r})
own = lambda seed, **options: train_stacked(architecture="file", classes=5, images=images, labels=labels,
                                         seeds=[seed], preset=replace(sgd, **options), val=val)[0]
first = own(1)
torch.rand(1000)
print(json.dumps({{"again": distance(first, own(1)), "other": distance(first, own(2))}}))
""",
    )
    assert result["again"] == 0
    assert result["other"] > 1e-2


def test_scalar_weights_are_those_of_the_best_epoch(in_image: InImage) -> None:
    """A weight without dimensions comes from the best epoch too, not from the last."""
    assert (
        run_script(
            in_image,
            f"""
import sandbox.trainer.training as training
from sandbox.networks.custom import load
load({OWN!r})
rates = [0.02, 9.0, 9.0]
training.learning_rate_at = lambda preset, step, steps: rates[step // steps]
own = lambda **options: train_stacked(architecture="file", classes=5, images=images, labels=labels, seeds=[1], val=val,
                                   preset=replace(sgd, schedule="constant", **options))[0]
best, ends = own(epochs=3, keep="best-by-validation"), [own(epochs=epochs, keep="last") for epochs in (1, 2, 3)]
print(json.dumps([distance(best, end) for end in ends]))
""",
        )[0]
        == 0
    )


def test_parameters_without_gradients_stay(in_image: InImage) -> None:
    """The optimiser of recorded steps does not change unused parameters, and updates the others as torch's does."""
    result = run_script(
        in_image,
        f"""
from sandbox.trainer.optimizers import build_optimizer
from sandbox.networks.custom import build_network, load
load({OWN!r})
moved = []
for capturable in (False, True):
    torch.manual_seed(0)
    net = build_network(5).eval()
    optimizer = build_optimizer(net, sgd, capturable=capturable)
    for _ in range(3):
        optimizer.zero_grad()
        net(images).square().mean().backward()
        optimizer.step()
    moved.append({{name: weight.detach().clone() for name, weight in net.state_dict().items()}})
print(json.dumps({{"apart": distance(*moved), "idle": moved[1]["idle"].tolist()}}))
""",
    )
    assert result["apart"] < 1e-4
    assert result["idle"] == [1.0, 1.0, 1.0]


def test_both_class_weights_differ_in_scale_only(in_image: InImage) -> None:
    """Class weights for training have a mean of 1; those that entries compute from the contest's file do not."""
    result = run_script(
        in_image,
        """
from sandbox.worker.entry import contest_files as contest
from sandbox.trainer.optimizers import class_weights
labels = torch.tensor([0] * 5 + [1] * 3 + [3])
balanced = class_weights(replace(sgd, class_weights="balanced"), labels, 5).tolist()
print(json.dumps([balanced, json.loads(contest.class_weights(labels.tolist(), 5))]))
""",
    )
    balanced, counts = result
    assert counts == {"0": 5, "1": 3, "2": 1, "3": 1, "4": 1}
    present = {label: 1 / counts[str(label)] for label in (0, 1, 3)}
    expected = [present.get(label, 0) * 3 / sum(present.values()) for label in range(5)]
    assert balanced == pytest.approx(expected)
