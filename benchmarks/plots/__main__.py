"""The plots of docs/metrics.md: sample submissions, and each epsilon for perfect unlearning and a shift.

The scores of the samples are recorded here. All else is simulated: confidences are standard normal for
references, shifted for unlearned models. `make plots` writes the figures into docs/plots; the same seed gives
the same files. They adapt to a dark colour scheme.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.plots.figures import BLUE, GREEN, GROUND, ORANGE, PURPLE, save, use_style
from scoring.checks import FloatArray
from scoring.epsilon.exact import exact_epsilon
from scoring.epsilon.held_out import certified_epsilon, held_out_epsilon
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.statistics.ceiling import ceiling

EXAMPLES = 200
SIZES = (16, 32, 64, 128, 256, 512)
SHIFTS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
MODELS = 512
FOLDER = Path(__file__).parents[2] / "docs" / "plots"
NULL_SHOWS = """\
Two panels, from 16 to 512 models on each side. Left: the mean published epsilon stays near 1.5 nats, \
the exact one grows to 2.5, the held-out one is near 0.3, the certified one is 0. Right: F of one submission \
stays near 0.18, and so does the ceiling from 64 models on; with 16 it is 0.11."""
SHIFT_SHOWS = """\
Two panels, from no shift to 3 standard deviations. Left: the mean published and exact epsilons grow from \
1.6 and 2.5 nats to 5.8, the held-out one from 0.3 to 4.7, the certified one from 0 to 3.3. Right: F falls \
from the ceiling, 0.18, to 0.08 at half a standard deviation, 0.02 at one and 0.0005 at three."""
SAMPLES_SHOW = """\
Scores of the six sample submissions with 95 % intervals, on an axis from 0 to 0.24. The original network \
scores 0, random_labels 0.0005, negative_gradient 0.0038, finetune 0.0044, scrub 0.0048, noisy_finetune \
0.085. The ceiling, what perfect unlearning reaches, is at 0.186, its interval from 0.155 to 0.224."""
SAMPLES = {
    "noisy_finetune": (0.0850, 0.0657, 0.1099),
    "scrub": (0.0048, 0.0044, 0.0053),
    "finetune": (0.0044, 0.0039, 0.0049),
    "negative_gradient": (0.0038, 0.0033, 0.0044),
    "random_labels": (0.0005, 0.0003, 0.0009),
    "original": (0.0, 0.0, 0.0),
}
"""Score of each sample with its 95 % interval: digits, seed 0, 64 references; 64 runs each, 2026-11-29."""
SAMPLES_CEILING = (0.186, 0.155, 0.224)
"""F of references against references there, with its 95 % interval for one submission."""
SIZE = (9, 3.9)
STYLES = {
    "published": ("o-", BLUE),
    "exact": ("s--", ORANGE),
    "held-out": ("^-", GREEN),
    "certified (one example)": ("v:", PURPLE),
}
"""Line and colour of each epsilon: they differ without colour as well."""


def samples(models: int, shift: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return confidences of unlearned models and of references, each [models, EXAMPLES]."""
    rng = np.random.default_rng(seed)
    return rng.normal(shift, 1, (models, EXAMPLES)), rng.normal(size=(models, EXAMPLES))


def means(unlearned: FloatArray, retrained: FloatArray) -> dict[str, float]:
    """Return the mean over the examples of each kind of epsilon."""
    certified = certified_epsilon(unlearned, retrained, seed=0, simultaneous=False)
    return {
        "published": float(published_epsilon(unlearned, retrained).mean()),
        "exact": float(exact_epsilon(unlearned, retrained).mean()),
        "held-out": float(held_out_epsilon(unlearned, retrained, seed=0).mean()),
        "certified (one example)": float(certified.mean()),
    }


def draw(axes: Axes, places: Sequence[float], rows: Sequence[Mapping[str, float]]) -> None:
    """Draw one line for each name, and what the lines are below the axes."""
    for name in rows[0]:
        line, colour = STYLES[name]
        axes.plot(places, [row[name] for row in rows], line, color=colour, label=name, markersize=4)
    set_legend(axes)


def set_legend(axes: Axes) -> None:
    """Explain the lines below the axes, where no line can cross the legend."""
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, handlelength=3)
    axes.grid(visible=True)


