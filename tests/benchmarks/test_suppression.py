"""The stored figures of suppression on real networks, and the table that shows them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.probes.suppression import PAGE, RULES, STORED, cell, record, table, with_table

MODELS, EXAMPLES, CLASSES = 8, 6, 3


def _arrays(seed: int, known: float) -> dict[str, np.ndarray]:
    """Return made-up arrays: after relearning, one method's answers are surer by ``known`` of the label."""
    rng = np.random.default_rng(seed)
    labels = np.arange(EXAMPLES) % CLASSES
    arrays = {"labels": labels, "class_counts": np.full((4, CLASSES), 10)}
    for method, more in (("references", 0.0), ("retrained", 0.0), ("hides", known)):
        logits = rng.normal(size=(3, MODELS, EXAMPLES, CLASSES))
        logits[1:, :, np.arange(EXAMPLES), labels] += more
        arrays[f"{method}/logits"] = logits[0]
        arrays[f"{method}/correct"] = rng.integers(5, 10, size=(MODELS, 4, CLASSES))
        arrays[f"{method}/unseen_losses"] = rng.exponential(size=(MODELS, 12))
        for rule, answers in zip(RULES, logits[1:], strict=True):
            arrays[f"{method}/relearned {rule}"] = answers
    return arrays


def test_what_is_hidden_is_bold() -> None:
    """And what is not known is not."""
    retrained, hides = record(_arrays(0, 6.0))
    assert (retrained["method"], hides["method"], hides["models"]) == ("retrained", "hides", MODELS)
    assert hides["probe"]["confidence_after"]["estimate"] == pytest.approx(6, abs=1)
    assert cell(hides["probe"]["confidence_after"]).startswith("**+")
    assert "**" not in cell(retrained["probe"]["confidence_after"])
    below = {"estimate": -1.0, "low": -1.5, "high": -0.5, "null": 0.4}
    assert cell(below) == "**-1.000 (-1.500 to -0.500)**"


def test_the_page_shows_the_stored_figures() -> None:
    """docs/metrics.md has the table of benchmarks/data/suppression.json."""
    page, data = PAGE.read_text(encoding="utf-8"), json.loads(STORED.read_text(encoding="utf-8"))
    assert with_table(page, data) == page
    assert all(line in page for line in table(data))
    with pytest.raises(ValueError, match="0 times"):
        with_table("No table.", data)
