"""What probes of the networks show: knowledge of the forget set that its logits do not tell.

`arrays` defines what an evaluator records of each network besides its outputs. Every other module
computes one entry of the score card from it, for unlearned models and for references, with an
interval and with its null: the same statistic with a part of the references in the place of the
submission.
"""
