"""What each population stands for: honest unlearning, its twin of a cheat, a cheat, or no unlearning."""

from __future__ import annotations

from typing import Final, Literal

Kind = Literal["honest", "twin", "retrained", "cheat", "gains little", "nothing"]

KINDS: Final[dict[str, Kind]] = {
    "noisy_finetune": "honest",
    "finetune": "honest",
    "scrub": "honest",
    "negative_gradient": "honest",
    "random_labels": "honest",
    "long_finetune": "twin",
    "reset_head": "twin",
    "tuned": "twin",
    "best_of_three": "twin",
    "best_by_validation": "twin",
    "averaged": "twin",
    "matched_to_val": "twin",
    "fresh": "retrained",
    "from_scratch": "cheat",
    "home_64_once": "cheat",
    "home_64_random": "cheat",
    "home_256_random": "cheat",
    "home_256_even": "cheat",
    "chosen_energy": "cheat",
    "chosen_nearest": "cheat",
    "chosen_quality": "cheat",
    "chosen_half": "cheat",
    "steered": "cheat",
    "suppress_only": "gains little",
    "mixture": "gains little",
    "original": "nothing",
}
"""By method, in the order of the table. ``fresh`` and ``home_64_once`` have the same outputs: nobody can tell
an honest retraining from networks that were retrained at home, but for what is done on other forget sets."""

BY_HEART: Final = frozenset(name for name in KINDS if name.startswith(("home_", "chosen_"))) | {"steered"}
"""Cheats that bring something for one forget set, and must do something else on control problems."""

REMARKS: Final[dict[str, str]] = {
    "noisy_finetune": "noise on all weights, five epochs",
    "finetune": "three epochs on retain",
    "scrub": "away from the teacher on forget, towards it on retain",
    "negative_gradient": "ascent on forget, then three epochs",
    "random_labels": "wrong labels on forget between batches of retain",
    "long_finetune": "noise, then half as many epochs as retraining",
    "reset_head": "the later layers anew, five epochs",
    "tuned": "settings drawn from a table that is packed with the code",
    "best_of_three": "of three fine-tunings the best by validation, in the run",
    "best_by_validation": "the best third by validation of three populations of noisy_finetune",
    "averaged": "two fine-tunings, their weights averaged",
    "matched_to_val": "noise, fine-tuning, loss on forget pulled to that on val",
    "fresh": "retrained without the forget set, each network once",
    "from_scratch": "retrained in the run",
    "home_64_once": "64 networks from home, each once",
    "home_64_random": "64 networks from home, drawn with replacement",
    "home_256_random": "256 networks from home, drawn with replacement",
    "home_256_even": "64 of 256 that represent all evenly",
    "chosen_energy": "64 of a pool with the references' quantiles",
    "chosen_nearest": "64 of a pool, each near to one reference",
    "chosen_quality": "64 of a pool with the largest F",
    "chosen_half": "32 of a pool with the references' quantiles, 32 at random",
    "steered": "trained towards a reference's answers on forget",
    "suppress_only": "the last layer alone hides the answers",
    "mixture": "half of the runs too much, half too little",
    "original": "the original network, unchanged",
}
