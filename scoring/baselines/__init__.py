"""Measures of unlearning that other papers report, for comparison with their numbers.

Each module implements one measure and cites its source. `accuracies`, `run_time` and `tow`
compare accuracies and times; `klom`, `ulira` and `mia` attack logits, confidences and losses; `margin`,
`logistic` and `spread` are their common parts.

None of these measures enters the published score, and none may import `card` or `flags`.
"""
