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

Everything here is a pure function of its arguments, deterministic, and leaves its inputs as
they were. It knows nothing of containers, files or torch. What it cannot accept it
refuses with a `ValueError` of one sentence.
"""

from scoring.confidence import logit_scaled_confidence
from scoring.exact import exact_epsilon
from scoring.published import EPSILON_CAP, forgetting_quality, published_epsilon
from scoring.rules import DELTA, epsilon_of_rules
from scoring.score import Accuracies, PublishedScore, published_score

__all__ = [
    "DELTA",
    "EPSILON_CAP",
    "Accuracies",
    "PublishedScore",
    "epsilon_of_rules",
    "exact_epsilon",
    "forgetting_quality",
    "logit_scaled_confidence",
    "published_epsilon",
    "published_score",
]
