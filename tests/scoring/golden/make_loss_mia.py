"""Create loss_mia.npz, scikit-learn's results for the starting kit's attack. Needs scikit-learn.

Run from the repository's root: ``python tests/scoring/golden/make_loss_mia.py``. The record was
created with scikit-learn 1.9.1 and NumPy 2.4.6, so the tests show if a later library gives other values.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit, cross_val_score

SIZES = (6, 7, 15, 23, 55, 71, 100)
MODELS, EXAMPLES = 5, 60


def main() -> None:
    """Write the record next to this file."""
    record: dict[str, Any] = {}
    for size in SIZES:
        kinds = np.repeat([0, 1], size)
        pairs = list(StratifiedShuffleSplit(n_splits=10, random_state=3).split(kinds[:, None], kinds))
        record[f"splits/{size}/training"] = np.array([training for training, _ in pairs], dtype=np.int16)
        record[f"splits/{size}/test"] = np.array([test for _, test in pairs], dtype=np.int16)
    rng = np.random.default_rng(0)
    shape = (MODELS, EXAMPLES)
    cases = {
        "same": (rng.exponential(size=shape), rng.exponential(size=shape)),
        "smaller": (rng.exponential(size=shape) * 0.5, rng.exponential(size=shape)),
        "heavy": (np.exp(2 * rng.normal(size=shape)), np.exp(2 * rng.normal(size=shape) + 0.5)),
        "tiny": (rng.exponential(size=shape) * 1e-5, rng.exponential(size=shape) * 1e-4),
        "separated": (rng.exponential(size=shape) * 0.01, 5 + rng.exponential(size=shape)),
        "constant": (np.ones(shape), np.ones(shape)),
    }
    kinds = np.repeat([0, 1], EXAMPLES)
    for name, (forget, unseen) in cases.items():
        record[f"{name}/forget"], record[f"{name}/unseen"] = forget, unseen
        for solver, options in (("default", {}), ("converged", {"tol": 1e-10, "max_iter": 10_000})):
            record[f"{name}/{solver}"] = np.array(
                [
                    cross_val_score(
                        LogisticRegression(**options),
                        np.concatenate(losses)[:, None],
                        kinds,
                        cv=StratifiedShuffleSplit(n_splits=10, random_state=0),
                        scoring="accuracy",
                    ).mean()
                    for losses in zip(unseen, forget, strict=True)
                ]
            )
    packed = io.BytesIO()
    np.savez_compressed(packed, **record)
    (Path(__file__).parent / "loss_mia.npz").write_bytes(packed.getvalue())


if __name__ == "__main__":
    main()
