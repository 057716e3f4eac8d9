"""Cost of scoring by size, compared with trying every rule on every model.

All measurements use standard normals and one thread. The alternative is the metric as it is
defined: every threshold compared with every model's confidence (in `tests/scoring` it is
the slow twin of the fast version). It is timed on a few examples, and the time is extrapolated.
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

# Python puts the folder of a script first in its path, so that `import scoring` finds this file instead
# of the package. Then this file removes itself and imports the package.
_HERE = str(Path(__file__).resolve().parent)
sys.path[:] = [entry for entry in sys.path if str(Path(entry).resolve()) != _HERE]
sys.path.insert(0, str(Path(_HERE).parent))
if __name__ == "scoring":
    del sys.modules["scoring"]
    importlib.import_module("scoring")
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before NumPy reads it

import numpy as np
from rich.console import Console
from rich.table import Table

from scoring import exact_epsilon, published_epsilon
from scoring.card.make import score_card
from scoring.card.options import CardOptions
from scoring.checks import FloatArray
from scoring.outputs import Outputs
from scoring.published.rules import epsilon_of_rules

CLASSES = 10


def every_rule_on_every_model(unlearned: FloatArray, retrained: FloatArray) -> float:
    """Return the published epsilon of one example, straight from the definition."""
    positive, negative = (
        (unlearned, retrained) if np.median(unlearned) >= np.median(retrained) else (retrained, unlearned)
    )
    low, high = min(unlearned.min(), retrained.min()), max(unlearned.max(), retrained.max())
    thresholds = np.linspace(low, high, int(np.ceil(100 * (high - low))))[:, np.newaxis]
    fnr, fpr = (positive < thresholds).mean(axis=1), (negative >= thresholds).mean(axis=1)
    best = np.nanmax(epsilon_of_rules(fpr, fnr))
    peaky, others = (
        (unlearned, retrained) if np.ptp(unlearned) <= np.ptp(retrained) else (retrained, unlearned)
    )
    width = np.ptp(peaky)
    first, last = peaky.min() + width - 2, peaky.max() + 2
    for right in np.linspace(first, last, int(np.ceil(100 * (last - first)))):
        left = np.linspace(right - width - 2, right - width + 2, 400)[:, np.newaxis]
        fnr = 1 - ((left <= peaky) & (peaky <= right)).mean(axis=1)
        fpr = ((left <= others) & (others <= right)).mean(axis=1)
        best = np.nanmax([best, np.nanmax(epsilon_of_rules(fpr, fnr), initial=0.0)])
    return float(min(best, 50.0))


def seconds_of(work: Callable[[], object]) -> float:
    """Return the CPU seconds of one call, all threads together."""
    started = time.process_time()
    work()
    return time.process_time() - started


def population(models: int, examples: int, seed: int) -> Outputs:
    """Return outputs of models with random logits that favour the true label."""
    rng = np.random.default_rng(seed)
    labels = np.arange(examples) % CLASSES
    logits = rng.normal(size=(models, examples, CLASSES)).astype(np.float32)
    logits[:, np.arange(examples), labels] += 2
    return Outputs(
        logits=logits,
        labels=labels,
        correct=rng.binomial(50, 0.9, size=(models, 4, CLASSES)),
        class_counts=np.full((4, CLASSES), 50),
        unseen_losses=rng.exponential(size=(models, 500)),
        seconds=np.full(models, 1.0),
    )


def megabytes() -> float:
    """Return the peak memory of this process, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=int, default=512)
    parser.add_argument("--examples", type=int, default=700)
    parser.add_argument("--slow-examples", type=int, default=3)
    options = parser.parse_args()
    console = Console(width=110)
    rng = np.random.default_rng(0)
    n, examples = options.models, options.examples
    unlearned, retrained = rng.normal(size=(n, examples)), rng.normal(size=(n, examples))

    few = range(options.slow_examples)
    slow_values: list[float] = []
    slow = seconds_of(
        lambda: slow_values.extend(every_rule_on_every_model(unlearned[:, i], retrained[:, i]) for i in few)
    )
    np.testing.assert_allclose(slow_values, published_epsilon(unlearned, retrained)[: len(few)])
    slow *= examples / len(few)

    sizes = Table(title="CPU seconds by size, one thread (medians of 3)")
    for column in (
        "models on each side",
        "forget examples",
        "published",
        "exact",
        "every rule on every model",
    ):
        sizes.add_column(column, justify="right")
    for models, count in (
        *((models, examples) for models in (64, 128, 256, n)),
        *((n, count) for count in (examples // 7, examples // 2)),
    ):
        unlearned_part, retrained_part = unlearned[:models, :count], retrained[:models, :count]
        published, exact = (
            float(np.median([seconds_of(partial(metric, unlearned_part, retrained_part)) for _ in range(3)]))
            for metric in (published_epsilon, exact_epsilon)
        )
        slow_text = f"{slow:.0f} ({slow / published:.0f} times)" if (models, count) == (n, examples) else ""
        sizes.add_row(str(models), str(count), f"{published:.3f}", f"{exact:.3f}", slow_text)
    console.print(sizes)

    before_card = megabytes()
    outputs, references = population(n, examples, 1), population(n, examples, 2)
    card_options = CardOptions(retraining_seconds=20.0)
    wall = time.monotonic()
    card = seconds_of(lambda: score_card(outputs, references, card_options))
    wall = time.monotonic() - wall
    whole = Table(
        title=f"Whole score card, {n} models on each side, {examples} forget examples, {CLASSES} classes"
    )
    for column in ("CPU s", "wall s", "peak memory MiB", "of it before the card"):
        whole.add_column(column, justify="right")
    whole.add_row(f"{card:.1f}", f"{wall:.1f}", f"{megabytes():.0f}", f"{before_card:.0f}")
    console.print(whole)


if __name__ == "__main__":
    main()
