"""A choice of training is used as written, and refused in one sentence where it is not valid."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from runner.challenge.training import Training, TrainingChoice, parse_training_choice
from runner.errors import ConfigurationError
from sandbox.protocol.presets import NAMES, PRESETS, Preset, resolve_preset
from sandbox.trainer.lr_schedule import learning_rate_at

OWN = Preset(epochs=5, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)


def resolved(choice: TrainingChoice | None) -> Preset:
    return resolve_preset(OWN, choice.chosen_fields() if choice is not None else {})


def from_file(tmp_path: Path, text: str) -> TrainingChoice | None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    return parse_training_choice(str(file))


def refused(given: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_training_choice(given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_quick_is_the_recipes_own_way() -> None:
    """Naming it or naming nothing gives the same challenge."""
    assert parse_training_choice("quick") is None
    assert resolved(None) == OWN
    assert OWN.optimizer == "sgd"
    assert OWN.nesterov
    assert (OWN.schedule, OWN.class_weights, OWN.keep) == ("one-cycle", "none", "last")


def test_the_contests_way() -> None:
    """Adam with its own L2 penalty, along a cosine, classes balanced, the best epoch by validation."""
    found = resolved(parse_training_choice("contest"))
    assert (found.optimizer, found.learning_rate, found.weight_decay) == ("adam", 1e-4, 5e-3)
    assert (found.schedule, found.epochs, found.batch_size) == ("cosine", 30, 64)
    assert (found.class_weights, found.keep) == ("balanced", "best-by-validation")


def test_the_starting_kits_way() -> None:
    """SGD without Nesterov."""
    found = resolved(parse_training_choice("starting-kit"))
    assert (found.optimizer, found.learning_rate, found.momentum, found.nesterov) == ("sgd", 0.1, 0.9, False)
    assert (found.weight_decay, found.batch_size) == (5e-4, 128)


def test_a_file_changes_a_preset(tmp_path: Path) -> None:
    """Any part of the table of a challenge, over a named preset or the recipe's own way."""
    over = from_file(tmp_path, '[training]\npreset = "contest"\nepochs = 3\nkeep = "last"\n')
    assert resolved(over) == resolve_preset(OWN, {"preset": "contest", "epochs": 3, "keep": "last"})
    assert resolved(over).optimizer == "adam"
    assert resolved(over).epochs == 3
    alone = from_file(tmp_path, "[training]\nlearning_rate = 0.5\n")
    assert resolved(alone).learning_rate == 0.5
    assert resolved(alone).epochs == OWN.epochs
    assert from_file(tmp_path, '[training]\npreset = "quick"\n') is None


def test_the_table_of_a_challenge_is_a_choice(tmp_path: Path) -> None:
    """The training table of challenge.toml, pasted into a file, is the same training."""
    for name in PRESETS:
        said = Training.model_validate(
            resolved(parse_training_choice(name)), from_attributes=True
        ).model_dump()
        text = "[training]\n" + "".join(
            f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}\n"
            for key, value in said.items()
        )
        assert resolved(from_file(tmp_path, text)) == PRESETS[name]


