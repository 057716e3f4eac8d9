"""Rows of probes: every number of the card is shown beside what retraining gets; what is missing is named once."""

import pytest

from runner.reports.probe_rows import null_rows, probe_rows
from runner.reports.score_card import card_remarks, card_rows
from scoring.card.card import ScoreCard
from scoring.card.make import score_card
from tests.support.networks.swap import contrasts_of
from tests.support.populations import population, probed


@pytest.fixture(scope="module")
def card() -> ScoreCard:
    return score_card(probed(0, examples=12, knowledge=1), probed(1, examples=12))


def test_every_contrast_of_a_card_has_a_row(card: ScoreCard) -> None:
    """None is forgotten, and each says what retraining gets."""
    rows = [*null_rows(card), *probe_rows(card)]
    contrasts = list(contrasts_of(card))
    assert len(rows) == len(contrasts) == len({name for name, _, _ in rows})
    shown = " ".join(value for _, value, _ in rows)
    for name, each in contrasts:
        assert f"{each.value.estimate:.3f}" in shown, name
    assert all("; retraining " in read for _, _, read in rows)
    assert set(rows) <= set(card_rows(card))


def test_a_difference_has_a_sign_and_a_level_has_none(card: ScoreCard) -> None:
    """A gap of 0.2 is +0.200; an epsilon is not."""
    values = {name: value for name, value, _ in [*null_rows(card), *probe_rows(card)]}
    assert values["relearned accuracy"].startswith("+")
    assert values["held-out epsilon, half"][0].isdigit()


def test_missing_probes_are_one_line() -> None:
    """A challenge without probes has one line for them, and no rows; other reasons have lines of their own."""
    card = score_card(population(0), population(1))
    assert not list(probe_rows(card))
    (line,) = (str(line) for line in card_remarks(card) if "relearning" in str(line))
    assert line == (
        "no relearning, residual knowledge, features, over unlearning, strata, mislabelled: "
        "the challenge does not record what they need."
    )
    assert any("no nulls: It needs 32 or more models" in str(line) for line in card_remarks(card))
