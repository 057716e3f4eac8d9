"""The plots of docs/metrics.md: each epsilon for perfect unlearning and for a known shift.

The confidences are simulated: standard normal for references, shifted for unlearned models. `make plots`
writes the figures into docs/plots; the same seed gives the same files.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from scoring.checks import FloatArray
from scoring.epsilon.exact import exact_epsilon
from scoring.epsilon.held_out import certified_epsilon, held_out_epsilon
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.statistics.ceiling import ceiling

EXAMPLES = 200
SIZES = (16, 32, 64, 128, 256, 512)
SHIFTS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0)
MODELS = 512
FOLDER = Path(__file__).parent.parent / "docs" / "plots"
STYLES = {"published": "o-", "exact": "s--", "held-out": "^-", "certified (one example)": "v:"}


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


def draw(axes: plt.Axes, places: Sequence[float], rows: Sequence[Mapping[str, float]]) -> None:
    """Draw one line for each name."""
    for name in rows[0]:
        axes.plot(places, [row[name] for row in rows], STYLES.get(name, "o-"), label=name, markersize=4)
    axes.legend(frameon=False, fontsize=8)
    axes.grid(visible=True, alpha=0.3)


def null_by_size(folder: Path) -> None:
    """Plot perfect unlearning by the number of models on each side."""
    epsilons, qualities = [], []
    for models in SIZES:
        unlearned, retrained = samples(models, 0.0, models)
        epsilons.append(means(unlearned, retrained))
        quality_reached = forgetting_quality(published_epsilon(unlearned, retrained), models)
        limit = ceiling(retrained, models, seed=0).quality
        qualities.append((quality_reached, limit.estimate, limit.low, limit.high))
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    draw(left, SIZES, epsilons)
    left.set(
        xscale="log", xlabel="models on each side", ylabel="mean epsilon (nats)", title="Perfect unlearning"
    )
    quality, estimate, low, high = (np.array(column) for column in zip(*qualities, strict=True))
    right.plot(SIZES, quality, "o-", label="F of one submission", markersize=4)
    right.plot(SIZES, estimate, "s--", label="ceiling, from the references", markersize=4)
    right.fill_between(SIZES, low, high, alpha=0.2, label="95 % for one submission")
    right.set(xscale="log", xlabel="models on each side", ylabel="forgetting quality F", ylim=(0, None))
    right.set_title("F does not reach 1")
    right.legend(frameon=False, fontsize=8)
    right.grid(visible=True, alpha=0.3)
    for axes in (left, right):
        axes.minorticks_off()
        axes.set_xticks(SIZES, labels=[str(size) for size in SIZES])
    save(figure, folder / "null.svg")


def by_shift(folder: Path) -> None:
    """Plot the effect of a shift of all confidences, at 512 models."""
    epsilons, qualities = [], []
    for shift in SHIFTS:
        unlearned, retrained = samples(MODELS, shift, 7)
        epsilons.append(means(unlearned, retrained))
        qualities.append({"F": forgetting_quality(published_epsilon(unlearned, retrained), MODELS)})
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    draw(left, SHIFTS, epsilons)
    left.set(
        xlabel="shift (standard deviations)", ylabel="mean epsilon (nats)", title=f"{MODELS} models a side"
    )
    draw(right, SHIFTS, qualities)
    right.set(xlabel="shift (standard deviations)", ylabel="forgetting quality F", yscale="log")
    right.set_title("What a shift costs")
    save(figure, folder / "shift.svg")


def save(figure: plt.Figure, file: Path) -> None:
    """Write a figure; the same figure gives the same bytes."""
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Create all plots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "metrics"
    null_by_size(folder)
    by_shift(folder)


if __name__ == "__main__":
    main()
