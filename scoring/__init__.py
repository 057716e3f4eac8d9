"""How well did a submission unlearn? Arrays in, values out; nothing else.

Theory of operation. A submission is run n times and gives n unlearned models; m
references were retrained without the forget set. Each model becomes one number per forget
example, the confidence in the true label (`confidence`). For each example the two samples
of confidences are attacked with many decision rules (`attacks`); what a rule's error rates
demonstrate is an epsilon (`rules`), and the best rule's is the example's (`published`). The
smaller the epsilons, the higher the forgetting quality; multiplied by the ratios of
accuracy it is the score (`score`)::

    logits [models, examples, classes]
       └─ confidence [models, examples]     unlearned | references
             └─ epsilon [examples]          0 = cannot be told apart, 50 = at once
                   └─ forgetting quality ── x retain ratio x test ratio ── score

What that number is worth stands beside it: intervals (`uncertainty`), what perfect unlearning
would get (`ceiling`), epsilons that are not judged on what they were chosen on (`exact`,
`held_out`), attacks on whole checkpoints (`joint`, `flags`), what others report (`klom`, `ulira`,
`mia`, `tow`, `accuracies`, `run_time`) and how submissions compare (`comparison`). A `ScoreCard`
(`card`, `make_card`) holds all of it. docs/metrics.md defines every number.

Everything here is a pure function of its arguments, deterministic, and leaves its inputs as
they were. It knows nothing of containers or torch, and of files only what `outputs` loads.
What it cannot accept it refuses with a `ValueError` of one sentence.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from scoring.epsilon.exact import exact_epsilon
from scoring.outputs import Outputs, load_outputs, save_outputs
from scoring.published.confidence import logit_scaled_confidence
from scoring.published.epsilon import EPSILON_CAP, forgetting_quality, published_epsilon
from scoring.published.rules import DELTA, epsilon_of_rules
from scoring.published.score import Accuracies, PublishedScore, published_score

if TYPE_CHECKING:
    from scoring.baselines.mia import loss_mia
    from scoring.baselines.tow import tug_of_war
    from scoring.baselines.ulira import ULira, u_lira
    from scoring.card.card import ScoreCard
    from scoring.card.make import CardOptions, score_card
    from scoring.epsilon.held_out import certified_epsilon, held_out_epsilon
    from scoring.flags.find import find_flags
    from scoring.flags.joint_attack import JointAttack, joint_attack
    from scoring.statistics.ceiling import Ceiling, share_of_ceiling
    from scoring.statistics.comparison import Comparison, ModelOutputs, compare
    from scoring.statistics.interval import Interval
    from scoring.statistics.uncertainty import Uncertainty, score_uncertainty

_LATE = {
    "ScoreCard": "card.card",
    **dict.fromkeys(("Ceiling", "share_of_ceiling"), "statistics.ceiling"),
    **dict.fromkeys(("Comparison", "ModelOutputs", "compare"), "statistics.comparison"),
    "find_flags": "flags.find",
    **dict.fromkeys(("certified_epsilon", "held_out_epsilon"), "epsilon.held_out"),
    "Interval": "statistics.interval",
    **dict.fromkeys(("JointAttack", "joint_attack"), "flags.joint_attack"),
    **dict.fromkeys(("CardOptions", "score_card"), "card.make"),
    "loss_mia": "baselines.mia",
    "tug_of_war": "baselines.tow",
    **dict.fromkeys(("ULira", "u_lira"), "baselines.ulira"),
    **dict.fromkeys(("Uncertainty", "score_uncertainty"), "statistics.uncertainty"),
}
"""Names whose modules import SciPy and scikit-learn: two seconds that only those who ask for them pay."""


def __getattr__(name: str) -> object:
    """Import what is asked for late."""
    if name not in _LATE:
        raise AttributeError(f"module 'scoring' has no attribute {name!r}")
    module = import_module(f"scoring.{_LATE[name]}")
    found: object = getattr(module, name)
    globals()[name] = found
    return found


__all__ = [
    "DELTA",
    "EPSILON_CAP",
    "Accuracies",
    "CardOptions",
    "Ceiling",
    "Comparison",
    "Interval",
    "JointAttack",
    "ModelOutputs",
    "Outputs",
    "PublishedScore",
    "ScoreCard",
    "ULira",
    "Uncertainty",
    "certified_epsilon",
    "compare",
    "epsilon_of_rules",
    "exact_epsilon",
    "find_flags",
    "forgetting_quality",
    "held_out_epsilon",
    "joint_attack",
    "load_outputs",
    "logit_scaled_confidence",
    "loss_mia",
    "published_epsilon",
    "published_score",
    "save_outputs",
    "score_card",
    "score_uncertainty",
    "share_of_ceiling",
    "tug_of_war",
    "u_lira",
]