def test_an_optimizer_loses_what_it_does_not_take(tmp_path: Path) -> None:
    """Adam no momentum, SGD without momentum no Nesterov."""
    adam = resolved(from_file(tmp_path, '[training]\noptimizer = "adam"\n'))
    assert (adam.momentum, adam.nesterov) == (0.0, False)
    bare = resolved(from_file(tmp_path, "[training]\nmomentum = 0\n"))
    assert (bare.optimizer, bare.momentum, bare.nesterov) == ("sgd", 0.0, False)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("learning_rate = 0", "training.learning_rate: must be above 0"),
        ("learning_rate = inf", "training.learning_rate"),
        ("learning_rate = nan", "training.learning_rate"),
        ('learning_rate = "0.1"', "training.learning_rate"),
        ("momentum = 1.0", "training.momentum"),
        ("weight_decay = -1e-4", "training.weight_decay"),
        ("epochs = 0", "training.epochs"),
        ("epochs = 1.5", "training.epochs"),
        ("batch_size = 0", "training.batch_size"),
        ('optimizer = "lion"', "training.optimizer: must be 'sgd' or 'adam'"),
        ('schedule = "step"', "training.schedule"),
        ('class_weights = "sqrt"', "training.class_weights"),
        ('keep = "first"', "training.keep"),
        ('preset = "kaggle"', "training.preset: unknown preset; the presets are quick, contest"),
        ("warmup = 5", "training.warmup: is not known"),
        ('optimizer = "adam"\nmomentum = 0.9', "training: momentum and nesterov are settings of SGD"),
        ('preset = "contest"\nnesterov = true', "training: momentum and nesterov are settings of SGD"),
        ("momentum = 0.0\nnesterov = true", "training: nesterov needs a momentum above 0"),
        ("epochs = 3\n[more]\n", "more: is not known"),
        ("epochs =", "is not TOML"),
        ("a = " + "[" * 3000, "is not TOML"),
    ],
)
def test_refused(tmp_path: Path, table: str, words: str) -> None:
    """Unknown names, invalid values and conflicting fields are refused by name."""
    file = tmp_path / "mine.toml"
    file.write_text(f"[training]\n{table}\n")
    said = refused(str(file))
    assert said.startswith(str(file))
    assert words in said


def test_neither_a_name_nor_a_file(tmp_path: Path) -> None:
    """The message lists the names; a file that is missing or has no such table is refused."""
    assert refused("kaggle") == (
        "--training must be quick, contest, starting-kit or a .toml file "
        "with a table [training], not 'kaggle'."
    )
    assert "cannot be read: No such file" in refused(str(tmp_path / "none.toml"))
    (tmp_path / "empty.toml").write_text("")
    assert "training: is missing" in refused(str(tmp_path / "empty.toml"))


def test_a_challenge_of_an_earlier_version() -> None:
    """Five values mean SGD with Nesterov, one cycle, the last epoch and unweighted classes."""
    found = Training(epochs=12, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4)
    assert Preset(**found.model_dump()) == Preset(
        epochs=12, batch_size=64, learning_rate=0.1, momentum=0.9, weight_decay=5e-4
    )
    with pytest.raises(ValidationError, match="nesterov needs a momentum"):
        Training(epochs=12, batch_size=64, learning_rate=0.1, momentum=0.0, weight_decay=5e-4)


def test_rates() -> None:
    """One cycle rises to its peak and falls to nearly 0; a cosine changes once an epoch."""
    for name in NAMES:
        preset = PRESETS.get(name, OWN)
        rates = [learning_rate_at(preset, step, 7) for step in range(7 * preset.epochs)]
        assert min(rates) > 0
        assert max(rates) == pytest.approx(preset.learning_rate)
    assert learning_rate_at(OWN, 0, 7) == pytest.approx(OWN.learning_rate / 25)
    contest = PRESETS["contest"]
    assert [learning_rate_at(contest, step, 7) for step in (0, 6)] == [contest.learning_rate] * 2
    assert learning_rate_at(contest, 15 * 7, 7) == pytest.approx(contest.learning_rate / 2)
    assert learning_rate_at(resolve_preset(OWN, {"schedule": "constant"}), 20, 7) == OWN.learning_rate


@pytest.mark.parametrize("steps", [1, 2, 4, 5, 6])
def test_one_cycle_of_few_steps(steps: int) -> None:
    """Where a fifth of the steps is less than two, the first step has the peak or is past it."""
    preset = resolve_preset(OWN, {"epochs": 1})
    rates = [learning_rate_at(preset, step, steps) for step in range(steps)]
    assert rates == sorted(rates, reverse=True) or steps > 5
    assert rates[-1] == pytest.approx(preset.learning_rate / 25 * 1e-4)
