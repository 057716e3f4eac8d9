"""Epsilons that avoid two weaknesses of the published one: its grid and its optimism.

`exact` takes the maximum over all thresholds instead of those of a grid. `held_out` chooses
a rule (`chosen_rule`) on one half of the models and measures it on the other, so that chance does
not favour the attack; it also gives a lower bound that holds with a stated confidence.

The published score does not depend on this package.
"""
