"""Rates at which a mixture of two bad methods and honest references are flagged.

For each kind of submission it prints the forgetting quality, the joint attack's areas under
the curve and p-values, and the rates of both flags. Run it from the repository's root::

    python -m benchmarks.mixture_cheat                    # 512 models, 700 examples: 4 minutes
    python -m benchmarks.mixture_cheat --models 64 --examples 20 --realistic
"""

import argparse
import time

import numpy as np

from scoring.checks import FloatArray
from scoring.flags.find import find_flags
from scoring.flags.joint_attack import joint_attack
from scoring.flags.mixture import Mixture
from scoring.published.epsilon import forgetting_quality, published_epsilon
from tests.support.cheats import mixture, one_sided, realistic


def main() -> None:
    """Simulate, attack and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", type=int, default=512)
    parser.add_argument("--examples", type=int, default=700)
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--realistic", action="store_true", help="correlated, heavy-tailed examples")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    models, examples = options.models, options.examples
    rng = np.random.default_rng(options.seed)
    half = np.where(np.arange(models) < models // 2, 1, -1)

    def references() -> FloatArray:
        return realistic(rng, models, examples) if options.realistic else rng.normal(size=(models, examples))

    def cheat() -> FloatArray:
        if options.realistic:
            return realistic(rng, models, examples, half)
        return mixture(rng, models, examples)

    def alone() -> FloatArray:
        if options.realistic:
            return realistic(rng, models, examples, np.ones(models))
        return one_sided(rng, models, examples)

    def quality(unlearned: FloatArray, retrained: FloatArray) -> float:
        some = slice(None, None, max(1, examples // 50))
        return forgetting_quality(published_epsilon(unlearned[:, some], retrained[:, some]), models)

    print(f"{models} models and references, {examples} examples, {options.repetitions} repetitions of each")
    print(f"one of the two methods alone: F = {quality(alone(), references()):.4f}")
    for name, draw in (("references", references), ("mixture", cheat)):
        rows, others = [], 0
        started = time.process_time()
        for repetition in range(options.repetitions):
            unlearned, retrained = draw(), references()
            attack = joint_attack(unlearned, retrained, seed=repetition)
            flags = find_flags(unlearned, retrained, seed=repetition)
            mixed = any(isinstance(flag, Mixture) for flag in flags)
            others += len(flags) - mixed
            rows.append(
                (
                    quality(unlearned, retrained),
                    attack.auc_svm,
                    attack.auc_trees,
                    attack.p_value,
                    attack.flagged,
                    mixed,
                )
            )
        seconds = (time.process_time() - started) / options.repetitions
        table = np.array(rows, dtype=float)
        print(f"\n{name} ({seconds:.1f} s of one core for each)")
        for column, label in enumerate(("F", "AUC, support vectors", "AUC, trees", "p-value")):
            values = table[:, column]
            print(f"  {label:22} {values.mean():.3f}  ({values.min():.3f} to {values.max():.3f})")
        print(f"  joint attack flagged   {table[:, 4].sum():.0f} of {options.repetitions}")
        print(f"  mixture flagged        {table[:, 5].sum():.0f} of {options.repetitions}")
        print(f"  other flags            {others}", flush=True)


if __name__ == "__main__":
    main()
