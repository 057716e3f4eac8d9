"""Score a submission: pure functions from arrays of model outputs to numbers.

Theory of operation. A submission is run n times and yields n unlearned models; m
references were retrained without the forget set. Each model is reduced to one number per forget
example, its confidence in the true label. Many decision rules try to separate the two
samples of confidences of an example; the error rates of a rule demonstrate an epsilon, and
the largest one is the example's epsilon. Small epsilons give a high forgetting quality, and
forgetting quality times two ratios of accuracy is the score::

    logits [models, examples, classes]
       └─ confidence [models, examples]     unlearned | retrained
             └─ epsilon [examples]          0 = indistinguishable, 50 = perfectly separated
                   └─ forgetting quality ── x retain ratio x test ratio ── score

==============  ================================================================================
`published`     the contest's metric: confidences, decision rules, epsilon, score
`epsilon`       better epsilons: without a grid; measured on models that the rule was not chosen on
`statistics`    how precise the score is: intervals, the ceiling, the ranking of submissions
`flags`         warnings about the checkpoints: copies, mixtures, outliers, attacks on all examples
`baselines`     measures that other papers report: KLoM, U-LiRA, loss MIA, ToW, accuracies, run time
`probes`        what the forget logits do not tell: relearning, perturbed copies, features; nulls
`card`          all of it in one value, the `ScoreCard`, and its JSON form
==============  ================================================================================

docs/metrics.md defines every number.

The rules of this package: every function depends on its arguments alone, is deterministic
(randomness enters as a seed) and never writes to its inputs. It must not import the runner, the
sandbox or torch, and only `outputs` reads or writes files. An input that cannot be scored raises a
`ValueError` of one sentence.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the same names as in `_MODULES`, for the type checker; a test compares the two
    from scoring.baselines.mia import loss_mia as loss_mia
    from scoring.baselines.tow import tug_of_war as tug_of_war
    from scoring.baselines.ulira import ULira as ULira
    from scoring.baselines.ulira import u_lira as u_lira
    from scoring.card.card import ScoreCard as ScoreCard
    from scoring.card.make import score_card as score_card
    from scoring.card.options import CardOptions as CardOptions
    from scoring.epsilon.exact import exact_epsilon as exact_epsilon
    from scoring.epsilon.held_out import certified_epsilon as certified_epsilon
    from scoring.epsilon.held_out import held_out_epsilon as held_out_epsilon
    from scoring.flags.find import find_flags as find_flags
    from scoring.flags.joint_attack import JointAttack as JointAttack
    from scoring.flags.joint_attack import joint_attack as joint_attack
    from scoring.flags.too_close import TooClose as TooClose
    from scoring.flags.too_close import find_too_close as find_too_close
    from scoring.outputs import Outputs as Outputs
    from scoring.outputs import load_outputs as load_outputs
    from scoring.outputs import save_outputs as save_outputs
    from scoring.published.confidence import logit_scaled_confidence as logit_scaled_confidence
    from scoring.published.epsilon import EPSILON_CAP as EPSILON_CAP
    from scoring.published.epsilon import forgetting_quality as forgetting_quality
    from scoring.published.epsilon import published_epsilon as published_epsilon
    from scoring.published.rules import DELTA as DELTA
    from scoring.published.rules import epsilon_of_rules as epsilon_of_rules
    from scoring.published.score import Accuracies as Accuracies
    from scoring.published.score import PublishedScore as PublishedScore
    from scoring.published.score import published_score as published_score
    from scoring.statistics.ceiling import Ceiling as Ceiling
    from scoring.statistics.ceiling import share_of_ceiling as share_of_ceiling
    from scoring.statistics.comparison import Comparison as Comparison
    from scoring.statistics.comparison import ModelOutputs as ModelOutputs
    from scoring.statistics.comparison import compare as compare
    from scoring.statistics.interval import Interval as Interval
    from scoring.statistics.uncertainty import Uncertainty as Uncertainty
    from scoring.statistics.uncertainty import score_uncertainty as score_uncertainty

_MODULES = {
    "baselines.mia": ("loss_mia",),
    "baselines.tow": ("tug_of_war",),
    "baselines.ulira": ("ULira", "u_lira"),
    "card.card": ("ScoreCard",),
    "card.make": ("score_card",),
    "card.options": ("CardOptions",),
    "epsilon.exact": ("exact_epsilon",),
    "epsilon.held_out": ("certified_epsilon", "held_out_epsilon"),
    "flags.find": ("find_flags",),
    "flags.joint_attack": ("JointAttack", "joint_attack"),
    "flags.too_close": ("TooClose", "find_too_close"),
    "outputs": ("Outputs", "load_outputs", "save_outputs"),
    "published.confidence": ("logit_scaled_confidence",),
    "published.epsilon": ("EPSILON_CAP", "forgetting_quality", "published_epsilon"),
    "published.rules": ("DELTA", "epsilon_of_rules"),
    "published.score": ("Accuracies", "PublishedScore", "published_score"),
    "statistics.ceiling": ("Ceiling", "share_of_ceiling"),
    "statistics.comparison": ("Comparison", "ModelOutputs", "compare"),
    "statistics.interval": ("Interval",),
    "statistics.uncertainty": ("Uncertainty", "score_uncertainty"),
}
"""The public names by module. A module is imported when one of its names is first used, because
SciPy and scikit-learn take two seconds to import and most commands need neither."""

_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> object:
    """Import a public name from its module."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'scoring' has no attribute {name!r}")
    return getattr(import_module(f"scoring.{_MODULE_OF[name]}"), name)