def null_by_size(folder: Path) -> None:
    """Plot perfect unlearning by the number of models on each side."""
    epsilons, qualities = [], []
    for models in SIZES:
        unlearned, retrained = samples(models, 0.0, models)
        epsilons.append(means(unlearned, retrained))
        quality_reached = forgetting_quality(published_epsilon(unlearned, retrained), models)
        limit = ceiling(retrained, models, seed=0).quality
        qualities.append((quality_reached, limit.estimate, limit.low, limit.high))
    figure, (left, right) = plt.subplots(1, 2, figsize=SIZE, layout="constrained")
    draw(left, SIZES, epsilons)
    left.set(ylabel="mean epsilon (nats)", title="Perfect unlearning: only the certified one is 0")
    quality, estimate, low, high = (np.array(column) for column in zip(*qualities, strict=True))
    right.fill_between(SIZES, low, high, color=ORANGE, alpha=0.2, linewidth=0, label="95 % of submissions")
    right.plot(SIZES, quality, "o-", color=BLUE, label="F of one submission", markersize=4)
    right.plot(SIZES, estimate, "s--", color=ORANGE, label="ceiling", markersize=4)
    right.set(ylabel="forgetting quality F", ylim=(0, None))
    right.set_title(f"Perfect unlearning: F reaches {estimate[-1]:.2f}, not 1")
    set_legend(right)
    for axes in (left, right):
        axes.set(xscale="log", xlabel="models on each side")
        axes.minorticks_off()
        axes.set_xticks(SIZES, labels=[str(size) for size in SIZES])
    save(
        figure,
        folder / "null.svg",
        title="Perfect unlearning by the number of models",
        description=NULL_SHOWS,
    )


def by_shift(folder: Path) -> None:
    """Plot the effect of a shift of all confidences, at 512 models."""
    epsilons, qualities = [], []
    for shift in SHIFTS:
        unlearned, retrained = samples(MODELS, shift, 7)
        epsilons.append(means(unlearned, retrained))
        qualities.append(forgetting_quality(published_epsilon(unlearned, retrained), MODELS))
    limit = ceiling(samples(MODELS, 0.0, 7)[1], MODELS, seed=0).quality.estimate
    figure, (left, right) = plt.subplots(1, 2, figsize=SIZE, layout="constrained")
    draw(left, SHIFTS, epsilons)
    left.set(ylabel="mean epsilon (nats)", title="Every epsilon grows with the shift")
    right.plot(SHIFTS, qualities, "o-", color=BLUE, label="F of the shifted models", markersize=4)
    right.axhline(limit, color=ORANGE, linestyle="--", label=f"ceiling: {limit:.2f}")
    right.set(ylabel="forgetting quality F", yscale="log", title="What a shift costs")
    right.yaxis.set_major_formatter(lambda value, _place: f"{value:g}")  # not mathtext: it is read aloud
    set_legend(right)
    for axes in (left, right):
        axes.set(xlabel="shift, in standard deviations of the references")
    save(
        figure,
        folder / "shift.svg",
        title=f"The effect of a shift of all confidences, with {MODELS} models on each side",
        description=SHIFT_SHOWS,
    )


def measured(folder: Path) -> None:
    """Plot the recorded scores of the sample submissions against the ceiling."""
    figure, axes = plt.subplots(figsize=(9, 2.9), layout="constrained")
    ceiling_score, low, high = SAMPLES_CEILING
    axes.axvspan(low, high, color=ORANGE, alpha=0.2, linewidth=0)
    axes.axvline(ceiling_score, color=ORANGE, linestyle="--")
    axes.annotate(
        "ceiling: what perfect unlearning reaches",
        (low, 2.5),
        xytext=(-6, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color=ORANGE,
        backgroundcolor=GROUND,
    )
    for place, (score, least, most) in enumerate(reversed(SAMPLES.values())):
        axes.errorbar(score, place, xerr=[[score - least], [most - score]], fmt="o", color=BLUE, capsize=3)
        axes.annotate(f"{score:g}", (most, place), xytext=(8, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(SAMPLES)), labels=list(reversed(SAMPLES)))
    axes.set(xlim=(-0.004, 0.24), xlabel="score, with 95 % interval")
    axes.set_title("Most samples forget next to nothing")
    axes.grid(visible=True, axis="x")
    save(
        figure,
        folder / "samples.svg",
        title="Scores of the sample submissions against the ceiling",
        description=SAMPLES_SHOW,
    )


def main() -> None:
    """Create all plots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    use_style()
    null_by_size(folder)
    by_shift(folder)
    measured(folder)


if __name__ == "__main__":
    main()
