"""How precise a score is, and what a difference between two scores means.

`uncertainty` gives the score's confidence intervals and `ceiling` the forgetting quality of perfect
unlearning, both from random halves of the models; `interval` turns a standard error into an
interval. `comparison` scores several submissions on the same halves, and `ranking` decides
which differences are significant.

Models are drawn without replacement, never bootstrapped: a repeated model looks like a cluster to
the maximum over decision rules. Examples are never drawn, because all examples share the models.
"""
