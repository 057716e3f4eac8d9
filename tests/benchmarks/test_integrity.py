"""How the flags are counted: limits of rates, choices among networks, the stored report and its page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.integrity.cards import Row, card_row
from benchmarks.integrity.derive import derive
from benchmarks.integrity.flags import OnControls, RunTimes, raise_flags
from benchmarks.integrity.methods import KINDS, REMARKS
from benchmarks.integrity.page import PAGE, stored_report, with_tables
from benchmarks.integrity.populations import Populations, challenges, pick
from benchmarks.integrity.rates import Rate
from benchmarks.integrity.report import HONEST, flags_by_data, replaced, report
from benchmarks.integrity.selection import SELECTIONS, largest_quality, smallest_energy_distance
from benchmarks.integrity.slow import rates_of_mixtures
from runner.challenge.limits import SHORT_TRAINING_FRACTION
from scoring.card.levels import FALSE_ALARMS, LEVELS, flag_level
from scoring.card.make import score_card
from scoring.card.options import CardOptions
from scoring.outputs import Outputs
from scoring.published.epsilon import forgetting_quality, published_epsilon
from tests.support.cheats import realistic

EXAMPLES, CLASSES = 6, 3


def population(seed: int, models: int = 64) -> Outputs:
    """Return outputs of made-up networks."""
    rng = np.random.default_rng(seed)
    counts = np.full((4, CLASSES), 10)
    return Outputs(
        logits=rng.normal(size=(models, EXAMPLES, CLASSES)),
        labels=np.arange(EXAMPLES) % CLASSES,
        correct=rng.integers(5, 10, size=(models, 4, CLASSES)),
        class_counts=counts,
        unseen_losses=rng.exponential(size=(models, 12)),
    )


@pytest.mark.parametrize(
    ("events", "trials", "low", "high"),
    [
        (0, 20, 0.0, 0.1684),
        (20, 20, 0.8316, 1.0),
        (1, 300, 0.0000844, 0.01843),
        (10, 20, 0.2720, 0.7280),
    ],
)
def test_limits_of_clopper_and_pearson(events: int, trials: int, low: float, high: float) -> None:
    """As tables have them."""
    assert Rate(events, trials).limits() == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_limits_hold_as_often_as_they_say(rate: float) -> None:
    """At least 95 % of the time, whatever the rate."""
    events = np.random.default_rng(1).binomial(40, rate, size=500)
    limits = np.array([Rate(int(count), 40).limits() for count in range(41)])
    holds = (limits[events, 0] <= rate) & (rate <= limits[events, 1])
    assert holds.mean() >= 0.93


def test_networks_chosen_to_suit_references_are_closer_than_chance() -> None:
    """By energy distance, and by the forgetting quality that they reach."""
    rng = np.random.default_rng(0)
    references, pool = realistic(rng, 32, 8), realistic(rng, 128, 8)

    def quality(rows: np.ndarray) -> float:
        return forgetting_quality(published_epsilon(pool[rows], references), 32)

    by_chance = quality(np.arange(32))
    near, best = (choose(pool, references, 32, 0) for choose in (smallest_energy_distance, largest_quality))
    assert len(set(near)) == len(set(best)) == 32
    assert quality(best) >= quality(near) > by_chance
    assert quality(best) > 1.3 * by_chance


@pytest.mark.parametrize("name", [name for name in SELECTIONS if name != "chosen_quality"])
def test_choices_are_rows_of_the_pool(name: str) -> None:
    """As many as are asked for, the same for the same seed; only draws with replacement repeat one."""
    rng = np.random.default_rng(2)
    references, pool = realistic(rng, 16, 5), realistic(rng, 40, 5)
    choose, _size = SELECTIONS[name]
    rows = choose(pool, references, 16, 3)
    assert rows.shape == (16,)
    assert set(rows) <= set(range(40))
    assert np.array_equal(rows, choose(pool, references, 16, 3))
    assert (len(set(rows)) == 16) is not name.endswith("_random")


def test_populations_are_stored_and_taken_up(tmp_path: Path) -> None:
    """What is stored is what was saved; a challenge counts once its references exist; parts are joined."""
    place = Populations(tmp_path / "digits-10")
    place.save("fresh-0", population(1), method="fresh")
    assert list(challenges(tmp_path)) == []
    for name, seed in (("references", 2), ("finetune-0", 3)):
        place.save(name, population(seed), method=name)
    other = Populations(tmp_path / "digits-9")
    other.save("references", population(4), method="references")
    assert [found.folder.name for found in challenges(tmp_path)] == ["digits-9", "digits-10"]
    assert place.has("references", "fresh-0")
    assert not place.has("references", "fresh-1")
    assert place.names() == ["finetune-0", "fresh-0", "references"]
    joined = pick([place.load("fresh-0"), place.load("references")], np.array([0, 64, 127]))
    assert np.array_equal(joined.logits[0], population(1).logits[0])
    assert np.array_equal(joined.logits[1:], population(2).logits[[0, 63]])
    assert list(derive(place)) == ["home_64_once-0", "home_64_random-0"]
    assert list(derive(place)) == []


def test_cards_are_computed_again_when_a_population_changes(tmp_path: Path) -> None:
    """Otherwise the stored one is taken. The original network, 12 times, is suspected for its duplicates."""
    place = Populations(tmp_path / "digits-0")
    place.save("references", population(1, 12), method="references")
    place.save("original-0", pick([population(2)], np.zeros(12, dtype=np.intp)), method="original")
    row = card_row(place, "original-0")
    assert row.suspected == ["duplicates"]
    assert card_row(place, "original-0") == row
    facts = {"processor_seconds": [1, 2, 2] * 4, "epoch_seconds": [0.5], "retraining_epochs": 8}
    place.save("original-0", population(3, 12), method="original", **facts)
    changed = card_row(place, "original-0")
    assert changed.suspected == []
    assert changed.fraction == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("portion_after", "suspected"),
    [(0.5, ["too-slow"]), (0.6, []), (5.0, [])],
    ids=["same", "slower", "slow"],
)
def test_a_second_timing_counts_as_in_an_evaluation(
    tmp_path: Path, portion_after: float, suspected: list[str]
) -> None:
    """Runs of 2.8 s are 0.7 of a retraining of 4 s, and less than 0.65 of what it takes afterwards."""
    place = Populations(tmp_path / "digits-0")
    place.save("references", population(1, 12), method="references")
    facts = {
        "processor_seconds": [2.8] * 12,
        "epoch_seconds": [9.0],
        "portions_before": [0.4, 0.5, 9.0],
        "portions_after": [0.1, portion_after],
        "retraining_epochs": 8,
    }
    place.save("finetune-0", population(3, 12), method="finetune", **facts)
    row = card_row(place, "finetune-0")
    assert row.suspected == suspected
    assert row.fraction == pytest.approx(0.7)


def test_some_runs_that_retrain_are_counted(tmp_path: Path) -> None:
    """Every third run is too slow where the other two fine-tune; none is where nobody retrains."""
    for seed, retrained in enumerate((4.0, 2.0)):
        place = Populations(tmp_path / f"digits-{seed}")
        place.save("references", population(1, 12), method="references")
        for name, seconds in (("from_scratch", retrained), ("finetune", 1.0)):
            facts = {
                "processor_seconds": [seconds] * 32,
                "portions_before": [0.5],
                "portions_after": [0.5],
                "epoch_seconds": [0.5],
                "retraining_epochs": 8,
            }
            place.save(f"{name}-0", population(2, 12), method=name, **facts)
    assert list(rates_of_mixtures(tmp_path))[2:] == [
        f"| every {which}run | {runs} | 1 of 2 (1.3% to 98.7%) |"
        for which, runs in (("", 8), ("second ", 16), ("third ", 24))
    ]


def test_methods_that_are_measured_again_replace_the_stored_ones() -> None:
    """Others stay as they are, in the order of the table."""
    old, new = ({"method": "finetune", "of": when} for when in ("old", "new"))
    others = [{"method": name} for name in ("noisy_finetune", "fresh")]
    stored = {"data_sets": {"digits": {"challenges": 20, "methods": [others[0], old, others[1]]}}}
    again = {
        "data_sets": {
            "digits": {"challenges": 13, "methods": [new]},
            "mnist": {"challenges": 1, "methods": []},
        }
    }
    result = replaced(stored, again)["data_sets"]
    assert result["digits"] == {"challenges": 20, "methods": [others[0], new, others[1]]}
    assert list(result) == ["digits", "mnist"]


def test_flags_are_those_of_the_score_card() -> None:
    """With the same ceiling: kinds and levels, on a challenge with control problems and slow runs."""
    rng = np.random.default_rng(5)
    problems = [forgetful(rng, 1.0, examples=24) for _problem in range(3)]
    unlearned, references = forgetful(rng, 0.2, examples=24), problems[0]
    controls = [(forgetful(rng, 2.0, examples=24), others) for others in problems[1:]]
    seconds = np.linspace(0.5, 1.5, unlearned.models)
    options = CardOptions(
        retraining_seconds=1.0, retraining_processor_seconds=1.0, retraining_fraction=SHORT_TRAINING_FRACTION
    )
    timed = replace(unlearned, seconds=seconds, processor_seconds=seconds)
    card = score_card(timed, references, options, controls=controls)
    assert card.ceiling is not None
    raised = raise_flags(
        unlearned,
        references,
        card.ceiling,
        times=RunTimes(runs=seconds, retraining=1.0),
        controls=OnControls(runs=12, qualities=[quality(*problem) for problem in controls]),
    )
    levels = {flag.kind: flag_level(flag.kind, flag.sentence) for flag in card.flags}
    assert raised.score == card.published.score
    assert raised.suspicions == sorted(kind for kind, level in levels.items() if level != "note")
    assert raised.notes == sorted(kind for kind, level in levels.items() if level == "note")
    assert "too-slow" in raised.suspicions
    assert "joint-attack" in raised.notes


@pytest.mark.parametrize(
    ("runs", "examples", "compared"),
    [(16, 24, 2), (8, 24, 0), (16, 10, 0)],
    ids=["enough", "runs", "examples"],
)
def test_few_runs_or_examples_are_not_compared_with_control_problems(
    tmp_path: Path, runs: int, examples: int, compared: int
) -> None:
    """As by an evaluation; the resnet18 has eight runs, and ten forget examples."""
    rng = np.random.default_rng(7)
    places = [Populations(tmp_path / f"resnet18-{seed}") for seed in range(3)]
    for place in places:
        for name in ("references", "finetune-0"):
            outputs = forgetful(rng, 1.0, examples=24, models=runs)
            logits, labels = outputs.logits[:, :examples], outputs.labels[:examples]
            place.save(name, replace(outputs, logits=logits, labels=labels), method=name)
    assert card_row(places[0], "finetune-0", places[1:]).controls == compared


def quality(unlearned: Outputs, references: Outputs) -> float:
    """Return the forgetting quality of outputs."""
    epsilons = published_epsilon(unlearned.confidences(), references.confidences())
    return forgetting_quality(epsilons, unlearned.models)


def forgetful(rng: np.random.Generator, spread: float, *, examples: int, models: int = 12) -> Outputs:
    """Return outputs of made-up networks whose answers on forget examples vary so much."""
    return Outputs(
        logits=spread * rng.normal(size=(models, examples, CLASSES)),
        labels=np.arange(examples) % CLASSES,
        correct=rng.integers(3, 8, size=(models, 4, CLASSES)),
        class_counts=np.full((4, CLASSES), [[40], [examples // CLASSES], [12], [12]]),
    )


def test_baselines_are_compared_over_data_sets() -> None:
    """A flag counts whatever its level, among the evaluations in which it could be raised."""
    alone = replace(row("finetune-0", challenge="mnist-0"), controls=0)
    timed = replace(row("scrub-1"), fraction=0.3)
    data = report([row("scrub-0", "duplicates"), timed, row("original-0", "duplicates"), alone])
    head, _line, *lines = flags_by_data(data["data_sets"])
    assert (
        head == "| flag | digits, unlearning | mnist, unlearning | digits, `original` | mnist, `original` |"
    )
    rates = dict(line.removeprefix("| ").split(" | ", 1) for line in lines)
    assert rates.keys() == {*LEVELS, "**suspected**"}
    one = "1 of 1 (2.5% to 100.0%)"
    assert rates["certified"] == f"2 of 2 (15.8% to 100.0%) | {one} | {one} | - |"
    assert rates["duplicates"] == f"1 of 2 (1.3% to 98.7%) | 0 of 1 (0.0% to 97.5%) | {one} | - |"
    assert rates["too-slow"] == "0 of 1 (0.0% to 97.5%) | - | - | - |"
    assert rates["not-unlearning"] == "0 of 2 (0.0% to 84.2%) | - | 0 of 1 (0.0% to 97.5%) | - |"
    assert rates["**suspected**"] == rates["duplicates"]


def row(population: str, *suspected: str, challenge: str = "digits-0") -> Row:
    return Row(
        challenge=challenge,
        population=population,
        score=0.1,
        runs=32,
        quality=0.1,
        share=0.5,
        fraction=None,
        controls=2,
        flags=["certified"],
        suspected=list(suspected),
    )


def test_evaluations_are_counted_by_method() -> None:
    """An evaluation with two suspicions counts once; the order is that of the table."""
    rows = [
        row("scrub-0"),
        row("scrub-1", "mixture", "copies"),
        row("scrub-0", challenge="digits-1"),
        row("steered-0", "copies"),
        row("scrub-0", challenge="mnist-0"),
    ]
    data = report(rows)
    assert data["data_sets"]["digits"]["challenges"] == 2
    scrub, steered = data["data_sets"]["digits"]["methods"]
    assert (scrub["method"], scrub["evaluations"], scrub["challenges"]) == ("scrub", 3, 2)
    assert (scrub["suspected"], scrub["suspicions"]) == (1, {"copies": 1, "mixture": 1})
    assert scrub["notes"] == {"certified": 3}
    assert (steered["kind"], steered["suspected"]) == ("cheat", 1)


def test_every_method_is_described() -> None:
    assert KINDS.keys() == REMARKS.keys()


def test_the_page_has_the_figures_of_the_stored_report() -> None:
    """`python -m benchmarks.integrity report --store` writes both."""
    page = PAGE.read_text(encoding="utf-8")
    assert with_tables(page, stored_report()) == page


@pytest.mark.parametrize("flag", FALSE_ALARMS)
def test_rates_beside_flags_are_those_of_the_stored_report(flag: str) -> None:
    """Of honest submissions; fresh retrainings have a count of their own for `too-close`."""
    kinds = ("honest", "twin") if flag == "too-close" else HONEST
    methods = [
        method for method in stored_report()["data_sets"]["digits"]["methods"] if method["kind"] in kinds
    ]
    raised = sum(method["suspicions"].get(flag, 0) for method in methods)
    evaluations = sum(method["evaluations"] for method in methods)
    assert f"{raised} of {evaluations} " in FALSE_ALARMS[flag]


def test_a_page_without_its_tables_is_an_error() -> None:
    page = PAGE.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="has the tables"):
        with_tables(page.replace("<!-- table: rates -->", ""), stored_report())
